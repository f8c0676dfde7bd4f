"""A raw client of the hub's wire, for tests: independent of our own client, so that it can misbehave."""

import asyncio
import gzip
import itertools
import json
import socket
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from support.waiting import WITHIN

__all__ = ["HttpReply", "Refused", "Wire", "http", "open_wire", "stalled_reader"]


class Refused(Exception):
    """The hub answered a request with an error."""

    def __init__(self, error: dict[str, Any]) -> None:
        super().__init__(error["message"])
        self.message: str = error["message"]
        self.code: int = error["code"]
        self.data: dict[str, Any] = error.get("data", {})

    @property
    def kind(self) -> str | None:
        """The `data.kind` of the system's own errors."""
        return self.data.get("kind")


class Wire:
    """One WebSocket connection. Answers go to whoever asked, notifications wait in `notified` until taken."""

    def __init__(self, connection: ClientConnection) -> None:
        self.connection = connection
        self.notified: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        self.unasked: asyncio.Queue[dict[str, Any]] = asyncio.Queue()
        """Errors without an id: what the hub says of a frame that it could not read."""
        self._ids = itertools.count(1)
        self._asked: dict[int, asyncio.Future[Any]] = {}

    async def ask(self, method: str, **params: object) -> Any:
        """Return the result of a request, or raise Refused."""
        return await self.ask_text(method, json.dumps(params))

    async def ask_text(self, method: str, params: str) -> Any:
        """Return the result of a request whose params are any text, JSON or not."""
        number = next(self._ids)
        answer = self._asked[number] = asyncio.get_running_loop().create_future()
        frame = f'{{"jsonrpc":"2.0","id":{number},"method":{json.dumps(method)},"params":{params}}}'
        try:
            await self.connection.send(frame)
            async with asyncio.timeout(WITHIN):
                return await answer
        finally:
            del self._asked[number]

    async def refusal(self, method: str, **params: object) -> Refused:
        """Return the error of a request that has to be refused."""
        return await self.refusal_of_text(method, json.dumps(params))

    async def refusal_of_text(self, method: str, params: str) -> Refused:
        """Return the error of a request whose params are any text, and that has to be refused."""
        try:
            result = await self.ask_text(method, params)
        except Refused as refused:
            return refused
        raise AssertionError(f"{method} was answered: {result}")

    async def send(self, frame: str | bytes) -> None:
        """Send a frame as it stands."""
        await self.connection.send(frame)

    async def tell(self, method: str, **params: object) -> None:
        """Send a notification."""
        await self.connection.send(json.dumps({"jsonrpc": "2.0", "method": method, "params": params}))

    async def heartbeat(self, revision: int, **others: object) -> None:
        """Say what is run; applied by push unless told otherwise."""
        said = {"status": "applied", "source": "push", "error": None}
        await self.tell("heartbeat", revision=revision, **{**said, **others})

    async def watch(self, client_id: str = "checkout-1", **others: Any) -> Any:
        """Begin to watch `payments` in staging, unless told otherwise; return the result."""
        asked = {"service": "checkout", "env": "staging", "namespaces": ["payments"]}
        return await self.ask("watch", client_id=client_id, **{**asked, **others})

    async def create_key(self, key: str = "max_retries", value_type: str = "int", namespace: str = "payments") -> Any:
        """Create a key, of `payments` unless told otherwise."""
        return await self.ask("key.create", namespace=namespace, key=key, type=value_type)

    async def set(self, value: object, key: str = "max_retries", **others: Any) -> Any:
        """Set one key, of `payments` in staging unless told otherwise; return the result."""
        change = {"namespace": others.pop("namespace", "payments"), "key": key, "value": value}
        if "expected_version" in others:
            change["expected_version"] = others.pop("expected_version")
        return await self.set_all([change], **others)

    async def delete(self, key: str = "max_retries", **others: Any) -> Any:
        """Take the value from a key of `payments`, in staging unless told otherwise; return the result."""
        return await self.set_all([{"namespace": "payments", "key": key, "delete": True}], **others)

    async def set_all(self, changes: list[dict[str, Any]], **others: Any) -> Any:
        """Carry out changes, in staging unless told otherwise; return the result."""
        return await self.ask("set", **{"env": "staging", "changes": changes, "note": "", **others})

    async def revision(self, env: str = "staging") -> int:
        """Return the revision that the database holds."""
        found = await self.ask("environment.list")
        return next(int(row["revision"]) for row in found["environments"] if row["env"] == env)

    async def next(self, method: str = "change") -> Any:
        """Return the params of the next notification, which has to be of this method."""
        async with asyncio.timeout(WITHIN):
            frame = await self.notified.get()
        assert frame["method"] == method, frame
        return frame["params"]

    async def closed(self) -> tuple[int | None, str | None]:
        """Wait until the hub has closed the connection; return code and reason."""
        async with asyncio.timeout(WITHIN):
            await self.connection.wait_closed()
        return self.connection.close_code, self.connection.close_reason

    async def read(self) -> None:
        """Hand out frames until the connection ends."""
        try:
            async for frame in self.connection:
                self._take(json.loads(frame))
        except ConnectionClosed:
            pass
        for answer in self._asked.values():
            if not answer.done():
                answer.set_exception(ConnectionError("the hub closed the connection"))

    def _take(self, frame: dict[str, Any]) -> None:
        if "method" in frame:
            self.notified.put_nowait(frame)
            return
        answer = self._asked.get(frame["id"]) if isinstance(frame["id"], int) else None
        if answer is None:
            self.unasked.put_nowait(frame)
        elif not answer.done():
            if "error" in frame:
                answer.set_exception(Refused(frame["error"]))
            else:
                answer.set_result(frame["result"])


