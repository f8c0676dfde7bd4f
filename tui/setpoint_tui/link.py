"""The operators' connection to a hub: JSON-RPC over one WebSocket, several requests in flight at once."""

import asyncio
import contextlib
import itertools
import time
from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import asynccontextmanager
from typing import Any, Self

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from setpoint.errors import ProtocolError, SetpointError
from setpoint.protocol.close_codes import SUBPROTOCOL
from setpoint.protocol.jsonrpc import Call, RequestId, Response, encode_call, read_frame
from setpoint.version import __version__
from setpoint_tui import link_errors
from setpoint_tui.connection import Connection
from setpoint_tui.errors import AnswerLost
from setpoint_tui.mailbox import Mailbox, Missed

__all__ = ["HubLink"]

_LARGEST_FRAME = 64 * 1024 * 1024
"""Bytes of one frame from the hub: a snapshot of 10,000 keys takes about 2 MB."""

_NOTIFICATIONS_KEPT = 10_000

_CLOSE_SECONDS = 2.0


class HubLink:
    """An open connection: `async with HubLink.open(connection) as link`. It does not reconnect."""

    def __init__(self, websocket: ClientConnection, connection: Connection) -> None:
        self.connection = connection
        self._websocket = websocket
        self._ids = itertools.count(1)
        self._pending: dict[RequestId | None, asyncio.Future[Any]] = {}
        self._mailbox = Mailbox(_NOTIFICATIONS_KEPT)
        self._ended: SetpointError | None = None
        self.heard_at = time.monotonic()
        """When the last frame came, by the monotonic clock."""

    @classmethod
    @asynccontextmanager
    async def open(cls, connection: Connection, *, open_timeout: float = 5.0) -> AsyncGenerator[Self]:
        """Connect, and close at the end.

        Raises HubUnreachable when nobody answers or it is not a hub, RequestFailed when the hub refuses
        the token.
        """
        websocket = await _connect(connection, open_timeout)
        link = cls(websocket, connection)
        reader = asyncio.create_task(link._read(), name="hub link reader")
        try:
            yield link
        finally:
            await _close(websocket)
            # The socket is closed or aborted, so the reader has ended or is about to.
            await reader

    async def request(self, method: str, params: dict[str, Any], *, timeout: float = 10.0) -> Any:
        """Send a request and return its result.

        Raises RequestFailed when the hub refuses it, HubUnreachable when it could not be sent, AnswerLost
        when it was sent and no answer came within `timeout` seconds or before the connection ended.
        """
        if self._ended is not None:
            raise self._ended
        request_id = next(self._ids)
        answer = asyncio.get_running_loop().create_future()
        self._pending[request_id] = answer
        try:
            async with asyncio.timeout(timeout):
                await self._send(encode_call(method, params, request_id))
                return await answer
        except TimeoutError as error:
            url = self.connection.address.url
            raise AnswerLost(f"the hub at {url} did not answer {method} within {timeout:g} s") from error
        finally:
            del self._pending[request_id]

    def abandon(self) -> None:
        """Cut the connection now; whoever waits for it is told that it was lost."""
        self._websocket.transport.abort()

    async def notifications(self) -> AsyncIterator[Call | Missed]:
        """Yield what the hub sends unasked, for one reader; raise why when the connection has ended."""
        while (found := await self._mailbox.take()) is not None:
            yield found
        if self._ended is not None:
            raise self._ended

    async def _send(self, text: str) -> None:
        try:
            await self._websocket.send(text)
        except ConnectionClosed as error:
            # It may have been lost while the request was on its way.
            raise self._lost(link_errors.after_close(error, self.connection)) from error
        except asyncio.CancelledError:
            # What is half sent cannot be taken back, and a hub that does not read blocks all requests.
            self._websocket.transport.abort()
            raise

    async def _read(self) -> None:
        try:
            while True:
                self._take(await self._websocket.recv())
        except ConnectionClosed as error:
            self._end(link_errors.after_close(error, self.connection))
        except ProtocolError:
            self._end(link_errors.not_a_hub(self.connection))
            self._websocket.transport.abort()

    def _take(self, text: str | bytes) -> None:
        self.heard_at = time.monotonic()
        if not isinstance(text, str):
            raise ProtocolError("a hub sends text")
        match read_frame(text):
            case Call() as call:
                self._mailbox.put(call)
            case Response() as response:
                answer = self._pending.get(response.id)
                if answer is None or answer.done():
                    return
                if response.error is not None:
                    answer.set_exception(response.error)
                else:
                    answer.set_result(response.result)

    def _end(self, why: SetpointError) -> None:
        self._ended = why
        for answer in self._pending.values():
            if not answer.done():
                answer.set_exception(self._lost(why))
        self._mailbox.close()

    def _lost(self, why: SetpointError) -> AnswerLost:
        return AnswerLost(f"{why} (before its answer came)")


async def _connect(connection: Connection, open_timeout: float) -> ClientConnection:
    headers = {"Authorization": f"Bearer {connection.token}"} if connection.token else {}
    address = connection.address
    try:
        websocket = await connect(
            address.websocket_url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers=headers,
            user_agent_header=f"setpoint/{__version__}",
            compression=None,
            # A proxy of the system's cannot reach what listens on this machine's loopback.
            proxy=None if address.is_loopback else True,
            open_timeout=open_timeout,
            ping_interval=15,
            ping_timeout=10,
            close_timeout=_CLOSE_SECONDS,
            max_size=_LARGEST_FRAME,
        )
    except link_errors.OPENING_ERRORS as error:
        raise link_errors.at_open(error, connection) from error
    if websocket.subprotocol != SUBPROTOCOL:
        await _close(websocket)
        raise link_errors.not_a_hub(connection)
    return websocket


async def _close(websocket: ClientConnection) -> None:
    # close() waits for the write buffer first, without a limit: a hub that does not read would hold us.
    with contextlib.suppress(TimeoutError):
        await asyncio.wait_for(websocket.close(), _CLOSE_SECONDS)
    websocket.transport.abort()
