"""The console as a program in a real terminal, for tests of what a pilot cannot do: editors, signals, crashes."""

import asyncio
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from pathlib import Path

from support.waiting import eventually

__all__ = ["Terminal", "console_in_terminal"]

_ESCAPES = re.compile(
    r"\x1b\][^\x07\x1b]*(?:\x07|\x1b\\)|\x1b[P_][^\x1b]*\x1b\\|\x1b\[[0-?]*[ -/]*[@-~]|\x1b[()][0-9A-B]|\x1b."
)

# Makes the terminal the one that ctrl+c goes through, then becomes the console.
_LAUNCH = """
import fcntl, os, sys, termios
os.setsid()
fcntl.ioctl(0, termios.TIOCSCTTY, 0)
os.execv(sys.executable, [sys.executable, "-m", "setpoint_tui", "console"])
"""


class Terminal:
    """A terminal and the console in it."""

    def __init__(self, handle: int, process: asyncio.subprocess.Process) -> None:
        self._handle = handle
        self._written = bytearray()
        self.process = process

    @property
    def text(self) -> str:
        """All that was written since the last `forget`, without the escape sequences."""
        return _ESCAPES.sub("", self._written.decode(errors="replace"))

    def read(self) -> None:
        """Take what the console has written."""
        with suppress(OSError):
            self._written += os.read(self._handle, 65_536)

    def forget(self) -> None:
        """Look only at what is written from now on."""
        self._written.clear()

    def send(self, text: str) -> None:
        """Type."""
        os.write(self._handle, text.encode())

    async def shows(self, text: str) -> None:
        """Wait until a text was written."""

        def was_written() -> bool:
            assert text in self.text, f"no {text!r} in the last of\n{self.text[-3_000:]}"
            return True

        await eventually(was_written, within=30)

    def kill(self) -> None:
        """End the console as a crash does."""
        self.process.send_signal(signal.SIGKILL)


@asynccontextmanager
async def console_in_terminal(
    url: str, token: str, folder: Path, *, size: tuple[int, int] = (120, 36), **environment: str
) -> AsyncGenerator[Terminal]:
    """Run a console; it is killed in the end unless it has ended."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", size[1], size[0], 0, 0))
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-c", _LAUNCH),
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env=_environment(url, token, folder, environment),
    )
    os.close(theirs)
    terminal = Terminal(ours, process)
    loop = asyncio.get_running_loop()
    loop.add_reader(ours, terminal.read)
    try:
        yield terminal
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        loop.remove_reader(ours)
        os.close(ours)


def _environment(url: str, token: str, folder: Path, given: Mapping[str, str]) -> dict[str, str]:
    dropped = ("SETPOINT_", "XDG_", "VISUAL", "EDITOR", "NO_COLOR")
    inherited = {name: value for name, value in os.environ.items() if not name.startswith(dropped)}
    own = {"SETPOINT_URL": url, "SETPOINT_TOKEN": token, "HOME": str(folder), "TERM": "xterm-256color"}
    return {**inherited, **own, **given}
