"""Changes of protected environments that went past review: told to everybody until each has acknowledged them. Pure."""

from dataclasses import dataclass, field

from setpoint_tui.answers import PastChangeSet

__all__ = ["BrokenGlass", "breaks_glass"]

_HOW = "break glass"
"""How such a change came to be begins with this."""


def breaks_glass(change_set: PastChangeSet) -> bool:
    """Whether a change went past review."""
    return change_set.how.startswith(_HOW)


@dataclass(slots=True)
class BrokenGlass:
    """Those that were heard of since this console was opened and are not acknowledged, the newest last."""

    changes: list[PastChangeSet] = field(default_factory=list[PastChangeSet])

    def note(self, change_set: PastChangeSet) -> None:
        """Take a change that has just been heard of."""
        if breaks_glass(change_set):
            self.changes.append(change_set)

    def acknowledge(self) -> int:
        """The person has seen them; return how many there were."""
        seen = len(self.changes)
        self.changes.clear()
        return seen
