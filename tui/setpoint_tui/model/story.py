"""What became of one key in one environment: its changes as far as they were fetched, newest first. Pure."""

from setpoint_tui.answers import History, HistoryChange
from setpoint_tui.model.diff_lines import ABSENT, Absent
from setpoint_tui.model.keys import KeyId

__all__ = ["Story", "value_after", "value_before"]


def value_after(change: HistoryChange) -> object | Absent:
    """Return what the key held from this change on."""
    return ABSENT if change.version is None else change.value


def value_before(change: HistoryChange) -> object | Absent:
    """Return what the key held until this change."""
    return ABSENT if change.previous_version is None else change.previous_value


class Story:
    """A key's changes by revision. Pages may be put in any order; what is there stays."""

    def __init__(self, env: str, key: KeyId) -> None:
        self.env = env
        self.key = key
        self.type = "json"
        self.is_known = False
        """Whether anything was fetched: before, no changes means nothing."""
        self.older: int | None = None
        """Where the page of older changes begins; None: there are none."""
        self._changes: dict[int, HistoryChange] = {}

    @property
    def order(self) -> list[int]:
        """The revisions, newest first."""
        return list(self._changes)

    @property
    def present(self) -> HistoryChange | None:
        """The newest change: what it made hold holds now."""
        return next(iter(self._changes.values()), None)

    def get(self, revision: int | None) -> HistoryChange | None:
        """Return the change of a revision, as far as it was fetched."""
        return None if revision is None else self._changes.get(revision)

    def is_present_again(self, change: HistoryChange) -> bool:
        """Whether a change made that version hold which holds now, be it that a later rollback did so again."""
        return self.present is not None and change.version == self.present.version

    def put_newest(self, found: History) -> set[int]:
        """Take the newest page; return the revisions in it that are news.

        What was held is dropped where it does not join on: when more happened than a page tells, and when the
        hub's history is an earlier one than ours.
        """
        self.type, self.is_known = found.type, True
        newest, held = [change.revision for change in found.changes], self.order
        if not held or not newest or newest[0] < held[0] or (found.next is not None and newest[-1] > held[0]):
            self.older = found.next
            self._changes = {change.revision: change for change in found.changes}
            return set(newest) - set(held)
        news = [change for change in found.changes if change.revision > held[0]]
        self._changes = {change.revision: change for change in news} | self._changes
        return {change.revision for change in news}

    def put_older(self, found: History) -> None:
        """Take the page of changes that `older` asked for."""
        if self.older is not None and all(change.revision < self.older for change in found.changes):
            self._changes |= {change.revision: change for change in found.changes}
            self.older = found.next
