"""How we stand with the hub, as one of a few states; each says what may be done in it."""

from dataclasses import dataclass

from setpoint_tui.text_safety import safe_text

__all__ = [
    "CatchingUp", "Connecting", "LinkState", "Live", "Offline", "Refused", "Stalled", "not_there_because",
    "writes_refused_because",
]  # fmt: skip


@dataclass(frozen=True, slots=True)
class Connecting:
    """Nothing has been heard yet."""


@dataclass(frozen=True, slots=True)
class CatchingUp:
    """Connected; what happened meanwhile is being fetched."""


@dataclass(frozen=True, slots=True)
class Live:
    """Everything that commits is shown; `latency` is the last round trip in seconds."""

    latency: float


@dataclass(frozen=True, slots=True)
class Stalled:
    """The connection is open and the hub says nothing, since a moment of the monotonic clock."""

    since: float


@dataclass(frozen=True, slots=True)
class Offline:
    """No hub is reached. `since` and `retry_at` are moments of the monotonic clock."""

    since: float
    retry_at: float
    reason: str


@dataclass(frozen=True, slots=True)
class Refused:
    """The hub answers and does not take the token."""

    since: float
    retry_at: float
    reason: str


LinkState = Connecting | CatchingUp | Live | Stalled | Offline | Refused


def writes_refused_because(state: LinkState) -> str | None:
    """Return why nothing can be written now, or None when it can."""
    match state:
        case Live() | CatchingUp():
            return None
        case Connecting():
            return "the hub is not reached yet"
        case Stalled():
            return "the hub has stopped answering: what it would do with a change cannot be known"
        case Offline():
            return "there is no connection to the hub"
        case Refused(reason=reason):
            return f"the hub does not take this token: {safe_text(reason, limit=200)}"


def not_there_because(state: LinkState) -> str:
    """Say why what the hub knows is not on the screen yet. It is safe to show."""
    match state:
        case Live() | CatchingUp():
            return "loading…"
        case Connecting():
            return "the hub is not reached yet"
        case Stalled():
            return "not loaded: the hub has stopped answering"
        case Offline(reason=reason):
            return f"not loaded, the hub is not reached: {safe_text(reason, limit=200)}"
        case Refused(reason=reason):
            return f"not loaded, the hub does not take this token: {safe_text(reason, limit=200)}"
