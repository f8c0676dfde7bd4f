"""A server binary as a child process that does not outlive its parent, with its log in a file."""

import asyncio
import os
import signal
import subprocess
import sys
from collections.abc import Mapping, Sequence
from contextlib import suppress
from dataclasses import dataclass, field
from pathlib import Path

from setpoint_hub.embedded import launch
from setpoint_hub.embedded.errors import ServerFailedError

Steps = Sequence[tuple[signal.Signals, float]]
"""How to end a process: signals in turn, each with the seconds given to it."""

_LOG_LIMIT = 4 * 1024 * 1024
_SHOWN_LINES = 8


@dataclass(frozen=True)
class Launch:
    """All that starting a server needs."""

    command: Sequence[str]
    folder: Path
    """Its working directory: what tells a server of ours from a stranger with a recycled pid."""
    log: Path
    """Where its output goes; opened by us, so the identity below need not be able to."""
    death_signal: signal.Signals
    """What the kernel sends it when we die without stopping it."""
    identity: str = "plain"
    """As whom it runs, in the words of `launch`."""
    environment: Mapping[str, str] = field(default_factory=dict[str, str])
    """Added to a minimal one. Ours is not inherited: PGOPTIONS and the like would change the server."""


class ServerProcess:
    """A running child. Whoever spawns it must stop it.

    Spawn from a thread that lives as long as the server: the kernel sends the death signal when the *thread*
    that forked ends. In a program that means the main thread.
    """

    def __init__(self, process: asyncio.subprocess.Process, launched: Launch, log_start: int) -> None:
        self._process = process
        self._launched = launched
        self._log_start = log_start

    @classmethod
    async def spawn(cls, launched: Launch) -> "ServerProcess":
        """Start the child, in a session of its own so that Ctrl-C in a terminal reaches only us."""
        log = _open_log(launched.log)
        try:
            log_start = os.fstat(log).st_size
            process = await asyncio.create_subprocess_exec(
                *launch_words(launched),
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                env=server_environment(launched.environment),
                start_new_session=True,
            )
        finally:
            os.close(log)
        return cls(process, launched, log_start)

    @property
    def pid(self) -> int:
        """The child's process id."""
        return self._process.pid

    @property
    def ended(self) -> bool:
        """Whether the child has ended, by itself or stopped."""
        return self._process.returncode is not None

    async def wait(self) -> int:
        """Wait until the child ends; gives its exit status."""
        return await self._process.wait()

    async def stop(self, steps: Steps) -> None:
        """Send each signal and wait its time, until the child is gone. Does nothing to one that has ended."""
        for sent, patience in steps:
            if self.ended:
                return
            with suppress(ProcessLookupError):
                self._process.send_signal(sent)
            with suppress(TimeoutError):
                await asyncio.wait_for(self._process.wait(), patience)

    def failure(self, reason: str) -> ServerFailedError:
        """Describe a failure by what the child logged since it started."""
        name = Path(self._launched.command[0]).name
        log = self._launched.log
        return ServerFailedError(name, reason, log=log, lines=self.logged()[-_SHOWN_LINES:])

    def logged(self) -> list[str]:
        """Give the lines that the child logged since it started."""
        with self._launched.log.open(encoding="utf-8", errors="replace") as log:
            log.seek(self._log_start)
            return log.read().splitlines()


def launch_words(launched: Launch) -> list[str]:
    """Give the command that runs `launch` for this server."""
    return [
        sys.executable,
        *("-I", "-S", launch.__file__),
        str(os.getpid()),
        str(int(launched.death_signal)),
        launched.identity,
        str(launched.folder),
        *launched.command,
    ]


def server_environment(added: Mapping[str, str]) -> dict[str, str]:
    """Give a server's whole environment: as little as programs need, and what is `added`."""
    return {"PATH": os.defpath, "LC_ALL": "C", **added}


def _open_log(log: Path) -> int:
    """Open for appending; a log that has grown large makes room, and one generation is kept."""
    with suppress(FileNotFoundError):
        if log.stat().st_size > _LOG_LIMIT:
            log.replace(log.with_suffix(".log.old"))
    return os.open(log, os.O_WRONLY | os.O_APPEND | os.O_CREAT | os.O_CLOEXEC, 0o600)
