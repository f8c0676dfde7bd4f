"""The change sets that the console knows of, in order of time, and which of the log it does not have."""

from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from setpoint_tui.answers import PastChangeSet

__all__ = ["MOST_KEPT", "ActivityLog", "Gap"]

MOST_KEPT = 5_000


@dataclass(frozen=True, slots=True)
class Gap:
    """Revisions `first` to `last` of an environment are not here; `reason` says why when they were asked for."""

    env: str
    first: int
    last: int
    reason: str = ""


class ActivityLog:
    """Change sets of all environments. The newest MOST_KEPT stay."""

    def __init__(self) -> None:
        self._known: dict[tuple[str, int], PastChangeSet] = {}
        self._order: list[tuple[datetime, str, int]] = []
        self._revisions: dict[str, list[int]] = {}
        self._unfetched: dict[str, dict[int, str]] = {}

    def __len__(self) -> int:
        return len(self._order)

    def __iter__(self) -> Iterator[PastChangeSet]:
        """Oldest first."""
        return (self._known[env, revision] for _, env, revision in self._order)

    def __reversed__(self) -> Iterator[PastChangeSet]:
        return (self._known[env, revision] for _, env, revision in reversed(self._order))

    @property
    def is_full(self) -> bool:
        """Whether anything older would be forgotten at once."""
        return len(self._order) >= MOST_KEPT

    def get(self, env: str, revision: int) -> PastChangeSet | None:
        """Return a change set, or None when it is not here."""
        return self._known.get((env, revision))

    def add(self, change_set: PastChangeSet) -> bool:
        """Put a change set in its place by time; return whether it is new."""
        position = (change_set.env, change_set.revision)
        if position in self._known:
            return False
        self._known[position] = change_set
        insort(self._order, (change_set.at, *position))
        insort(self._revisions.setdefault(change_set.env, []), change_set.revision)
        self._unfetched.get(change_set.env, {}).pop(change_set.revision, None)
        if len(self._order) > MOST_KEPT:
            self._forget_oldest()
        return True

    def add_unfetched(self, env: str, revision: int, reason: str) -> None:
        """Record that a change set was asked for and not given."""
        if (env, revision) not in self._known:
            self._unfetched.setdefault(env, {})[revision] = reason

    def clear(self) -> None:
        """Forget everything."""
        self._known.clear()
        self._order.clear()
        self._revisions.clear()
        self._unfetched.clear()

    def missing(self, env: str, below: int, count: int) -> list[int]:
        """Return up to `count` revisions below `below` that are not here and were not refused, newest first."""
        refused = self._unfetched.get(env, {})
        found: list[int] = []
        for first, last in self._holes(env, below - 1):
            for revision in range(last, first - 1, -1):
                if len(found) == count:
                    return found
                if revision not in refused:
                    found.append(revision)
        return found

    def gaps(self, env: str, head: int) -> list[Gap]:
        """Return what is missing of an environment that stands at `head`, newest first."""
        return [gap for first, last in self._holes(env, head) for gap in self._by_reason(env, first, last)]

    def forget_refusals(self, gap: Gap) -> None:
        """Let the change sets of a gap be asked for again."""
        refused = self._unfetched.get(gap.env, {})
        for revision in [one for one in refused if gap.first <= one <= gap.last]:
            del refused[revision]

    def _holes(self, env: str, head: int) -> Iterator[tuple[int, int]]:
        held = self._revisions.get(env, [])
        last = head
        for place in range(bisect_left(held, head + 1) - 1, -1, -1):
            if held[place] < last:
                yield held[place] + 1, last
            last = held[place] - 1
        if last >= 1:
            yield 1, last

    def _by_reason(self, env: str, first: int, last: int) -> Iterator[Gap]:
        """Split a hole where the reason changes; only what was refused is walked through."""
        refused = self._unfetched.get(env, {})
        for revision in sorted((one for one in refused if first <= one <= last), reverse=True):
            if revision > last:
                continue
            if revision < last:
                yield Gap(env, revision + 1, last)
            begin = revision
            while begin > first and refused.get(begin - 1) == refused[revision]:
                begin -= 1
            yield Gap(env, begin, revision, refused[revision])
            last = begin - 1
        if last >= first:
            yield Gap(env, first, last)

    def _forget_oldest(self) -> None:
        _, env, revision = self._order.pop(0)
        del self._known[env, revision]
        self._revisions[env].remove(revision)
