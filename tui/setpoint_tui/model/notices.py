"""What happened, in one line each, for the line above the footer."""

import time
from collections import deque
from collections.abc import Callable
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
    """The last lines. `last_at` is when the newest was added, by the monotonic clock."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.lines: deque[Notice] = deque(maxlen=200)
        self.last_at = 0.0
        self._clock = clock

    def add(self, notice: Notice) -> None:
        """Add a line; the same words again only renew the time."""
        if self.lines and self.lines[-1].text == notice.text:
            self.lines.pop()
        self.lines.append(notice)
        self.last_at = self._clock()

    @property
    def last(self) -> Notice | None:
        """The newest line."""
        return self.lines[-1] if self.lines else None
