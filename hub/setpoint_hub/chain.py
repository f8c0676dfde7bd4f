"""The chain of hashes over an environment's change sets: an edit of history breaks it. Pure."""

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from setpoint.protocol.strict_json import dumps
from setpoint_hub.replica import KeyChange

__all__ = ["Header", "link", "request_fingerprint"]


@dataclass(frozen=True, slots=True)
class Header:
    """What a change set says of itself."""

    id: UUID
    env: str
    revision: int
    how: str
    by_id: int
    token_id: UUID
    note: str
    at: datetime
    request_id: UUID


def link(previous: bytes, header: Header, changes: Sequence[KeyChange]) -> bytes:
    """Return the SHA-256 over the hash before, the header and the changes, ordered by name whoever wrote them."""
    content = {
        "change_set": str(header.id),
        "env": header.env,
        "revision": header.revision,
        "how": header.how,
        "by": header.by_id,
        "token": str(header.token_id),
        "note": header.note,
        "at": header.at.astimezone(UTC).isoformat(timespec="microseconds"),
        "request": str(header.request_id),
        "changes": [
            [
                change.namespace,
                change.key,
                change.type,
                _id(change.previous_version),
                _id(change.version),
                change.text,
            ]
            for change in sorted(changes, key=lambda change: (change.namespace, change.key))
        ],
    }
    return hashlib.sha256(previous + dumps(content).encode()).digest()


def request_fingerprint(*asked: object) -> bytes:
    """Return the SHA-256 of what a request asks for, to notice another request under the same id."""
    return hashlib.sha256(dumps(asked).encode()).digest()


def _id(version: UUID | None) -> str | None:
    return None if version is None else str(version)
