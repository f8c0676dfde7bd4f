"""A private Valkey in the data folder, reachable through a unix socket alone; it keeps nothing."""

import asyncio
import signal
from collections.abc import Callable
from pathlib import Path
from urllib.parse import quote

from setpoint_hub.embedded.folder import DataFolder
from setpoint_hub.embedded.leftover import Leftover
from setpoint_hub.embedded.life import EmbeddedServer
from setpoint_hub.embedded.parts import valkey_binary
from setpoint_hub.embedded.process import Launch, ServerProcess

_STOP = ((signal.SIGTERM, 5.0), (signal.SIGKILL, 5.0))
_SOCKET = "valkey.sock"
_POLL_SECONDS = 0.02
_PING_SECONDS = 2.0


class EmbeddedValkey(EmbeddedServer):
    """Valkey in `folder`, from `start` to `stop` or as an async context manager.

    `folder` must be entered already and stay so. Nothing is saved: it carries hints, never the truth. It runs
    as ourselves, root included. Raises EmbeddedError when the server cannot run.
    """

    def __init__(self, folder: DataFolder, *, report: Callable[[str], None], start_timeout: float = 30.0) -> None:
        self._folder = folder
        self._report = report
        self._start_timeout = start_timeout
        self._socket: Path | None = None
        self._process: ServerProcess | None = None

    @property
    def url(self) -> str:
        """Where redis-py reaches it; the socket's folder is the guard."""
        return f"unix://{quote(str(self._socket_path()), safe='/')}"

    @property
    def process(self) -> ServerProcess:
        """The running server; only after `start`."""
        if self._process is None:
            raise RuntimeError("Valkey was not started")
        return self._process

    async def start(self) -> None:
        """Start the server and return when it answers. Pair with `stop`."""
        binary = valkey_binary()
        folder = self._folder.subfolder("valkey")
        pid_file = folder / "valkey.pid"
        await Leftover("valkey-server", folder, pid_file).stop(_STOP, report=self._report)
        self._report("starting Valkey")
        self._socket = self._folder.run_folder() / _SOCKET
        launch = Launch(
            command=[str(binary), *self._options(folder, pid_file)],
            folder=folder,
            log=self._folder.path / "valkey.log",
            death_signal=signal.SIGTERM,
        )
        self._process = await ServerProcess.spawn(launch)
        await self._wait_for_answer(self._process)

    async def stop(self) -> None:
        """Stop the server, by force if it takes longer than its time. Does nothing if not running."""
        if self._process is not None:
            await self._process.stop(_STOP)

    def _options(self, folder: Path, pid_file: Path) -> list[str]:
        options = {
            "port": "0",
            "unixsocket": str(self._socket_path()),
            "unixsocketperm": "700",
            "save": "",
            "appendonly": "no",
            "dir": str(folder),
            "pidfile": str(pid_file),
            # The title would replace the arguments by which a leftover is recognised.
            "set-proc-title": "no",
        }
        return [word for name, value in options.items() for word in (f"--{name}", value)]

    async def _wait_for_answer(self, process: ServerProcess) -> None:
        try:
            async with asyncio.timeout(self._start_timeout):
                while not await _answers(self._socket_path()):
                    if process.ended:
                        raise process.failure("ended while starting")
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as late:
            raise process.failure(f"did not answer within {self._start_timeout:.0f} s") from late

    def _socket_path(self) -> Path:
        if self._socket is None:
            raise RuntimeError("Valkey was not started")
        return self._socket


async def _answers(socket: Path) -> bool:
    """Tell whether a server behind the socket answers PING."""
    try:
        async with asyncio.timeout(_PING_SECONDS):
            reader, writer = await asyncio.open_unix_connection(socket)
            try:
                writer.write(b"PING\r\n")
                return (await reader.readline()).startswith(b"+PONG")
            finally:
                writer.close()
                await writer.wait_closed()
    except OSError:
        return False