@asynccontextmanager
async def open_wire(address: str, token: str | None) -> AsyncGenerator[Wire]:
    """Connect to the hub at an `http://` address. Raises what websockets raises when it is refused."""
    headers = {} if token is None else {"Authorization": f"Bearer {token}"}
    opened = connect(
        address.replace("http", "ws", 1) + "/v1/ws",
        additional_headers=headers,
        subprotocols=[Subprotocol("setpoint.v1")],
        compression=None,
        proxy=None,
        max_size=None,
        close_timeout=1,
        open_timeout=WITHIN,
    )
    async with opened as connection:
        wire = Wire(connection)
        reading = asyncio.create_task(wire.read())
        try:
            yield wire
        finally:
            await connection.close()
            await reading


@asynccontextmanager
async def stalled_reader(address: str, token: str, *, client_id: str = "stalled") -> AsyncGenerator[socket.socket]:
    """Connect a client that watches `payments` in staging, and then never reads a byte."""
    asked = {"client_id": client_id, "service": "stalled", "env": "staging", "namespaces": ["payments"]}
    frame = json.dumps({"jsonrpc": "2.0", "id": 1, "method": "watch", "params": asked}).encode()
    parts, loop = urlsplit(address), asyncio.get_running_loop()
    with socket.socket() as raw:
        # Little room in the kernel: what is not read soon waits in the hub.
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        raw.setblocking(False)
        await loop.sock_connect(raw, (parts.hostname, parts.port))
        await loop.sock_sendall(raw, _upgrade(address, token))
        assert b" 101 " in await loop.sock_recv(raw, 1024)
        await loop.sock_sendall(raw, _masked(frame))
        yield raw


@dataclass(frozen=True)
class HttpReply:
    """An HTTP answer."""

    status: int
    headers: Mapping[str, str]
    body: bytes = field(repr=False)

    @property
    def json(self) -> Any:
        """The body, unpacked."""
        packed = self.headers.get("content-encoding") == "gzip"
        return json.loads(gzip.decompress(self.body) if packed else self.body)


async def http(address: str, path: str, *, token: str | None = None, method: str = "GET", **headers: str) -> HttpReply:
    """Ask for a path; header names are given with underscores."""
    given = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        given["Authorization"] = f"Bearer {token}"
    lines = [f"{method} {path} HTTP/1.1", "Host: hub", *(f"{name}: {value}" for name, value in given.items())]
    parts = urlsplit(address)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    try:
        writer.write("\r\n".join([*lines, "", ""]).encode())
        async with asyncio.timeout(WITHIN):
            head, _, body = (await reader.read()).partition(b"\r\n\r\n")
    finally:
        writer.close()
        await writer.wait_closed()
    status, *fields = head.decode().split("\r\n")
    named = (line.split(": ", 1) for line in fields)
    return HttpReply(int(status.split()[1]), {name.lower(): value for name, value in named}, body)


def _upgrade(address: str, token: str) -> bytes:
    lines = [
        "GET /v1/ws HTTP/1.1",
        f"Host: {urlsplit(address).netloc}",
        "Upgrade: websocket",
        "Connection: Upgrade",
        "Sec-WebSocket-Key: c2V0cG9pbnQgdGVzdHMhIQ==",
        "Sec-WebSocket-Version: 13",
        "Sec-WebSocket-Protocol: setpoint.v1",
        f"Authorization: Bearer {token}",
    ]
    return "\r\n".join([*lines, "", ""]).encode()


def _masked(payload: bytes) -> bytes:
    """Return a text frame of less than 64 KiB under a mask of zeros, which changes nothing."""
    return b"\x81\xfe" + len(payload).to_bytes(2) + bytes(4) + payload
