"""A small hub on a loopback socket that speaks the contract, and misbehaves on request."""

import asyncio
import gzip
import json
import ssl
import threading
from collections.abc import Callable, Coroutine
from concurrent.futures import Future
from typing import Any, Literal, Self, TypeVar

from websockets.asyncio.server import Server, ServerConnection, serve
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosed
from websockets.http11 import Request, Response
from websockets.typing import Subprotocol

from client.wire import EPOCH, on_wire
from setpoint.protocol.values import Json

T = TypeVar("T")

Serve = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Coroutine[Any, Any, None]]


class LoopThread:
    """An event loop on a thread of its own; leaving it cancels what still runs there."""

    def __init__(self) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name="scripted-hub")

    def call(self, work: Coroutine[Any, Any, T]) -> T:
        """Run a coroutine there and give its result."""
        result: Future[T] = asyncio.run_coroutine_threadsafe(work, self.loop)
        return result.result(10)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.call(self._cancel_all())
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join()
        self.loop.close()

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        self.loop.run_forever()

    async def _cancel_all(self) -> None:
        # Again, for connections that were accepted meanwhile; what they close is closed a turn of the loop later.
        for _ in range(5):
            tasks = asyncio.all_tasks() - {asyncio.current_task()}
            for task in tasks:
                task.cancel()
            await asyncio.gather(*tasks, return_exceptions=True)
            await asyncio.sleep(0)


class ScriptedHub:
    """Holds one environment, `production`. The knobs may be turned at any time and hold from the next request on."""

    def __init__(self, *, port: int = 0, prefix: str = "", tls: ssl.SSLContext | None = None) -> None:
        self.prefix = prefix
        self._tls = tls
        self.epoch: str = EPOCH
        self.revision = 0
        self.namespaces: dict[str, dict[str, dict[str, Any]]] = {}
        self.secrets: set[str] = set()
        """Keys of `payments` whose values are marked secret."""
        self.heartbeat_seconds = 60.0
        self.upgrade: Literal["accept", "hang", "no subprotocol"] | int = "accept"
        """An HTTP status refuses."""
        self.watch: Literal["answer", "ignore"] | list[str] | tuple[int, str] = "answer"
        """Frames to send instead of an answer, or a close code and its reason."""
        self.poll: Literal["answer", "hang"] | int = "answer"
        self.token = "secret-token"
        self.upgrades = 0
        self.watches: list[dict[str, Any]] = []
        self.heartbeats: list[dict[str, Any]] = []
        self.polls: list[Headers] = []
        self.poll_statuses: list[int] = []
        self.port = port
        self._watching: set[ServerConnection] = set()
        self._thread = LoopThread()
        self._server: Server | None = None

    @property
    def url(self) -> str:
        """Where the hub is."""
        return f"{'https' if self._tls else 'http'}://127.0.0.1:{self.port}{self.prefix}"

    def put(self, **values: Json) -> None:
        """Set values in the namespace `payments` without telling anybody; None deletes. Moves the revision."""
        self.revision += 1
        keys = self.namespaces.setdefault("payments", {})
        for key, value in values.items():
            if value is None:
                keys.pop(key, None)
            else:
                keys[key] = on_wire(value) | ({"secret": True} if key in self.secrets else {})

    def publish(self, *, ack_within_seconds: float = 0.0, **values: Json) -> None:
        """Set values and push them."""
        self.put(**values)
        held = self.namespaces["payments"]
        changed = {key: held.get(key) for key in values}
        self.push(self.change(self.revision - 1, {"payments": changed}, ack_within_seconds=ack_within_seconds))

    def change(self, previous: int, namespaces: dict[str, Any], **more: Any) -> str:
        """The frame of a change to the present revision."""
        params = {**self._position(), "previous": previous, "namespaces": namespaces, **more}
        return json.dumps({"jsonrpc": "2.0", "method": "change", "params": params})

    def push(self, frame: str | bytes) -> None:
        """Send a frame to all who watch."""
        self._thread.call(self._push(frame))

    def push_all(self, frames: list[str]) -> None:
        """Send frames to all who watch, one after the other, as fast as it goes."""

        async def push_each() -> None:
            for frame in frames:
                await self._push(frame)

        self._thread.call(push_each())

    def disconnect(self, code: int = 1001, reason: str = "") -> None:
        """Close the connections of all who watch."""
        self._thread.call(self._disconnect(code, reason))

    def cut(self) -> None:
        """Cut the connections of all who watch, without a word."""
        self._thread.call(self._cut())

    @property
    def watching(self) -> int:
        """How many watch now."""
        return len(self._watching)

    def __enter__(self) -> Self:
        self._thread.__enter__()
        self._thread.call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.call(self._stop())
        self._thread.__exit__()

    async def _start(self) -> None:
        self._server = await serve(
            self._serve,
            "127.0.0.1",
            self.port,
            process_request=self._answer_http,
            select_subprotocol=self._select_subprotocol,
            open_timeout=None,
            ping_interval=None,
            close_timeout=0.2,
            compression=None,
            ssl=self._tls,
        )
        self.port = next(iter(self._server.sockets)).getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close(close_connections=False)
        for connection in set(self._server.all_connections):
            connection.transport.abort()

    def _select_subprotocol(self, *_: object) -> Subprotocol | None:
        return None if self.upgrade == "no subprotocol" else Subprotocol("setpoint.v1")

    async def _answer_http(self, connection: ServerConnection, request: Request) -> Response | None:
        if request.path.startswith(f"{self.prefix}/v1/snapshot?"):
            return await self._answer_poll(request)
        if request.path != f"{self.prefix}/v1/ws":
            return connection.respond(404, "")
        self.upgrades += 1
        if self.upgrade == "hang":
            await asyncio.Event().wait()
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            return connection.respond(401, "")
        return connection.respond(self.upgrade, "") if isinstance(self.upgrade, int) else None

    async def _answer_poll(self, request: Request) -> Response:
        self.polls.append(request.headers)
        if self.poll == "hang":
            await asyncio.Event().wait()
        status, headers, body = 200, Headers(), b""
        etag = f'"{self.epoch}.{self.revision}"'
        if request.headers.get("Authorization") != f"Bearer {self.token}":
            status = 401
        elif isinstance(self.poll, int):
            status = self.poll
            headers["Location"] = "/v1/snapshot?moved"
        elif request.headers.get("If-None-Match") == etag:
            status = 304
        else:
            body = gzip.compress(json.dumps(self._snapshot()).encode())
            headers["Content-Encoding"] = "gzip"
            headers["ETag"] = etag
        headers["Content-Length"] = str(len(body))
        headers["Connection"] = "close"
        self.poll_statuses.append(status)
        return Response(status, "", headers, body)

    async def _serve(self, connection: ServerConnection) -> None:
        try:
            async for text in connection:
                frame = json.loads(text)
                match frame["method"]:
                    case "watch":
                        await self._answer_watch(connection, frame)
                    case "heartbeat":
                        self.heartbeats.append(frame["params"])
        except ConnectionClosed:
            pass
        finally:
            self._watching.discard(connection)

    async def _answer_watch(self, connection: ServerConnection, frame: dict[str, Any]) -> None:
        self.watches.append(frame["params"])
        match self.watch:
            case "ignore":
                return
            case "answer":
                result = self._watch_result(frame["params"])
                await connection.send(json.dumps({"jsonrpc": "2.0", "id": frame["id"], "result": result}))
                self._watching.add(connection)
            case list(frames):
                for text in frames:
                    await connection.send(text)
            case (code, reason):
                await connection.close(code, reason)

    def _watch_result(self, params: dict[str, Any]) -> dict[str, Any]:
        if (params.get("epoch"), params.get("revision")) == (self.epoch, self.revision):
            return {"mode": "current", "heartbeat_seconds": self.heartbeat_seconds, **self._position()}
        return {"mode": "snapshot", "heartbeat_seconds": self.heartbeat_seconds, **self._snapshot()}

    def _position(self) -> dict[str, Any]:
        return {"env": "production", "epoch": self.epoch, "revision": self.revision}

    def _snapshot(self) -> dict[str, Any]:
        return {**self._position(), "namespaces": self.namespaces}

    async def _push(self, frame: str | bytes) -> None:
        for connection in set(self._watching):
            await connection.send(frame)

    async def _disconnect(self, code: int, reason: str) -> None:
        for connection in set(self._watching):
            await connection.close(code, reason)

    async def _cut(self) -> None:
        for connection in set(self._watching):
            connection.transport.abort()


