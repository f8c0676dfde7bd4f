"""A web server as a process, asked over a socket in a folder, so that no two tests want one port."""

import contextlib
import os
import signal
import socket
import subprocess
import sys
import textwrap
from collections.abc import Iterator, Sequence
from http.client import HTTPConnection, HTTPException
from pathlib import Path
from typing import NamedTuple

from client.scripted_hub import ScriptedHub
from support.waiting import eventually_blocking

__all__ = ["CONFIG", "Answer", "ask", "every_worker_gives", "serving"]

CONFIG = """\
import os
from setpoint import ConfigClient

config = ConfigClient("checkout-api", "production", ["payments"], url=os.environ["HUB"], token="secret-token")
"""


class Answer(NamedTuple):
    """What each of the services answers: its process, the value it reads, its client's state."""

    pid: int
    value: int
    state: str


class _Local(HTTPConnection):
    def __init__(self, path: Path) -> None:
        super().__init__("localhost", timeout=10)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(10)
        self.sock.connect(str(self._path))


def ask(path: Path) -> Answer | None:
    """Ask a server once; None when it does not answer yet."""
    connection = _Local(path)
    with contextlib.closing(connection), contextlib.suppress(OSError, HTTPException):
        connection.request("GET", "/")
        response = connection.getresponse()
        pid, value, state = response.read().decode().split()
        return Answer(int(pid), int(value), state)
    return None


@contextlib.contextmanager
def serving(folder: Path, program: str, command: Sequence[str], hub: ScriptedHub) -> Iterator[Path]:
    """Run a server of the program `service.py`; its socket is the file `s` in the folder. It must end well."""
    (folder / "service.py").write_text(CONFIG + textwrap.dedent(program))
    variables = {**os.environ, "HUB": hub.url, "PYTHONPATH": str(folder)}
    log = folder / "log"
    with log.open("wb") as output:
        command = [sys.executable, "-m", *command]
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=output, stderr=output)
    try:
        eventually_blocking(lambda: ask(folder / "s") or process.poll() is not None, within=30)
        assert process.poll() is None, log.read_text()
        yield folder / "s"
        process.send_signal(signal.SIGTERM)
        process.wait(20)
        assert process.returncode in (0, -signal.SIGTERM), log.read_text()
        assert "Traceback" not in log.read_text(), log.read_text()
    finally:
        process.kill()
        process.wait(20)


def every_worker_gives(path: Path, value: int, *, workers: int) -> set[int]:
    """Wait until each of so many workers gives the value from a live client; give their processes' ids."""
    live: set[int] = set()

    def are_live() -> bool:
        answer = ask(path)
        if answer is not None and (answer.value, answer.state) == (value, "live"):
            live.add(answer.pid)
        return len(live) >= workers

    eventually_blocking(are_live, within=30)
    return live
