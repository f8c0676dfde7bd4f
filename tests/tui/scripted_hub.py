"""A hub that answers what a test tells it to, over a real socket."""

import asyncio
import inspect
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from http import HTTPStatus
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from setpoint.errors import RequestFailed
from setpoint.protocol.close_codes import SUBPROTOCOL
from setpoint.protocol.jsonrpc import Call, encode_call, encode_error, encode_result, read_frame
from setpoint_tui.address import parse_address
from setpoint_tui.connection import Connection

Answer = Callable[[dict[str, Any]], Any | Awaitable[Any]]

TOKEN = "a-token"


class HangUp(Exception):
    """Raised by an answer: the hub closes the connection instead of answering."""

    def __init__(self, code: int | None = None, reason: str = "") -> None:
        super().__init__(code, reason)
        self.code = code
        self.reason = reason


@dataclass
class ScriptedHub:
    """What it answers, and what it was asked."""

    answers: dict[str, Answer] = field(default_factory=dict)
    asked: list[tuple[str, dict[str, Any]]] = field(default_factory=list)
    connections: set[ServerConnection] = field(default_factory=set)
    port: int = 0
    path: str = ""
    """The path of the last upgrade."""

    @property
    def connection(self) -> Connection:
        """What a link needs to reach this hub."""
        return Connection(parse_address(f"http://127.0.0.1:{self.port}"), TOKEN, "the test")

    def times_asked(self, method: str) -> int:
        """How often a method was called."""
        return sum(1 for asked, _ in self.asked if asked == method)

    async def notify(self, method: str, params: dict[str, Any]) -> None:
        """Send a notification to every connection."""
        for connection in list(self.connections):
            await connection.send(encode_call(method, params))

    async def send_text(self, text: str) -> None:
        """Send a frame as it is to every connection."""
        for connection in list(self.connections):
            await connection.send(text)

    async def hang_up(self, code: int = 1000, reason: str = "") -> None:
        """Close every connection."""
        for connection in list(self.connections):
            await connection.close(code, reason)

    async def serve(self, connection: ServerConnection) -> None:
        self.connections.add(connection)
        requests: set[asyncio.Task[None]] = set()
        try:
            async for text in connection:
                call = read_frame(str(text))
                assert isinstance(call, Call)
                requests.add(asyncio.create_task(self._answer(connection, call)))
        except ConnectionClosed:
            pass
        finally:
            self.connections.discard(connection)
            for request in requests:
                request.cancel()
            await asyncio.gather(*requests, return_exceptions=True)

    async def _answer(self, connection: ServerConnection, call: Call) -> None:
        self.asked.append((call.method, call.params))
        assert call.id is not None
        answer = self.answers.get(call.method, _unknown)
        try:
            result = answer(call.params)
            if inspect.isawaitable(result):
                result = await result
            await connection.send(encode_result(call.id, result))
        except RequestFailed as error:
            await connection.send(encode_error(call.id, error))
        except HangUp as hang_up:
            if hang_up.code is None:
                connection.transport.abort()
            else:
                await connection.close(hang_up.code, hang_up.reason)

    def admit(self, connection: ServerConnection, request: Request) -> Response | None:
        self.path = request.path
        if request.headers.get("Authorization") != f"Bearer {TOKEN}":
            return connection.respond(HTTPStatus.UNAUTHORIZED, '{"error":{"code":"unauthorised","message":"no"}}')
        return None


def _unknown(_params: dict[str, Any]) -> Any:
    raise RequestFailed("unknown method", kind="protocol", code=-32601)


@asynccontextmanager
async def scripted_hub(**answers: Answer) -> AsyncGenerator[ScriptedHub]:
    """Serve a hub on a free port; `key_get=…` answers the method `key.get`."""
    hub = ScriptedHub({name.replace("_", ".", 1): answer for name, answer in answers.items()})
    async with serve(
        hub.serve,
        "127.0.0.1",
        0,
        subprotocols=[Subprotocol(SUBPROTOCOL)],
        process_request=hub.admit,
        compression=None,
    ) as server:
        hub.port = next(iter(server.sockets)).getsockname()[1]
        yield hub
