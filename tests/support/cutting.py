"""A way to a hub that cuts connections in the middle of what the hub says."""

import asyncio
import contextlib
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass, field

__all__ = ["CuttingProxy", "cutting_proxy"]


@dataclass
class CuttingProxy:
    """Passes bytes on. Each connection is cut after so many bytes of the hub as `allowance` says; None: never."""

    target: int
    allowance: Callable[[], int | None]
    port: int = 0
    cuts: int = 0
    _open: set[asyncio.StreamWriter] = field(default_factory=set)

    @property
    def address(self) -> str:
        """Where it listens."""
        return f"http://127.0.0.1:{self.port}"

    def cut(self) -> None:
        """Cut whatever is open."""
        for writer in list(self._open):
            writer.transport.abort()

    def heal(self) -> None:
        """Cut whatever is open a last time, and no more from now on."""
        self.allowance = lambda: None
        self.cut()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        try:
            hub_reader, hub_writer = await asyncio.open_connection("127.0.0.1", self.target)
        except OSError:
            writer.transport.abort()
            return
        self._open |= {writer, hub_writer}
        ways = [
            asyncio.create_task(self._pass(reader, hub_writer, None)),
            asyncio.create_task(self._pass(hub_reader, writer, self.allowance())),
        ]
        try:
            await asyncio.wait(ways, return_when=asyncio.FIRST_COMPLETED)
        finally:
            self._open -= {writer, hub_writer}
            writer.transport.abort()
            hub_writer.transport.abort()
            for way in ways:
                way.cancel()
            await asyncio.gather(*ways, return_exceptions=True)

    async def _pass(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, left: int | None) -> None:
        with contextlib.suppress(OSError):
            while part := await reader.read(65_536):
                if left is not None and len(part) >= left:
                    writer.write(part[:left])
                    await writer.drain()
                    self.cuts += 1
                    break
                left = None if left is None else left - len(part)
                writer.write(part)
                await writer.drain()


@asynccontextmanager
async def cutting_proxy(target: int, allowance: Callable[[], int | None]) -> AsyncGenerator[CuttingProxy]:
    """Stand before the hub at a port of this machine."""
    proxy = CuttingProxy(target, allowance)
    server = await asyncio.start_server(proxy.serve, "127.0.0.1", 0)
    proxy.port = server.sockets[0].getsockname()[1]
    try:
        yield proxy
    finally:
        server.close()
        proxy.heal()
        await server.wait_closed()
