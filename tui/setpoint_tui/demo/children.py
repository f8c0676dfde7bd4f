"""Child processes that end when we do, however we end: their standard input is a pipe that only we hold open."""

import asyncio
import contextlib
import os
import signal
from collections import deque
from collections.abc import AsyncGenerator, AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager

from setpoint.errors import SetpointError

__all__ = ["Child", "ChildEnded", "running_child"]

_LOG_LINES = 15
_STOP_SECONDS = 15.0
_TERMINATE_SECONDS = 3.0


class ChildEnded(SetpointError):
    """A child ended although it was needed; `log` holds the last lines of what it said."""

    def __init__(self, name: str, code: int | None, log: Sequence[str]) -> None:
        super().__init__(name, code, log)
        self.name = name
        self.code = code
        self.log = log

    def __str__(self) -> str:
        why = self.log[-1].removeprefix("setpoint: ") if self.log else "it said nothing"
        return f"{self.name} ended with code {self.code}: {why}"


class Child:
    """A running child: its standard output line by line, and the last lines of its log."""

    def __init__(self, name: str, process: asyncio.subprocess.Process) -> None:
        self.name = name
        self._process = process
        self._log: deque[str] = deque(maxlen=_LOG_LINES)
        self._logging = asyncio.create_task(self._keep_log(), name=f"log of {name}")

    @property
    def pid(self) -> int:
        """The process, which leads a session of its own."""
        return self._process.pid

    @property
    def log(self) -> Sequence[str]:
        """The last lines that the child wrote to its standard error."""
        return list(self._log)

    async def lines(self) -> AsyncIterator[str]:
        """Yield what the child prints, until it closes its output."""
        assert self._process.stdout is not None
        while line := await self._process.stdout.readline():
            yield line.decode(errors="replace").rstrip()

    async def say(self, line: str) -> None:
        """Write a line to the child."""
        assert self._process.stdin is not None
        self._process.stdin.write(line.encode() + b"\n")
        with contextlib.suppress(ConnectionError):
            await self._process.stdin.drain()

    async def ended(self) -> ChildEnded:
        """Wait for the end and describe it."""
        code = await self._process.wait()
        await self._logging
        return ChildEnded(self.name, code, self.log)

    async def stop(self) -> None:
        """Close its standard input and wait; end it by force when it does not obey, or when we are cancelled."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        try:
            if not await self._ends_within(_STOP_SECONDS):
                self._signal(signal.SIGTERM)
                await self._ends_within(_TERMINATE_SECONDS)
        finally:
            # Its whole session, so that nothing of it outlives it.
            self._signal(signal.SIGKILL)
            self._logging.cancel()
            await asyncio.gather(self._logging, self._process.wait(), return_exceptions=True)

    async def _ends_within(self, seconds: float) -> bool:
        try:
            await asyncio.wait_for(self._process.wait(), seconds)
        except TimeoutError:
            return False
        return True

    def _signal(self, number: signal.Signals) -> None:
        if self._process.returncode is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._process.pid, number)

    async def _keep_log(self) -> None:
        assert self._process.stderr is not None
        while line := await self._process.stderr.readline():
            self._log.append(line.decode(errors="replace").rstrip())


@asynccontextmanager
async def running_child(name: str, command: Sequence[str], environ: Mapping[str, str]) -> AsyncGenerator[Child]:
    """Start a child, and stop it at the end."""
    process = await asyncio.create_subprocess_exec(
        *command,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=dict(environ),
        # Ctrl-C in the terminal reaches us alone, and we stop what we started in order.
        start_new_session=True,
    )
    child = Child(name, process)
    try:
        yield child
    finally:
        await child.stop()
