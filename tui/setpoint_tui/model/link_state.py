"""How we stand with the hub, as one of a few states; each says what may be done in it."""

from dataclasses import dataclass

__all__ = ["CatchingUp", "Connecting", "LinkState", "Live", "Offline", "Refused", "Stalled", "writes_refused_because"]


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
            return "there is no connection to the hub; changes are kept as drafts until it is back"
        case Refused():
            return "the hub does not take this token"
