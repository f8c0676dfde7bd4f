"""What the methods that write values have in common: how much at once, what is stated of a write, what it answers."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final
from uuid import UUID

from setpoint.errors import InvalidValue
from setpoint.protocol.values import encode_value
from setpoint_hub.errors import invalid_params
from setpoint_hub.rpc import present
from setpoint_hub.session import Session
from setpoint_hub.store.writer import Author, Committed, Intent

__all__ = ["MOST_CHANGES", "AfterCommit", "answer_of", "intent_of"]

MOST_CHANGES: Final = 1_000
"""Keys in one change set, whichever method writes it."""

AfterCommit = Callable[[Session, Committed, float | None], Awaitable[dict[str, Any] | None]]
"""Makes a commit known, and returns the receipt when the caller waits for one."""


def intent_of(
    session: Session, env: str, how: str, fingerprint: bytes, *, note: str, request_id: UUID | None
) -> Intent:
    """State a write of this session's. Raises the answer -32602 for a note that cannot be kept."""
    try:
        encode_value("string", note)
    except InvalidValue as error:
        raise invalid_params(f"note: {error.reason}") from error
    author = Author(session.principal.user_id, session.principal.token_id, session.origin)
    return Intent(env, how, note, author, request_id, fingerprint)


async def answer_of(
    committed: Committed, session: Session, after_commit: AfterCommit, *, wait: float | None
) -> dict[str, Any]:
    """Make a commit known and return what its method answers, with the receipt when it is waited for."""
    change_set = committed.change_set
    receipt = await after_commit(session, committed, wait)
    result: dict[str, Any] = {
        "env": change_set.env,
        "revision": change_set.revision,
        "change_set": str(change_set.id),
        "repeated": committed.repeated,
        "changes": present.changes(change_set.changes),
    }
    if committed.warnings:
        result["warnings"] = [asdict(warned) for warned in committed.warnings]
    if receipt is not None:
        result["receipt"] = receipt
    return result
