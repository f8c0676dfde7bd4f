"""The chains of hashes over what is on record: change sets, one chain per environment, and events. Pure.

Every link is the SHA-256 over the hash before it and the record's canonical text, so an edit of a record breaks the
chain there, and the last hash stands for all that came before it.
"""

import hashlib
from dataclasses import dataclass
from datetime import UTC, datetime
from uuid import UUID

from setpoint.protocol.strict_json import dumps

__all__ = ["ChainedChange", "ChainedChangeSet", "ChainedEvent", "Link", "Origin", "Record", "digest", "link"]


@dataclass(frozen=True, slots=True)
class Origin:
    """From where somebody acts: the client's address, and what its tool calls itself; both may be empty."""

    address: str
    tool: str


@dataclass(frozen=True, slots=True)
class ChainedChange:
    """What a change set did to one key, as its link covers it.

    `content` stands for the value: its canonical text in form 1, that text's digest in form 2. `is_new` tells a
    version that came with this change set from one that is active again.
    """

    namespace: str
    key: str
    type: str
    previous_version: UUID | None
    version: UUID | None
    content: str | None
    is_new: bool


@dataclass(frozen=True, slots=True)
class ChainedChangeSet:
    """A change set, as its link covers it. Form 1 knows neither origin, nor request_hash, nor is_new."""

    form: int
    id: UUID
    env: str
    revision: int
    how: str
    by_id: int
    token_id: UUID
    note: str
    at: datetime
    origin: Origin
    request_id: UUID
    request_hash: bytes
    changes: tuple[ChainedChange, ...]

    @property
    def number(self) -> int:
        """Its place in the chain."""
        return self.revision

    @property
    def content(self) -> str:
        """The text under the hash; the order of changes is that of their names, whoever wrote them."""
        header: dict[str, object] = {
            "change_set": str(self.id),
            "env": self.env,
            "revision": self.revision,
            "how": self.how,
            "by": self.by_id,
            "token": str(self.token_id),
            "note": self.note,
            "at": _moment(self.at),
            "request": str(self.request_id),
        }
        if self.form > 1:
            header |= {
                "form": self.form,
                "origin": [self.origin.address, self.origin.tool],
                "request_hash": self.request_hash.hex(),
            }
        ordered = sorted(self.changes, key=lambda change: (change.namespace, change.key))
        return dumps({**header, "changes": [self._entry(change) for change in ordered]})

    def _entry(self, change: ChainedChange) -> list[object]:
        entry: list[object] = [
            change.namespace,
            change.key,
            change.type,
            _id(change.previous_version),
            _id(change.version),
            change.content,
        ]
        return entry if self.form == 1 else [*entry, change.is_new]


@dataclass(frozen=True, slots=True)
class ChainedEvent:
    """An event, as its link covers it; `about` is canonical JSON text."""

    sequence: int
    kind: str
    at: datetime
    user_id: int | None
    token_id: UUID | None
    origin: Origin
    env: str | None
    namespace: str | None
    key: str | None
    about: str

    @property
    def number(self) -> int:
        """Its place in the chain."""
        return self.sequence

    @property
    def content(self) -> str:
        """The text under the hash."""
        return dumps(
            {
                "event": self.sequence,
                "kind": self.kind,
                "at": _moment(self.at),
                "by": self.user_id,
                "token": _id(self.token_id),
                "origin": [self.origin.address, self.origin.tool],
                "env": self.env,
                "namespace": self.namespace,
                "key": self.key,
                "about": self.about,
            }
        )


Record = ChainedChangeSet | ChainedEvent


@dataclass(frozen=True, slots=True)
class Link:
    """A record with the hashes that are stored with it. `flaw` says what the rows around it contradict, if any do."""

    record: Record
    previous: bytes
    hash: bytes
    flaw: str | None = None


def link(previous: bytes, record: Record) -> bytes:
    """Return the hash of a record that follows the hash `previous`."""
    return hashlib.sha256(previous + record.content.encode()).digest()


def digest(text: str) -> str:
    """Return what stands for a value in form 2: the SHA-256 of its canonical text, in hexadecimal."""
    return hashlib.sha256(text.encode()).hexdigest()


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _id(found: UUID | None) -> str | None:
    return None if found is None else str(found)
