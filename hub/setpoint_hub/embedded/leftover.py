"""Servers that an earlier run left behind: found by their pid file, recognised, stopped."""

import asyncio
import os
import subprocess
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from setpoint_hub.embedded.process import Steps

_POLL_SECONDS = 0.05
_OWN_TIME = 3.0
"""What a leftover gets to end by itself: its parent's death has told it to, on Linux."""


@dataclass(frozen=True)
class Leftover:
    """What may be left of a server that ran as `program` in the working directory `folder`."""

    program: str
    folder: Path
    pid_file: Path

    def pid(self) -> int | None:
        """Give the pid that the server wrote, whoever has it now."""
        with suppress(OSError, ValueError, IndexError):
            # PostgreSQL writes more lines below; a negative first line is its standalone mode.
            return abs(int(self.pid_file.read_text(errors="replace").splitlines()[0]))
        return None

    async def stop(self, steps: Steps, *, report: Callable[[str], None]) -> None:
        """Wait a little for a leftover to end by itself, then stop it. Does nothing when there is none."""
        # Read once: a server removes its pid file some moments before it is gone.
        pid = self.pid()
        if pid is None or await self._gone_within(_OWN_TIME, pid):
            return
        report(f"stopping {self.program} of an earlier run (pid {pid})")
        for sent, patience in steps:
            with suppress(ProcessLookupError):
                os.kill(pid, sent)
            if await self._gone_within(patience, pid):
                return

    async def _gone_within(self, seconds: float, pid: int) -> bool:
        with suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                while _serves(pid, self.program, self.folder):  # noqa: ASYNC110 - not our child
                    await asyncio.sleep(_POLL_SECONDS)
                return True
        return False


def _serves(pid: int, program: str, folder: Path) -> bool:
    """Tell whether process `pid` is `program` at work in `folder`; a zombie is not, nor is a stranger."""
    look = _serves_by_proc if Path("/proc/self/cwd").exists() else _serves_by_listing
    return look(pid, program, folder)


def _serves_by_proc(pid: int, program: str, folder: Path) -> bool:
    process = Path(f"/proc/{pid}")
    try:
        # Empty for a zombie, which nobody may ever reap in a container without an init.
        words = (process / "cmdline").read_bytes().split(b"\0")
        return os.path.basename(words[0]) == program.encode() and (process / "cwd").samefile(folder)  # noqa: PTH119
    except OSError:
        return False


def _serves_by_listing(pid: int, program: str, folder: Path) -> bool:
    """Ask `ps`, where there is no /proc; the server's folder is among its arguments."""
    words = ["/bin/ps", "-ww", "-o", "command=", "-p", str(pid)]
    listed = subprocess.run(words, capture_output=True, text=True, check=False, errors="replace")  # noqa: S603 - fixed words
    return program in listed.stdout and str(folder) in listed.stdout
