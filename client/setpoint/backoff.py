"""How long to wait before the next attempt: pure but for the random source that is passed in."""

from dataclasses import dataclass
from random import Random

from setpoint.endings import Ended

__all__ = ["Backoff", "BackoffSettings"]


@dataclass(frozen=True, slots=True)
class BackoffSettings:
    """The seconds that bound the waits."""

    first: float = 0.5
    """The longest wait after a first failure; doubled with each that follows."""
    longest: float = 30.0
    stable: float = 30.0
    """A connection that lasted so long makes the next failure a first one again."""
    denied: tuple[float, float] = (30.0, 60.0)
    """Between these, at random, while the token is refused."""
    longest_named: float = 300.0
    """The longest delay that is taken from a hub's `retry_after`."""


class Backoff:
    """Full jitter: any time between none and a ceiling that doubles, so that a fleet does not come back at once."""

    def __init__(self, settings: BackoffSettings, random: Random) -> None:
        self._settings = settings
        self._random = random
        self._failures = 0

    def delay_after(self, ended: Ended, *, lasted: float) -> float:
        """Return the seconds to wait after a connection or an attempt that lasted so many seconds."""
        settings = self._settings
        if lasted >= settings.stable:
            self._failures = 0
        # The exponent is bounded because 2.0 ** 1024 overflows.
        ceiling = min(settings.longest, settings.first * 2.0 ** min(self._failures, 32))
        self._failures += 1
        if ended.kind == "denied":
            return self._random.uniform(*settings.denied)
        if ended.retry_after is not None:
            # Never below the own ceiling: a hub that names 0 and closes at once must not be hammered.
            ceiling = max(ceiling, min(ended.retry_after, settings.longest_named))
        return self._random.uniform(0.0, ceiling)
