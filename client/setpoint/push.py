"""One WebSocket connection: watch, take changes in, send heartbeats, until it ends."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, Callable
from random import Random
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, WebSocketException
from websockets.typing import Subprotocol

from setpoint.addresses import Address
from setpoint.endings import Ended, why_ended
from setpoint.errors import HubUnreachable, ProtocolError, SetpointError
from setpoint.heartbeats import Heartbeats, heartbeat
from setpoint.protocol.close_codes import SUBPROTOCOL
from setpoint.protocol.jsonrpc import Call, Frame, encode_call, read_frame
from setpoint.protocol.messages import Update, decode_change, decode_watch_result
from setpoint.replica import Gap
from setpoint.settings import Identity, Timing
from setpoint.store import Outcome, Store
from setpoint.version import TOOL

__all__ = ["Push"]

LARGEST_FRAME = 64 * 1024 * 1024

_WATCH_ID = 1


class _NeverDebug(logging.LoggerAdapter[logging.Logger]):
    """At DEBUG, websockets writes whole frames and the token to its log; this keeps it from doing so."""

    def isEnabledFor(self, level: int) -> bool:  # noqa: N802 the name of the method that this overrides
        return level > logging.DEBUG and super().isEnabledFor(level)


_websockets_log = _NeverDebug(logging.getLogger("setpoint.websockets"), {})


class _connect(connect):  # noqa: N801 used as the function that it extends
    """Follows no redirect: the token is for the hub that was named."""

    def process_redirect(self, exc: Exception) -> Exception | str:
        """Return the answer that redirects as the failure that it is."""
        return exc


class Push:
    """Follows one hub at a time. `on_live` is called each time that a hub has answered the watch."""

    def __init__(
        self, identity: Identity, store: Store, timing: Timing, random: Random, on_live: Callable[[], None]
    ) -> None:
        self._identity = identity
        self._store = store
        self._timing = timing
        self._random = random
        self._on_live = on_live
        self._from_scratch = False
        """Ask for everything next time: what is held belongs to another history than the hub's."""

    async def follow(self, address: Address, token: str) -> Ended:
        """Connect and follow until the connection ends; never raises for what a hub or the network does."""
        try:
            async with self._connection(address, token) as connection:
                return await self._follow(connection)
        except (OSError, WebSocketException, SetpointError, ValueError, ImportError) as error:
            # ImportError: a SOCKS proxy is set, and the library for it is not installed.
            return why_ended(error)

    async def _follow(self, connection: ClientConnection) -> Ended:
        if connection.subprotocol != SUBPROTOCOL:
            raise ProtocolError(f"it does not speak {SUBPROTOCOL}")
        try:
            async with asyncio.timeout(self._timing.watch):
                interval, early = await self._watch(connection)
        except TimeoutError as error:
            raise HubUnreachable(f"no answer to watch within {self._timing.watch:g} s") from error
        self._on_live()
        beats = Heartbeats(interval, clock=time.monotonic, random=self._random)
        async with asyncio.TaskGroup() as tasks:
            sending = tasks.create_task(self._send_heartbeats(connection, beats))
            ended = await self._receive(connection, beats, early)
            sending.cancel()
        return ended

    async def _watch(self, connection: ClientConnection) -> tuple[float, list[Call]]:
        """Watch from what is held, take the answer in; return the heartbeat's interval and what came before it."""
        held = self._store.resume()
        identity = self._identity
        params: dict[str, Any] = {
            "client_id": identity.client_id,
            "service": identity.service,
            "env": identity.env,
            "namespaces": list(identity.namespaces),
            "sdk": TOOL,
        }
        if identity.labels:
            params["labels"] = dict(identity.labels)
        if held.epoch is not None and not held.withheld and not self._from_scratch:
            params |= {"epoch": held.epoch, "revision": held.revision}
        await connection.send(encode_call("watch", params, _WATCH_ID))
        early: list[Call] = []
        while isinstance(frame := _read(await connection.recv()), Call):
            early.append(frame)
        if frame.error is not None:
            raise frame.error
        update, interval = decode_watch_result(frame.result)
        self._apply(update, from_scratch_after_gap=True)
        self._from_scratch = False
        return interval, early

    async def _receive(self, connection: ClientConnection, beats: Heartbeats, early: list[Call]) -> Ended:
        try:
            for call in early:
                self._take(call, beats)
            while True:
                frame = _read(await connection.recv())
                # Answers are to the watch alone; an error without an id is the hub's comment on a heartbeat.
                if isinstance(frame, Call):
                    self._take(frame, beats)
        except (WebSocketException, SetpointError) as error:
            return why_ended(error)

    def _take(self, call: Call, beats: Heartbeats) -> None:
        if call.method != "change":
            return
        change = decode_change(call.params)
        if self._apply(change, from_scratch_after_gap=change.epoch != self._store.received.epoch) != "unchanged":
            beats.hurry(change.ack_within_seconds)

    def _apply(self, update: Update, *, from_scratch_after_gap: bool) -> Outcome:
        try:
            return self._store.apply(update, "push")
        except Gap:
            self._from_scratch = from_scratch_after_gap
            raise

    async def _send_heartbeats(self, connection: ClientConnection, beats: Heartbeats) -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await beats.next()
                text = encode_call("heartbeat", heartbeat(self._store, time.monotonic()))
                try:
                    async with asyncio.timeout(self._timing.send):
                        await connection.send(text)
                except TimeoutError:
                    # The hub stopped reading; what was sent may be cut in half, so the connection is of no use.
                    connection.transport.abort()
                    return

    @contextlib.asynccontextmanager
    async def _connection(self, address: Address, token: str) -> AsyncGenerator[ClientConnection]:
        timing = self._timing
        connection = await _connect(
            address.websocket_url,
            subprotocols=[Subprotocol(SUBPROTOCOL)],
            additional_headers={"Authorization": f"Bearer {token}"},
            user_agent_header=TOOL,
            compression=None,
            proxy=None if address.is_loopback else True,
            open_timeout=timing.open,
            ping_interval=timing.ping_interval,
            ping_timeout=timing.ping_timeout,
            close_timeout=timing.close,
            max_size=LARGEST_FRAME,
            logger=_websockets_log,
        )
        try:
            yield connection
        finally:
            # A peer that does not read can hold up a closing handshake for ever.
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(timing.close):
                    await connection.close()
            connection.transport.abort()


def _read(message: str | bytes) -> Frame:
    if isinstance(message, bytes):
        raise ProtocolError("a frame is binary")
    return read_frame(message)
