"""Why a connection or an attempt ended, and what that asks of the client: the one place that decides it."""

from dataclasses import dataclass
from typing import Literal

from websockets.exceptions import ConnectionClosed, InvalidStatus

from setpoint.errors import ProtocolError, RequestFailed
from setpoint.protocol.close_codes import CloseCode, retry_delay
from setpoint.replica import Gap

__all__ = ["Ended", "why_ended"]

_LONGEST_REASON = 300


@dataclass(frozen=True, slots=True)
class Ended:
    """The end of an attempt.

    `lost`: try again with backoff, at the next hub. `gap`: watch again at the same hub. `denied`: the token is refused,
    try again slowly. `superseded`: another client has this client id, never push again. `reason` is a sentence for
    people, without values or tokens. `retry_after` is the delay in seconds that the hub named.
    """

    kind: Literal["lost", "gap", "denied", "superseded"]
    reason: str
    retry_after: float | None = None


def why_ended(error: Exception) -> Ended:
    """Tell what an attempt's error means."""
    match error:
        case ConnectionClosed():
            return _closed(error)
        case InvalidStatus():
            return by_http_status(error.response.status_code)
        case RequestFailed():
            return Ended(
                "denied" if error.kind == "forbidden" else "lost",
                _shorten(f"the hub refuses the watch: {error.message}"),
            )
        case Gap():
            return Ended("gap", str(error))
        case ProtocolError():
            return Ended("lost", _shorten(f"the hub broke the protocol: {error}"))
        case _:
            return Ended("lost", _shorten(f"the hub cannot be reached: {error or type(error).__name__}"))


def by_http_status(status: int, message: str = "") -> Ended:
    """Tell what an HTTP status other than the ones hoped for means."""
    because = f": {message}" if message else ""
    if status in (401, 403):
        return Ended("denied", _shorten(f"the hub refuses the token (HTTP {status}){because}"))
    return Ended("lost", _shorten(f"the hub answered with HTTP {status}{because}"))


def _closed(error: ConnectionClosed) -> Ended:
    if error.rcvd is None:
        return Ended("lost", "the connection was cut")
    code, reason = error.rcvd.code, error.rcvd.reason
    told = f" ({reason})" if reason else ""
    match code:
        case CloseCode.UNAUTHORISED | CloseCode.FORBIDDEN:
            return Ended("denied", _shorten(f"the hub refuses the token: close code {code}{told}"))
        case CloseCode.SUPERSEDED:
            return Ended("superseded", "another client connected with this client id; this one only polls")
        case _:
            named = retry_delay(reason, default=-1.0)
            return Ended("lost", _shorten(f"the hub closed: {code}{told}"), retry_after=named if named >= 0 else None)


def _shorten(reason: str) -> str:
    return reason if len(reason) <= _LONGEST_REASON else f"{reason[:_LONGEST_REASON]}…"
