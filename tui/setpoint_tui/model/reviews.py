"""The reviews that are known, which of them are listed, and what is fetched of them. Pure."""

from collections.abc import Iterable
from contextlib import suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Literal

from setpoint_tui.answers import PastChangeSet
from setpoint_tui.review_answers import Review, ReviewDecision

__all__ = [
    "WAITING",
    "Reviews",
    "Which",
    "due_at",
    "matches",
    "said_with",
    "why_lapsed",
    "why_not_applied",
    "why_not_decided",
]

WAITING = ("open", "approved", "stale")
"""States in which somebody still has to do something."""

Which = Literal["open", "mine", "all"]


@dataclass(slots=True)
class Reviews:
    """What the hub told of reviews; a new list replaces the old one."""

    known: dict[int, Review] = field(default_factory=dict[int, Review])
    """By number, without changes, decisions and permissions."""
    whole: dict[int, Review] = field(default_factory=dict[int, Review])
    """Those that were looked at, with everything."""
    loaded: bool = False
    trouble: str | None = None
    """Why they could not be listed."""
    is_behind: bool = True
    """Whether something happened since the list was read."""
    wanted: int | None = None
    """One that a person is to be shown next: their own write became it."""
    told: dict[int, str] | None = None
    """The states of the list that the person was told of last, by number; None: of none yet."""
    _expired: set[int] = field(default_factory=set[int])

    @property
    def waiting(self) -> int:
        """How many wait for somebody."""
        return sum(1 for review in self.known.values() if review.state in WAITING)

    def listed(self, which: Which, text: str, me: int | None) -> list[int]:
        """Return the numbers of those that are asked for: what waits first, in each part the newest first."""
        found = [review for review in self.known.values() if _is_asked_for(review, which, me) and matches(review, text)]
        return [review.id for review in sorted(found, key=lambda one: (one.state not in WAITING, -one.id))]

    def is_current(self, number: int) -> bool:
        """Whether what was fetched of a review is all that there is to know."""
        return number in self.whole and number not in self._expired

    def take(self, reviews: Iterable[Review]) -> None:
        """Take a list that was read after everything that is known to have happened."""
        self.known = {review.id: review for review in reviews}
        for number, found in self.whole.items():
            listed = self.known.get(number)
            if listed is not None and _standing(listed) != _standing(found):
                self._expired.add(number)
        self.loaded, self.trouble = True, None

    def put(self, review: Review) -> None:
        """Take one review whole, as it stands."""
        self.known[review.id] = self.whole[review.id] = review
        self._expired.discard(review.id)

    def expire(self) -> None:
        """Something happened to some review."""
        self.is_behind = True
        self._expired.update(self.whole)

    def concerns(self, change_set: PastChangeSet) -> bool:
        """Whether a change set may have moved the base of one that waits, or is one of them applied."""
        changed = {(change.namespace, change.key) for change in change_set.changes}
        for review in self.known.values():
            if review.env == change_set.env and review.state in WAITING:
                named = {(key.namespace, key.key) for key in review.keys}
                if changed & named or len(named) < review.key_count:
                    return True
        return False

    def clear(self) -> None:
        """Forget everything: the hub is another one."""
        self.known.clear()
        self.whole.clear()
        self._expired.clear()
        self.loaded, self.is_behind, self.wanted, self.trouble, self.told = False, True, None, None, None


def matches(review: Review, text: str) -> bool:
    """Whether every word is in what a list shows of a review, and none that begins with `!`."""
    about = " ".join(
        (
            str(review.id),
            review.env,
            review.state,
            review.author.name,
            review.reason,
            review.ticket,
            *(f"{key.namespace}/{key.key}" for key in review.keys),
        )
    ).lower()
    words = text.lower().split()
    return all((word[1:] not in about) if word.startswith("!") and word[1:] else word in about for word in words)


def why_not_decided(review: Review, action: str, me: int | None) -> str | None:
    """Return why the asker may not do something with a review now, by the hub's own word; None: they may."""
    permission = review.may.get(action)
    if permission is not None and not permission.allowed:
        return permission.why or "the hub does not allow it"
    if action == "approve" and any(
        decision.kind == "approve" and decision.counts and decision.by.id == me for decision in review.decisions
    ):
        return "you have approved it already"
    return None


def why_not_applied(review: Review, me: int | None) -> str | None:
    """Return why there is no way to have a review applied: not now, not at a time, not past its approvals."""
    ways = [review.may.get(action) for action in ("schedule", "break_glass")]
    # A time is no way round a base that has moved: it is rebased first.
    if review.state != "stale" and any(permission is not None and permission.allowed for permission in ways):
        return None
    return why_not_decided(review, "apply", me)


def due_at(review: Review) -> datetime | None:
    """Return when a hub is to apply a review, or None: nobody said so, or it is settled."""
    return review.apply_at if review.state in WAITING else None


def _standing(review: Review) -> tuple[object, ...]:
    """What a list tells of a review that may have changed since it was looked at."""
    return review.state, review.diff_hash, review.approvals, review.apply_at


def said_with(decision: ReviewDecision) -> str:
    """Return what goes with a decision, which is not safe to show; the time of a schedule as people read it."""
    if decision.kind == "schedule":
        with suppress(ValueError, OverflowError):
            return f"{datetime.fromisoformat(decision.text).astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC"
    return decision.text


def why_lapsed(review: Review, decision: ReviewDecision) -> str | None:
    """Return why an approval does not count any more; None for one that does, and for everything else."""
    if decision.counts is not False:
        return None
    return "of another diff" if decision.diff_hash != review.diff_hash else "its token was revoked"


def _is_asked_for(review: Review, which: Which, me: int | None) -> bool:
    match which:
        case "open":
            return review.state in WAITING
        case "mine":
            return review.author.id == me
        case "all":
            return True
