"""One environment as the console holds it: what every key has there, kept current by the log."""

from collections import Counter
from collections.abc import Iterable
from enum import Enum, auto

from setpoint_tui.answers import PastChangeSet
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

    Pages of a listing and change sets of the log may arrive in any order: of two statements about a key the one
    of the later revision holds, so applying either twice changes nothing.
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
        # Only while a listing is under way: a page must not bring back what was deleted after it was read.
        self._gone: dict[KeyId, int] = {}

    def begin_loading(self) -> None:
        """A listing starts; what is held stays on show until it is complete."""
        self.loading = Loading.UNDER_WAY
        self.trouble = None
        self._gone.clear()

    def finish_loading(self, listed: Iterable[KeyId], began_at: int) -> set[KeyId]:
        """A listing is complete; return the keys dropped because it did not name them.

        `began_at` is the revision known when it started: what was set later stays although an early page lacks it.
        """
        found = set(listed)
        dropped = {key for key, held in self.held.items() if key not in found and held.revision <= began_at}
        for key in dropped:
            self._drop(key)
        self.loading = Loading.COMPLETE
        self._gone.clear()
        return dropped

    def put_listed(self, key: KeyId, held: Held | None) -> bool:
        """Take what a listing says of a key; return whether it is news."""
        if held is None or held.revision <= self._gone.get(key, 0):
            return False
        present = self.held.get(key)
        if present is not None and present.revision >= held.revision:
            return False
        self._put(key, held)
        return True

    def apply(self, change_set: PastChangeSet) -> list[KeyId]:
        """Take a change set of the log; return the keys whose value it changed here."""
        changed: list[KeyId] = []
        for change in change_set.changes:
            key = (change.namespace, change.key)
            present = self.held.get(key)
            if present is not None and present.revision >= change_set.revision:
                continue
            if change.version is None:
                self._gone[key] = change_set.revision
                if present is not None:
                    self._drop(key)
            else:
                self._put(key, Held(change.type, change.new, change.version, change_set.revision, change_set.at))
            changed.append(key)
        self.revision = max(self.revision, change_set.revision)
        return changed

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
