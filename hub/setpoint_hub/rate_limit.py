"""How many messages one connection may send: a bucket that fills with time. Pure: the clock is passed in."""

from enum import Enum, auto

__all__ = ["RateLimit", "Verdict"]


class Verdict(Enum):
    """What becomes of a message."""

    TAKEN = auto()
    REFUSED = auto()
    """Over the limit: it is told so, and nothing else is done."""
    ENDED = auto()
    """Over the limit for so long that nobody can be listening to the refusals: the connection is closed."""


class RateLimit:
    """Allows `per_second` messages, and twice as many at once; what is refused counts too.

    So whoever goes on after another such number of refusals is ended, and who slows down is soon served again.
    """

    def __init__(self, per_second: float, *, now: float) -> None:
        self._per_second = per_second
        self._most = 2 * per_second
        self._left = self._most
        self._looked = now

    def take(self, now: float) -> Verdict:
        """Say what becomes of a message that came at `now`, in seconds of a clock that does not go back."""
        self._left = min(self._most, self._left + (now - self._looked) * self._per_second) - 1
        self._looked = now
        if self._left >= 0:
            return Verdict.TAKEN
        return Verdict.REFUSED if self._left >= -self._most else Verdict.ENDED
