"""The port: who may come in, by which path, and how everybody is sent away at the end."""

import asyncio
import logging
from collections.abc import Callable
from datetime import UTC, datetime
from http import HTTPStatus
from typing import Final

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from setpoint.protocol.chain import Origin
from setpoint.protocol.close_codes import SUBPROTOCOL, CloseCode
from setpoint_hub.access import Access, bearer_token
from setpoint_hub.admission import Admission
from setpoint_hub.audit import Actor, Event
from setpoint_hub.errors import StartRefused
from setpoint_hub.http_api import Answer, error_answer
from setpoint_hub.metrics import CONNECTIONS, STALLED
from setpoint_hub.origin import origin_of
from setpoint_hub.refusals import refused_request
from setpoint_hub.session import Answerer, Session
from setpoint_hub.settings import HubSettings
from setpoint_hub.tls import Renewal, tls_context

__all__ = ["Door"]

log = logging.getLogger(__name__)

LARGEST_FRAME: Final = 1024 * 1024
SWEEP_SECONDS: Final = 1.0

_REFUSALS: Final[dict[int, str]] = {HTTPStatus.UNAUTHORIZED: "unauthorised", HTTPStatus.FORBIDDEN: "forbidden"}


class Door:
    """Every connection of this hub, from its opening handshake to its end."""

    def __init__(
        self,
        access: Access,
        admission: Admission,
        answerer: Answerer,
        *,
        on_end: Callable[[Session], None],
        on_refusal: Callable[[Event], None],
        settings: HubSettings,
    ) -> None:
        self._access = access
        self._admission = admission
        self._answerer = answerer
        self._on_end = on_end
        self._on_refusal = on_refusal
        self._settings = settings
        self._server: Server | None = None
        self._renewal: Renewal | None = None
        self.sessions: set[Session] = set()
        self.address = ""

    async def open(self) -> None:
        """Begin to listen.

        Raises StartRefused when the port is taken, the address is none of this machine's, or may not be listened on.
        """
        settings = self._settings
        tls = tls_context(settings)
        if tls is not None and settings.tls_certificate is not None:
            self._renewal = Renewal(tls, settings.tls_certificate, settings.tls_key)
        try:
            self._server = await serve(
                self._serve,
                settings.host,
                settings.port,
                process_request=self._admit,
                process_response=self._refuse_in_json,
                subprotocols=[Subprotocol(SUBPROTOCOL)],
                compression=None,
                server_header=None,
                open_timeout=settings.handshake_seconds,
                ping_interval=15,
                ping_timeout=10,
                close_timeout=2,
                max_size=LARGEST_FRAME,
                # The default of 100 makes a storm of reconnects wait for retransmitted SYNs.
                backlog=4096,
                ssl=tls,
                # Half a TLS handshake is cut like half of ours.
                ssl_handshake_timeout=None if tls is None else settings.handshake_seconds,
            )
        except OSError as error:
            raise StartRefused(_why_not_listening(settings, error)) from error
        host, port = next(iter(self._server.sockets)).getsockname()[:2]
        place = f"[{host}]:{port}" if ":" in host else f"{host}:{port}"
        self.address = f"{'http' if tls is None else 'https'}://{place}"

    async def close(self) -> None:
        """Send everybody away, each asked to come back after a random share of some seconds; never hangs."""
        if self._server is None:
            return
        seconds = self._settings.shutdown_seconds
        # A reader that does not read would hold up the close for ever.
        for session in list(self.sessions):
            if session.outlet.full:
                session.outlet.abort()
        self._server.close(code=CloseCode.GOING_AWAY, reason=f"the hub is going away; retry_after={seconds:g}")
        try:
            async with asyncio.timeout(seconds):
                await self._server.wait_closed()
        except TimeoutError:
            for connection in list(self._server.all_connections):
                connection.transport.abort()

    async def sweep(self) -> None:
        """Look at every connection now and then, for ever: cut who takes nothing, close who may not stay."""
        clock = asyncio.get_running_loop().time
        while True:
            await asyncio.sleep(SWEEP_SECONDS)
            await self.close_invalid()
            if self._renewal is not None:
                self._renewal.look()
            for session in list(self.sessions):
                stuck = session.outlet.stuck_for(clock()) > self._settings.stalled_seconds
                # What the library itself answers, pongs above all, asks nobody whether the buffer is full.
                if stuck or session.outlet.overflowing:
                    log.info("a connection does not take what it is sent: cut")
                    STALLED.inc()
                    session.outlet.abort()

    async def close_invalid(self) -> None:
        """Close every connection whose token was revoked or has expired."""
        now = datetime.now(UTC)
        refused = [session for session in self.sessions if not self._access.stands(session.principal, now=now)]
        if not refused:
            return
        async with asyncio.TaskGroup() as closing:
            for session in refused:
                closing.create_task(session.outlet.close(CloseCode.UNAUTHORISED, "the token is not valid any more"))

    def _admit(self, connection: ServerConnection, request: Request) -> Response | None:
        """Answer a plain HTTP request, or let a WebSocket in by returning None."""
        answer = self._admission.decide(connection, request)
        if answer is None:
            return None
        if answer.status in _REFUSALS:
            self._note_refusal(connection, request, _REFUSALS[answer.status])
        # The answer to HEAD has no body, whatever its length says.
        return _response(answer, with_body=request.method != "HEAD")

    def _note_refusal(self, connection: ServerConnection, request: Request, error: str) -> None:
        headers = request.headers
        token = bearer_token(", ".join(headers.get_all("Authorization")))
        principal = None if token is None else self._access.principal(token, now=datetime.now(UTC))
        origin = self._origin(connection, headers)
        actor = Actor(None, None, origin)
        if principal is not None:
            actor = Actor(principal.user_id, principal.token_id, origin)
        self._on_refusal(refused_request(actor, request.path, error))

    def _origin(self, connection: ServerConnection, headers: Headers) -> Origin:
        return origin_of(
            str(connection.remote_address[0]) if connection.remote_address else "",
            user_agent=next(iter(headers.get_all("User-Agent")), None),
            forwarded=headers.get_all("X-Forwarded-For"),
            trusted=self._settings.trusted_proxies,
        )

    def _refuse_in_json(self, _: ServerConnection, __: Request, response: Response) -> Response | None:
        """Say in the shape of every other error why the library did not open a WebSocket."""
        if response.status_code < HTTPStatus.BAD_REQUEST or "json" in response.headers.get("Content-Type", ""):
            return None
        reason = bytes(response.body).decode(errors="replace").strip().replace("\n", " ")
        code = "unavailable" if response.status_code >= HTTPStatus.INTERNAL_SERVER_ERROR else "bad_request"
        refusal = _response(error_answer(response.status_code, code, reason))
        for name in ("Upgrade", "Sec-WebSocket-Version"):
            if name in response.headers:
                refusal.headers[name] = response.headers[name]
        return refusal

    async def _serve(self, connection: ServerConnection) -> None:
        principal = self._admission.begin(connection)
        assert connection.request is not None
        origin = self._origin(connection, connection.request.headers)
        session = Session(connection, principal, origin=origin, settings=self._settings)
        self.sessions.add(session)
        CONNECTIONS.set(len(self.sessions))
        try:
            await session.run(self._answerer)
        except Exception:  # The root of a connection: it must not harm the others.
            log.exception("a connection failed")
        finally:
            self.sessions.discard(session)
            self._admission.end(principal)
            CONNECTIONS.set(len(self.sessions))
            self._on_end(session)


def _response(answer: Answer, *, with_body: bool = True) -> Response:
    headers = Headers(
        {**answer.headers, "Content-Length": str(len(answer.body)), "Connection": "close"},
    )
    if answer.status == HTTPStatus.UNAUTHORIZED:
        headers["WWW-Authenticate"] = "Bearer"
    if answer.status == HTTPStatus.METHOD_NOT_ALLOWED:
        headers["Allow"] = "GET"
    return Response(answer.status, HTTPStatus(answer.status).phrase, headers, answer.body if with_body else b"")


def _why_not_listening(settings: HubSettings, error: OSError) -> str:
    where = f"{settings.host}:{settings.port}"
    if "in use" in str(error).lower():
        return f"{where} is in use by another program: stop it, or choose another port with --port"
    return f"cannot listen on {where}: {error.strerror or error}"
