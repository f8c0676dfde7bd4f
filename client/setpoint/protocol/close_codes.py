"""WebSocket close codes of the contract, and what each tells a client to do."""

from enum import IntEnum

__all__ = ["SUBPROTOCOL", "CloseCode", "retry_delay"]

SUBPROTOCOL = "setpoint.v1"


class CloseCode(IntEnum):
    """Why a hub closed a connection."""

    GOING_AWAY = 1001
    """Reconnect after a random share of the delay named in the reason."""
    PROTOCOL_ERROR = 1002
    """A frame was JSON but not JSON-RPC, or was binary: the program is at fault."""
    NOT_JSON = 1007
    """A frame was not JSON: the program is at fault."""
    TOO_MANY = 1008
    """More messages than a connection may send, and it went on: the program is at fault."""
    TOO_LARGE = 1009
    """A frame was over the size limit."""
    TRY_LATER = 1013
    """Too slow a reader, or the hub is full: reconnect with the revision held."""
    UNAUTHORISED = 4401
    """The token is unknown, expired or was revoked: stop pushing, retry slowly."""
    FORBIDDEN = 4403
    """The token does not reach what is watched: stop pushing, retry slowly."""
    SUPERSEDED = 4409
    """The same client id connected anew: stop this connection."""


def retry_delay(reason: str, *, default: float) -> float:
    """Return the seconds that a close reason names (`… retry_after=5`), or the default."""
    _, found, seconds = reason.rpartition("retry_after=")
    try:
        return max(0.0, float(seconds)) if found else default
    except ValueError:
        return default
