"""Changes that take themselves back: which keys they are about, and when. Pure."""

from collections.abc import Iterable
from dataclasses import dataclass, field

from setpoint_tui.model.keys import KeyId
from setpoint_tui.protected_answers import TemporaryChange

__all__ = ["Due", "Temporary"]


@dataclass(frozen=True, slots=True)
class Due:
    """A change that is taken back at a moment of the monotonic clock."""

    change: TemporaryChange
    at: float

    @property
    def waits_for_confirmation(self) -> bool:
        """Whether a word keeps it; otherwise it ends whatever is said."""
        return self.change.kind == "confirmation"

    def left(self, now: float) -> float:
        """Seconds until it is taken back."""
        return max(0.0, self.at - now)


@dataclass(slots=True)
class Temporary:
    """What is known of them; a new list replaces the old one."""

    is_behind: bool = True
    """Whether something happened since the list was read."""
    _due: dict[tuple[str, KeyId], list[Due]] = field(default_factory=dict[tuple[str, KeyId], list[Due]])

    def __len__(self) -> int:
        return len(self._due)

    def take(self, changes: Iterable[TemporaryChange], now: float) -> set[tuple[str, KeyId]]:
        """Take a list that was read at `now`; return the keys in it and in the one before."""
        former = set(self._due)
        self._due = {}
        for change in changes:
            for key in change.keys:
                found = self._due.setdefault((change.env, (key.namespace, key.key)), [])
                found.append(Due(change, now + change.due_in_seconds))
        return former | set(self._due)

    def of(self, env: str, key: KeyId) -> Due | None:
        """Return what takes a key's value back first, or None."""
        return min(self._due.get((env, key), ()), key=lambda due: due.at, default=None)

    def to_confirm(self, env: str, key: KeyId) -> Due | None:
        """Return the change of a key that waits for confirmation, or None."""
        return next((due for due in self._due.get((env, key), ()) if due.waits_for_confirmation), None)

    def expiry_of(self, env: str, revision: int) -> Due | None:
        """Return what takes a change back whatever is said, or None: it stays once it is confirmed."""
        found = (due for (where, _), dues in self._due.items() if where == env for due in dues)
        return next((due for due in found if due.change.revision == revision and not due.waits_for_confirmation), None)

    def clear(self) -> None:
        """Forget everything: the hub is another one."""
        self._due.clear()
        self.is_behind = True
