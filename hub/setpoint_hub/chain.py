"""What the hub puts under the hashes of a change set: see `setpoint.protocol.chain` for the chain itself. Pure."""

import hashlib
from typing import Final

from setpoint.protocol.chain import ChainedChange, digest
from setpoint.protocol.strict_json import dumps
from setpoint_hub.replica import KeyChange

__all__ = ["HASH_FORM", "chained", "request_fingerprint"]

HASH_FORM: Final = 2
"""The form of the hash of every change set that is written now."""


def chained(change: KeyChange, *, is_new: bool) -> ChainedChange:
    """Return a change as the chain covers it; the value as its digest."""
    return ChainedChange(
        namespace=change.namespace,
        key=change.key,
        type=change.type,
        previous_version=change.previous_version,
        version=change.version,
        content=None if change.text is None else digest(change.text),
        is_new=is_new,
    )


def request_fingerprint(*asked: object) -> bytes:
    """Return the SHA-256 of what a request asks for, to notice another request under the same id."""
    return hashlib.sha256(dumps(asked).encode()).digest()
