"""What the methods that write values have in common: how much at once, what is stated of a write, what it answers."""

from collections.abc import Awaitable, Callable
from dataclasses import asdict
from typing import Any, Final

from setpoint.errors import InvalidValue
from setpoint.protocol.values import encode_value
from setpoint_hub.errors import forbidden, invalid_params
from setpoint_hub.review import NO_TERMS, Asker, Terms
from setpoint_hub.rpc import present
from setpoint_hub.rpc.params import CreateReviewParams, SetParams, StatedParams
from setpoint_hub.session import Session
from setpoint_hub.store.deadlines import due_times
from setpoint_hub.store.intents import BY_REVIEW, Author, BreakGlass, Gate, Intent
from setpoint_hub.store.writer import Committed

__all__ = [
    "MOST_CHANGES",
    "AfterCommit",
    "answer_of",
    "asker_of",
    "author_of",
    "check_glass",
    "gate_of",
    "intent_of",
    "stated",
    "terms_of",
]

MOST_CHANGES: Final = 1_000
"""Keys in one change set, whichever method writes it."""

AfterCommit = Callable[[Session, Committed, float | None], Awaitable[dict[str, Any] | None]]
"""Makes a commit known, and returns the receipt when the caller waits for one."""


def asker_of(session: Session) -> Asker:
    """Return who asks, as reviews see them."""
    return Asker(session.principal.user_id, session.principal.role)


def author_of(session: Session) -> Author:
    """Return who writes."""
    return Author(session.principal.user_id, session.principal.token_id, session.origin)


def intent_of(session: Session, env: str, how: str, fingerprint: bytes, asked: StatedParams) -> Intent:
    """State a write of this session's. Raises the answer -32602 for a note that cannot be kept."""
    try:
        encode_value("string", asked.note)
    except InvalidValue as error:
        raise invalid_params(f"note: {error.reason}") from error
    return Intent(
        env,
        how,
        asked.note,
        author_of(session),
        asked.request_id,
        fingerprint,
        ticket=asked.ticket,
        apply_at=asked.at if isinstance(asked, CreateReviewParams) else None,
        terms=terms_of(asked),
        force=asked.force,
    )


def stated(asked: StatedParams) -> list[object]:
    """Return what else tells a request from one like it, for its fingerprint.

    It is nothing when nothing of it is stated: a plain request has the fingerprint that it always had.
    """
    terms = terms_of(asked)
    more: list[object] = [asked.break_glass, asked.ticket, terms.expires_in, terms.confirm_within]
    if isinstance(asked, CreateReviewParams):
        return ["review", *more, None if asked.at is None else asked.at.isoformat()]
    return more if any(more) else []


def gate_of(session: Session, asked: StatedParams, otherwise: Gate = BY_REVIEW) -> Gate:
    """Return the gate that a write passes: the usual one, or the broken glass. Raises `forbidden` and -32602."""
    if not asked.break_glass:
        return otherwise
    check_glass(session, asked.note)
    return BreakGlass()


def check_glass(session: Session, note: str) -> None:
    """Raise `forbidden` unless an admin breaks the glass, and -32602 when no reason is given."""
    role = session.principal.role
    if role != "admin":
        raise forbidden(f"the role {role} does not break the glass: an admin does; leave break_glass out for a review")
    if not note.strip():
        raise invalid_params("note: breaking the glass goes on record for everybody: say why")


def terms_of(asked: StatedParams) -> Terms:
    """Return when the change takes itself back; never, unless it is a `set` that says so."""
    return Terms(asked.expires_in, asked.confirm_within) if isinstance(asked, SetParams) else NO_TERMS


async def answer_of(
    committed: Committed, session: Session, after_commit: AfterCommit, *, wait: float | None, terms: Terms = NO_TERMS
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
    due = due_times(change_set.at, terms)
    if "expiry" in due:
        result["expires_at"] = present.time_text(due["expiry"])
    if "confirmation" in due:
        result["confirm_by"] = present.time_text(due["confirmation"])
    if committed.warnings:
        result["warnings"] = [asdict(warned) for warned in committed.warnings]
    if receipt is not None:
        result["receipt"] = receipt
    return result
