"""Which protected environments may be written to for now: somebody armed them, and not long ago. Pure."""

from dataclasses import dataclass, field

__all__ = ["ARMED_SECONDS", "Arming"]

ARMED_SECONDS = 600.0
"""Long enough for a piece of work, short enough to be over when the terminal is found open after lunch."""


@dataclass(slots=True)
class Arming:
    """Moments are those of the monotonic clock."""

    _until: dict[str, float] = field(default_factory=dict[str, float])

    def arm(self, env: str, now: float) -> None:
        """Let an environment be written to, from now on for ARMED_SECONDS."""
        self._until[env] = now + ARMED_SECONDS

    def disarm(self, env: str) -> None:
        """End that at once."""
        self._until.pop(env, None)

    def left(self, env: str, now: float) -> float:
        """Return for how many seconds more an environment is armed; 0.0: it is not."""
        return max(0.0, self._until.get(env, now) - now)

    def clear(self) -> None:
        """Disarm everything: the hub is another one."""
        self._until.clear()
