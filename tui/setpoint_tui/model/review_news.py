"""What others did to reviews between two looks at the list, as far as a person is to be told. Pure."""

from collections.abc import Iterable, Iterator, Mapping

from setpoint_tui.model.notices import Severity
from setpoint_tui.model.reviews import WAITING
from setpoint_tui.review_answers import Review
from setpoint_tui.text_safety import safe_text

__all__ = ["review_news"]

_MOST = 3
"""Lines for what arrived at once: who was away looks at the list."""


def review_news(before: Mapping[int, str], after: Iterable[Review], me: int | None) -> list[tuple[str, Severity]]:
    """Return a line for each review that somebody else proposed, and for each of mine that others settled.

    `before` are the states of the former list, by number.
    """
    lines = [line for review in sorted(after, key=lambda one: one.id) for line in _told(before, review, me)]
    left = len(lines) - _MOST
    more = [(f"and {left} more reviews changed: 3 shows them", Severity.INFORMATION)] if left > 0 else []
    return lines[:_MOST] + more


def _told(before: Mapping[int, str], review: Review, me: int | None) -> Iterator[tuple[str, Severity]]:
    former, name = before.get(review.id), f"review {review.id} of {safe_text(review.env, limit=40)}"
    is_mine = review.author.id == me
    if former is None and not is_mine and review.state in WAITING:
        author, reason = safe_text(review.author.name, limit=40), safe_text(review.reason, limit=200)
        yield f"{author} asks for {name}, “{reason}”: 3 shows it", Severity.INFORMATION
    if former == review.state or not is_mine:
        return
    match review.state:
        case "approved":
            yield f"{name}, yours, is approved: A on it applies it", Severity.SUCCESS
        case "rejected":
            yield f"{name}, yours, was rejected: 3 shows why", Severity.WARNING
        case "stale":
            yield f"{name}, yours, is stale, its base has moved: b on it rebases it", Severity.WARNING
        case _:
            # The rest I did myself, or the change set that it became tells it.
            pass
