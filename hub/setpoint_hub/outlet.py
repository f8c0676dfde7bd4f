"""Writing to one connection without ever waiting for its reader."""

import asyncio
import socket
from typing import Final, cast

from websockets.asyncio.server import ServerConnection, broadcast

__all__ = ["Outlet"]

_KERNEL_GIVES_UP_AFTER: Final = 30_000  # milliseconds
OVERFLOW: Final = 4
LARGEST_BURST: Final = 64 * 1024 * 1024
"""Bytes; one snapshot, or one answer, may be larger than the buffer is meant to hold."""


class Outlet:
    """The outgoing side of a connection: frames are put into its buffer in order, at once.

    The library's own `send` waits for a reader whose buffer is full, its keepalive waits behind that, and so does
    `close`: a reader that stopped reading would never be noticed. So the hub looks at the buffer itself.
    """

    def __init__(self, connection: ServerConnection, *, limit: int) -> None:
        self.connection = connection
        self._limit = limit
        self._buffered_before = 0
        self._stuck_since: float | None = None
        self._limit_kernel_patience()

    @property
    def buffered(self) -> int:
        """Bytes that wait to be taken by the reader."""
        return self._transport.get_write_buffer_size()

    @property
    def full(self) -> bool:
        """Whether the reader lags so far that nothing more should be put in."""
        return self.buffered > self._limit

    @property
    def overflowing(self) -> bool:
        """Whether more waits than a full buffer and one large frame can explain."""
        return self.buffered > OVERFLOW * self._limit and self.buffered > LARGEST_BURST

    @property
    def drained(self) -> bool:
        """Whether a reader that lagged has taken most of what waited."""
        return self.buffered <= self._limit // 4

    def write(self, frame: str | bytes) -> None:
        """Put a text frame into the buffer; a connection that is not open any more drops it."""
        if isinstance(frame, str):
            # A name or an id that is repeated to its sender may hold half of a surrogate pair: so JSON escapes it.
            frame = frame.encode(errors="backslashreplace")
        broadcast((self.connection,), frame, text=True)

    async def room(self) -> None:
        """Wait, when the reader lags, until it has taken what waits. Raises OSError when the connection breaks."""
        if self.full:
            await self.connection.drain()

    def stuck_for(self, now: float) -> float:
        """Return for how many seconds the reader has taken nothing although something waits."""
        buffered = self.buffered
        if buffered == 0 or buffered < self._buffered_before:
            self._stuck_since = None
        elif self._stuck_since is None:
            self._stuck_since = now
        self._buffered_before = buffered
        return 0.0 if self._stuck_since is None else now - self._stuck_since

    def abort(self) -> None:
        """Cut the connection now, without a word: a reader that does not read would not hear it."""
        self._transport.abort()

    async def close(self, code: int, reason: str) -> None:
        """Close with a code; cut after two seconds if the reader does not take it."""
        try:
            async with asyncio.timeout(2):
                await self.connection.close(code, reason)
        except TimeoutError:
            self.abort()

    @property
    def _transport(self) -> asyncio.WriteTransport:
        return cast("asyncio.WriteTransport", self.connection.transport)

    def _limit_kernel_patience(self) -> None:
        # A net below our own check: the kernel ends a peer that acknowledges nothing. Linux only, TCP only.
        raw = cast("socket.socket | None", self._transport.get_extra_info("socket"))
        option = getattr(socket, "TCP_USER_TIMEOUT", None)
        if raw is not None and option is not None and raw.family in (socket.AF_INET, socket.AF_INET6):
            raw.setsockopt(socket.IPPROTO_TCP, option, _KERNEL_GIVES_UP_AFTER)
