"""What went wrong between us and a hub, as a sentence that says what to do next."""

import json
import socket
import ssl
from typing import Any, cast

from websockets.exceptions import (
    ConnectionClosed,
    InvalidHandshake,
    InvalidMessage,
    InvalidProxy,
    InvalidStatus,
    ProxyError,
    WebSocketException,
)

from setpoint.errors import HubUnreachable, RequestFailed, SetpointError
from setpoint.protocol.close_codes import CloseCode
from setpoint_tui.connection import Connection

__all__ = ["OPENING_ERRORS", "after_close", "at_open", "not_a_hub"]

_STATUS_KINDS = {401: "unauthorised", 403: "forbidden", 429: "rate_limited", 503: "unavailable"}


OPENING_ERRORS = (OSError, WebSocketException, UnicodeError, ImportError)
"""What the opening raises: also for a host that no name can be, or a SOCKS proxy without its package."""


def at_open(error: Exception, connection: Connection) -> SetpointError:
    """Translate what the opening of a connection raised."""
    match error:
        case InvalidStatus():
            return _refused_upgrade(error, connection)
        case InvalidMessage() if not connection.address.secure:
            url = connection.address.url
            return HubUnreachable(f"what answers at {url} does not speak HTTP: if it wants TLS, write https://")
        case ProxyError() | InvalidProxy() | ImportError():
            return HubUnreachable(f"the proxy on the way to {connection.address.url} cannot be used: {error}")
        case InvalidHandshake():
            return not_a_hub(connection)
        case _:
            return HubUnreachable(_about_network(error, connection))


def _about_network(error: Exception, connection: Connection) -> str:
    url = connection.address.url
    match error:
        case TimeoutError():
            said = f"{url} did not answer in time: is it the right address, and is the hub healthy?"
        case ssl.SSLCertVerificationError():
            said = f"the certificate of {url} is not trusted: {error.verify_message}"
        case ssl.SSLError():
            said = f"{url} does not speak TLS: if that is meant, write http:// instead of https://"
        case socket.gaierror() | UnicodeError():
            said = f"the host {connection.address.host!r} is not known: check SETPOINT_URL"
        case OSError() if _is_refusal(error):
            said = f"no hub answers at {url}: start one with `setpoint up` or set SETPOINT_URL"
        case OSError() if error.strerror:
            said = f"{url} cannot be reached: {error.strerror}"
        case _:
            said = f"{url} cannot be reached: {error}"
    return said


def _is_refusal(error: OSError) -> bool:
    # When a name has several addresses, asyncio gives one OSError without a number that lists them all.
    return isinstance(error, ConnectionRefusedError) or (error.errno is None and "refused" in str(error).lower())


def after_close(error: ConnectionClosed, connection: Connection) -> SetpointError:
    """Translate the end of a connection that was open."""
    url = connection.address.url
    code, reason = (error.rcvd.code, error.rcvd.reason) if error.rcvd else (None, "")
    match code:
        case CloseCode.UNAUTHORISED:
            return RequestFailed(reason or f"the hub at {url} no longer takes this token", kind="unauthorised")
        case CloseCode.FORBIDDEN:
            return RequestFailed(reason or f"the hub at {url} refuses this token here", kind="forbidden")
        case CloseCode.GOING_AWAY:
            return HubUnreachable(f"the hub at {url} is stopping or restarting: try again in a moment")
        case CloseCode.TRY_LATER:
            return HubUnreachable(f"the hub at {url} is full or found us too slow: try again in a moment")
        case None:
            return HubUnreachable(f"the connection to {url} was lost")
        case _:
            said = f"{code} {reason}".strip()
            return HubUnreachable(f"the hub at {url} closed the connection ({said})")


def not_a_hub(connection: Connection) -> HubUnreachable:
    """Say that something answers, and that it is not what we speak with."""
    return HubUnreachable(f"what answers at {connection.address.url} is not a Setpoint hub: check SETPOINT_URL")


def _refused_upgrade(error: InvalidStatus, connection: Connection) -> SetpointError:
    url, status = connection.address.url, error.response.status_code
    body = _error_body(error.response.body)
    if status == 401:
        return RequestFailed(_about_token(connection), kind="unauthorised", code=status)
    if status in _STATUS_KINDS and "message" in body:
        kind = _STATUS_KINDS[status]
        return RequestFailed(f"the hub at {url} refused: {body['message']}", kind=kind, code=status)
    if status == 403:
        return RequestFailed(f"the hub at {url} refuses this token", kind="forbidden", code=status)
    if status in (502, 503, 504):
        return HubUnreachable(f"{url} answers {status}: the hub behind it is not ready, try again in a moment")
    return not_a_hub(connection)


def _about_token(connection: Connection) -> str:
    url = connection.address.url
    if connection.token is None:
        return f"the hub at {url} asks for a token and none was found: looked in {connection.token_place}"
    return f"the hub at {url} does not know the token from {connection.token_place}"


def _error_body(body: bytes | bytearray | memoryview | None) -> dict[str, Any]:
    try:
        found: Any = json.loads(bytes(body or b""))
    except ValueError:
        return {}
    error: Any = cast("dict[str, Any]", found).get("error") if isinstance(found, dict) else None
    return cast("dict[str, Any]", error) if isinstance(error, dict) else {}
