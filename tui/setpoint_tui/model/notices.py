"""What happened, in one line each, for the line above the footer."""

from collections import deque
from dataclasses import dataclass
from enum import Enum

__all__ = ["Notice", "Notices", "Severity"]


class Severity(Enum):
    """How much a line matters; also said by its glyph, since colour may be off."""

    INFORMATION = "·"
    SUCCESS = "✓"
    WARNING = "!"
    ERROR = "✗"


@dataclass(frozen=True, slots=True)
class Notice:
    """One line. `at` is a wall-clock text, HH:MM:SS."""

    at: str
    text: str
    severity: Severity


class Notices:
    """The last lines; an error stays on show until a newer error or the person's next key takes it away."""

    def __init__(self) -> None:
        self.lines: deque[Notice] = deque(maxlen=200)

    def add(self, notice: Notice) -> None:
        """Add a line; the same words again only renew the time."""
        if self.lines and self.lines[-1].text == notice.text:
            self.lines.pop()
        self.lines.append(notice)

    @property
    def last(self) -> Notice | None:
        """The newest line."""
        return self.lines[-1] if self.lines else None
