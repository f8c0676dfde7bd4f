"""What a person decides about a review: asked with its diff on show, told to the hub once, and said."""

from collections.abc import Callable
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

from setpoint.errors import HubUnreachable, RequestFailed, SetpointError
from setpoint_tui.console.dialogs.confirm import Confirmed
from setpoint_tui.console.dialogs.decide import DecideDialog
from setpoint_tui.console.widgets.review_view import proposed_changes
from setpoint_tui.errors import AnswerLost
from setpoint_tui.formatting import counted, format_countdown, format_revision
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.proposals import Proposal
from setpoint_tui.model.reviews import due_at, why_not_decided
from setpoint_tui.review_answers import Review
from setpoint_tui.reviewing import decide
from setpoint_tui.text_safety import safe_text

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["apply_review", "decide_on"]

_DONE = {
    "approve": "approved",
    "reject": "rejected: it will not be applied",
    "comment": "your comment is on record",
    "withdraw": "withdrawn",
    "rebase": "based on what holds now: it has to be approved anew",
}


async def decide_on(console: "Console", review: Review, kind: str) -> None:
    """Ask the person, tell the hub, and say what became of it. An approval is of the diff that was on show."""
    bridge, hub = console.bridge, console.bridge.feed.connection
    text = await console.push_screen_wait(DecideDialog(review, kind))
    if text is None:
        return
    if bridge.feed.connection is not hub:
        bridge.say("nothing was decided: the console went over to another hub meanwhile", Severity.ERROR)
        return
    bound = {"diff_hash": review.diff_hash} if kind == "approve" else {}
    params = {"review": review.id, "text": text, **bound}
    await _tell(console, kind, params, "nothing was decided", lambda after: _done(kind, after))


async def apply_review(console: "Console", review: Review) -> None:
    """Make the change of a review, asked like every write; at a time that the person gave, a hub makes it."""
    proposal = _application(review)
    confirmed = await console.acting.confirmed(proposal)
    if isinstance(confirmed, Confirmed):
        if confirmed.at is None:
            await console.acting.make(proposal, confirmed)
        else:
            params = {"review": review.id, "at": confirmed.at.isoformat()}
            await _tell(console, "apply", params, "it was not scheduled", _scheduled)
    console.bridge.model.expire_reviews()


async def _tell(
    console: "Console", action: str, params: dict[str, Any], failed: str, done: Callable[[Review], str]
) -> None:
    """Tell the hub once, and say what became of it."""
    bridge, number = console.bridge, params["review"]
    try:
        after = await decide(bridge.feed, action, params)
    except AnswerLost:
        bridge.say(f"review {number}: the answer was lost; the review shows what became of it", Severity.WARNING)
    except SetpointError as error:
        bridge.say(f"review {number}: {failed}: {safe_text(str(error), limit=400)}", _weight(error))
    else:
        bridge.say(f"review {after.id} of {safe_text(after.env)}: {done(after)}", Severity.SUCCESS)
    bridge.model.expire_reviews()


def _application(review: Review) -> Proposal:
    title = f"apply review {review.id}"
    changes = proposed_changes(review)
    intent = Intent(
        "review.apply",
        {"review": review.id, "note": review.reason},
        review.env,
        title,
        tuple(change.key for change in changes),
    )
    based_on = f"{safe_text(review.env)} {format_revision(review.base_revision)}"
    needs = why_not_decided(review, "apply", None) or ""
    schedule = review.may.get("schedule")
    return Proposal(
        intent,
        title,
        changes,
        based_on=based_on,
        asks_note=False,
        needs_glass=safe_text(needs, limit=300),
        may_wait=schedule is not None and schedule.allowed,
        terms={"expires_in": review.expires_in, "confirm_within": review.confirm_within},
        due=due_at(review),
    )


def _scheduled(after: Review) -> str:
    if after.apply_at is None:
        return "it has no time any more: look at it again"
    left = format_countdown((after.apply_at - datetime.now(UTC)).total_seconds())
    needed = "" if after.state == "approved" else ", if it is approved by then"
    return f"a hub applies it in {left}, at {after.apply_at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC{needed}"


def _done(kind: str, after: Review) -> str:
    given = after.approvals
    if kind == "approve" and given.given < given.needed:
        return f"approved, {given.given} of {counted(given.needed, 'approval')}"
    if kind == "approve":
        return "approved: A applies it"
    return _DONE[kind]


def _weight(error: SetpointError) -> Severity:
    return Severity.WARNING if isinstance(error, RequestFailed | HubUnreachable) else Severity.ERROR
