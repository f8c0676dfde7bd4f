"""One environment as the console holds it: what every key has there, kept current by the log."""

from collections import Counter
from collections.abc import Iterable
from enum import Enum, auto

from setpoint_tui.answers import Change, PastChangeSet
from setpoint_tui.model.keys import Held, KeyId

__all__ = ["Loading", "Place"]


class Loading(Enum):
    """How much of an environment is here."""

    NOT_ASKED = auto()
    UNDER_WAY = auto()
    COMPLETE = auto()
    FAILED = auto()


class Place:
    """The values of one environment.

    `revision` says how far the log has been taken in: change sets up to it are part of what is held, or of the
    listing that is under way, and are not applied again. Within a listing, pages and later change sets may come in
    any order: of two statements about a key the one of the later revision holds.
    """

    def __init__(self, env: str) -> None:
        self.env = env
        self.revision = 0
        """The last revision heard of; everything up to it has been applied once `loading` is complete."""
        self.loading = Loading.NOT_ASKED
        self.wanted = False
        """Whether a screen has asked for it: it is loaded as soon as the hub can be asked."""
        self.trouble: str | None = None
        """Why it could not be loaded."""
        self.held: dict[KeyId, Held] = {}
        self.counts: Counter[str] = Counter()
        """Values per namespace."""
        self._began_at = 0
        # Only while a listing is under way: a page must not bring back what was deleted after it was read.
        self._gone: dict[KeyId, int] = {}

    @property
    def is_idle(self) -> bool:
        """Whether nothing here depends on hearing every change set: a listing that may come reads them all."""
        return self.loading in (Loading.NOT_ASKED, Loading.FAILED)

    def begin_loading(self) -> None:
        """A listing starts; what is held stays on show until it is complete."""
        self.loading = Loading.UNDER_WAY
        self.trouble = None
        self._gone.clear()
        self._began_at = self.revision

    def begin_pages(self, head: int) -> None:
        """The hub stands at `head` before the first page is read: no page lacks what happened up to then."""
        self.revision = self._began_at = max(self.revision, head)

    def finish_loading(self, listed: Iterable[KeyId]) -> set[KeyId]:
        """A listing is complete; return the keys dropped because it did not name them.

        What was set after the listing began stays although an early page lacks it.
        """
        found = set(listed)
        dropped = {key for key, held in self.held.items() if key not in found and held.revision <= self._began_at}
        for key in dropped:
            self._drop(key)
        self.loading = Loading.COMPLETE
        self._gone.clear()
        return dropped

    def put_listed(self, key: KeyId, held: Held | None) -> bool:
        """Take what a listing says of a key; return whether it is news."""
        if self.loading is Loading.COMPLETE:
            # The log has told, or is about to tell, whatever a page could say here.
            return False
        if held is None or held.revision <= self._gone.get(key, 0):
            return False
        present = self.held.get(key)
        if present is not None and present.revision >= held.revision:
            return False
        self._put(key, held)
        return True

    def apply(self, change_set: PastChangeSet) -> list[KeyId]:
        """Take a change set of the log; return the keys whose value it changed here."""
        if change_set.revision <= self.revision:
            return []
        self.revision = change_set.revision
        return [(change.namespace, change.key) for change in change_set.changes if self._change(change, change_set)]

    def _change(self, change: Change, change_set: PastChangeSet) -> bool:
        key = (change.namespace, change.key)
        present = self.held.get(key)
        if present is not None and present.revision >= change_set.revision:
            return False
        if change.version is not None:
            self._put(
                key, Held(change.type, change.new, change.version, change_set.revision, change_set.at, change.secret)
            )
            return True
        if self.loading is Loading.UNDER_WAY:
            self._gone[key] = change_set.revision
        if present is not None:
            self._drop(key)
        return True

    def forget(self) -> None:
        """Drop everything: what is held belongs to another history, or to another hub."""
        self.held.clear()
        self.counts.clear()
        self._gone.clear()
        self.revision = 0
        self.loading = Loading.NOT_ASKED
        self.trouble = None

    def _put(self, key: KeyId, held: Held) -> None:
        if key not in self.held:
            self.counts[key[0]] += 1
        self.held[key] = held

    def _drop(self, key: KeyId) -> None:
        del self.held[key]
        self.counts[key[0]] -= 1
