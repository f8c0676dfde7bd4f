"""The one secret that is on show in the clear, for a short while: in no draft, no notice and no file. Pure."""

from dataclasses import dataclass, field

from setpoint_tui.model.keys import KeyId

__all__ = ["REVEALED_SECONDS", "Revealed"]

REVEALED_SECONDS = 30.0
"""Long enough to read it off, short enough that nobody else does."""


@dataclass(slots=True)
class Revealed:
    """Moments are those of the monotonic clock."""

    _about: tuple[str, KeyId, str] | None = None
    _value: object = field(default=None, repr=False)
    _until: float = 0.0

    def show(self, env: str, key: KeyId, version: str, value: object, now: float) -> None:
        """Show a value from now on; one that was on show before is masked."""
        self._about, self._value, self._until = (env, key, version), value, now + REVEALED_SECONDS

    def left(self, env: str, key: KeyId, version: str, now: float) -> float:
        """Return for how many seconds more this very version is on show; 0.0: it is not."""
        return max(0.0, self._until - now) if self._about == (env, key, version) else 0.0

    @property
    def value(self) -> object:
        """The value that is on show. Only to be asked for while `left` says that it is."""
        return self._value

    def mask(self, now: float, *, at_once: bool = False) -> bool:
        """Forget the value when its time is over, or at once; return whether it was there."""
        if self._about is None or (now < self._until and not at_once):
            return False
        self._about, self._value = None, None
        return True
