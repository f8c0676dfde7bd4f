"""Who comes in: decides on each request of a handshake or of HTTP, by its headers, before anything is served."""

from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Final
from uuid import UUID
from weakref import WeakKeyDictionary

from websockets.asyncio.server import ServerConnection
from websockets.datastructures import Headers
from websockets.http11 import Request

from setpoint_hub.access import Access, Principal, bearer_token
from setpoint_hub.http_api import Answer, HttpApi, WebSocketPath, error_answer
from setpoint_hub.settings import HubSettings

__all__ = ["Admission"]

_READ: Final = (
    "Authorization",
    "Origin",
    "If-None-Match",
    "Accept-Encoding",
    "Setpoint-Client-Id",
    "Setpoint-Service",
    "Setpoint-Revision",
)
"""All that decides: no header that a proxy adds, and no address, stands for a token."""


class Admission:
    """Lets WebSockets in, and keeps count of them by token."""

    def __init__(
        self, access: Access, http_api: HttpApi, *, on_use: Callable[[UUID], None], settings: HubSettings
    ) -> None:
        self._access = access
        self._http = http_api
        self._on_use = on_use
        self._settings = settings
        # Weak: a handshake that fails after its token was accepted is never served.
        self._waiting: WeakKeyDictionary[ServerConnection, Principal] = WeakKeyDictionary()
        self._served: Counter[UUID] = Counter()

    def decide(self, connection: ServerConnection, request: Request) -> Answer | None:
        """Answer a plain HTTP request, or let a WebSocket in by returning None."""
        if request.method != "GET":
            return error_answer(405, "method_not_allowed", "only GET is answered here; writes go over the WebSocket")
        headers = _joined(request.headers)
        open_answer = self._http.open_to_all(request.path)
        if open_answer is not None:
            return open_answer
        principal = self._principal(headers.get("Authorization"))
        if isinstance(principal, Answer):
            return principal
        if headers.get("Origin") not in (None, *self._settings.allowed_origins):
            message = "pages of this origin may not use the hub: it is named in SETPOINT_ALLOWED_ORIGINS, or it is not"
            return error_answer(403, "forbidden", message)
        self._on_use(principal.token_id)
        if request.path.partition("?")[0] != WebSocketPath:
            return self._http.answer(request.path, headers, principal)
        refusal = self._refused_for_number(principal)
        if refusal is None:
            self._waiting[connection] = principal
        return refusal

    def begin(self, connection: ServerConnection) -> Principal:
        """Return who was let in, now that the connection is open."""
        principal = self._waiting.pop(connection)
        self._served[principal.token_id] += 1
        return principal

    def end(self, principal: Principal) -> None:
        """Take that a connection has ended."""
        self._served[principal.token_id] -= 1
        if not self._served[principal.token_id]:
            del self._served[principal.token_id]

    def _refused_for_number(self, principal: Principal) -> Answer | None:
        # Those that are about to be open count too: a storm of handshakes comes in one step of the loop.
        waiting = [held for opening, held in self._waiting.items() if not opening.transport.is_closing()]
        if self._served.total() + len(waiting) >= self._settings.max_connections:
            return error_answer(503, "unavailable", "this hub is full: connect to another")
        most = self._settings.max_connections_per_token
        if self._served[principal.token_id] + waiting.count(principal) >= most:
            message = f"this token has {most} connections to this hub, which is the most: close some, or use another"
            return error_answer(429, "rate_limited", message)
        return None

    def _principal(self, header: str | None) -> Principal | Answer:
        """Return who sent an Authorization header, or the answer that refuses."""
        token = bearer_token(header)
        if token is not None and not self._access.loaded:
            return error_answer(503, "unavailable", "this hub does not know its tokens yet: try again soon")
        principal = None if token is None else self._access.principal(token, now=datetime.now(UTC))
        return principal or error_answer(401, "unauthorised", _why_unauthorised(header, token))


def _joined(headers: Headers) -> dict[str, str]:
    """Return the headers that are read here; a header that stands twice is read as its list."""
    return {name: ", ".join(headers.get_all(name)) for name in _READ if name in headers}


def _why_unauthorised(header: str | None, token: str | None) -> str:
    if header is None:
        return "a token is needed: send Authorization: Bearer TOKEN"
    if token is None:
        return "the Authorization header is malformed: send Authorization: Bearer TOKEN"
    return "the token is not known, or not valid any more"
