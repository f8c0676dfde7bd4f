"""What became of a write, as the one line that tells it."""

from typing import assert_never

from setpoint_tui.formatting import format_revision
from setpoint_tui.intents import Conflicted, Done, Outcome, Refused, SentForReview, Unknown
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.own_writes import OwnWrite, WriteState

__all__ = ["outcome_words", "settled_words"]


def outcome_words(outcome: Outcome, env: str, title: str) -> tuple[str, Severity]:
    """Say what became of a write just made; `title` says what it does."""
    match outcome:
        case Done(write, _):
            revision = "" if write.revision is None else f" {format_revision(write.revision)}"
            return f"{env}{revision}: {title}", Severity.SUCCESS
        case SentForReview(reason, None):
            return f"not written: {reason}", Severity.WARNING
        case SentForReview(_, review):
            return f"waits as review {review} of {env}, 3 shows it: {title}", Severity.SUCCESS
        case Conflicted(reason, _):
            return f"nothing was written: {reason}", Severity.WARNING
        case Refused(reason, _):
            return f"nothing was written: {reason}", Severity.ERROR
        case Unknown():
            return f"{title}: the answer was lost; asking the hub by request id, nothing is repeated", Severity.WARNING
        case _:
            assert_never(outcome)


def settled_words(write: OwnWrite) -> tuple[str, Severity]:
    """Say what became of a write whose answer was lost, now that the hub has been asked."""
    if write.state is WriteState.DONE:
        revision = "" if write.revision is None else f" as {format_revision(write.revision)}"
        return f"{write.title}: it was written{revision} in {write.env}", Severity.SUCCESS
    if write.state is WriteState.IN_REVIEW:
        return f"{write.title}: it waits as review {write.review} of {write.env}: 3 shows it", Severity.SUCCESS
    return (
        f"{write.title}: it was not written in {write.env}; what was typed waits as a draft",
        Severity.WARNING,
    )