class RawServer:
    """A TCP server whose connections are handed to a function: for what no hub that speaks HTTP would do."""

    def __init__(self, serve_one: Serve) -> None:
        self.accepted = 0
        self.port = 0
        self._serve_one = serve_one
        self._writers: set[asyncio.StreamWriter] = set()
        self._thread = LoopThread()
        self._server: asyncio.Server | None = None

    @property
    def url(self) -> str:
        """Where the server is."""
        return f"http://127.0.0.1:{self.port}"

    def __enter__(self) -> Self:
        self._thread.__enter__()
        self._thread.call(self._start())
        return self

    def __exit__(self, *_: object) -> None:
        self._thread.call(self._stop())
        self._thread.__exit__()

    async def _start(self) -> None:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]

    async def _stop(self) -> None:
        assert self._server is not None
        self._server.close()
        for writer in self._writers:
            writer.transport.abort()

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.accepted += 1
        self._writers.add(writer)
        try:
            await self._serve_one(reader, writer)
        except ConnectionError:
            pass
        finally:
            writer.close()


async def never_answer(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
    """Accept, read, and keep silent."""
    await reader.read(-1)
    await asyncio.Event().wait()


async def close_at_once(_: asyncio.StreamReader, __: asyncio.StreamWriter) -> None:
    """Accept and close."""


async def talk_garbage(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer with what is no HTTP."""
    writer.write(b"\x00\xff garbage \r\n\r\n" * 10)
    await writer.drain()


async def drip(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer slowly, byte by byte, what would be a good beginning."""
    for byte in b"HTTP/1.1 200 OK\r\n" + b"X-Padding: slow\r\n" * 1000:
        writer.write(bytes([byte]))
        await writer.drain()
        await asyncio.sleep(0.02)


async def trickle(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    """Answer at once, and never come to an end."""
    await reader.readuntil(b"\r\n\r\n")
    writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 1000000\r\nConnection: close\r\n\r\n")
    while True:
        writer.write(b" ")
        await writer.drain()
        await asyncio.sleep(0.01)
