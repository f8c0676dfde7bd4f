"""What a person decides about a review: asked with its diff on show, told to the hub once, and said."""

from typing import TYPE_CHECKING

from setpoint.errors import HubUnreachable, RequestFailed, SetpointError
from setpoint_tui.console.dialogs.decide import DecideDialog
from setpoint_tui.console.widgets.review_view import proposed_changes
from setpoint_tui.errors import AnswerLost
from setpoint_tui.formatting import counted, format_revision
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.proposals import Proposal
from setpoint_tui.model.reviews import why_not_decided
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
    try:
        after = await decide(bridge.feed, kind, {"review": review.id, "text": text, **bound})
    except AnswerLost:
        said = f"review {review.id}: the answer was lost; the review shows what became of it"
        bridge.say(said, Severity.WARNING)
    except SetpointError as error:
        bridge.say(f"review {review.id}: nothing was decided: {safe_text(str(error), limit=400)}", _weight(error))
    else:
        bridge.say(f"review {after.id} of {safe_text(after.env)}: {_done(kind, after)}", Severity.SUCCESS)
    bridge.model.expire_reviews()


async def apply_review(console: "Console", review: Review) -> None:
    """Make the change of an approved review, asked like every write."""
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
    proposal = Proposal(
        intent, title, changes, based_on=based_on, asks_note=False, needs_glass=safe_text(needs, limit=300)
    )
    await console.acting.propose(proposal)
    console.bridge.model.expire_reviews()


def _done(kind: str, after: Review) -> str:
    given = after.approvals
    if kind == "approve" and given.given < given.needed:
        return f"approved, {given.given} of {counted(given.needed, 'approval')}"
    if kind == "approve":
        return "approved: A applies it"
    return _DONE[kind]


def _weight(error: SetpointError) -> Severity:
    return Severity.WARNING if isinstance(error, RequestFailed | HubUnreachable) else Severity.ERROR
