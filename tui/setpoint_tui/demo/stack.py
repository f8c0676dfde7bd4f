"""The stack of the demo: `setpoint up` as a child, on a free port and on data that nobody else uses."""

import asyncio
import errno
import fcntl
import os
import socket
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from setpoint.errors import SetpointError
from setpoint_tui.address import parse_address
from setpoint_tui.connection import Connection
from setpoint_tui.demo.children import Child, running_child

__all__ = ["InUse", "Report", "Stack", "clean_environment", "running_stack"]

Report = Callable[[str], None]

_HOST = "127.0.0.1"
_LISTENING = "listening on "
_RELEASE_SECONDS = 10.0
"""How long the stack of a demo that was just killed may take to stop."""


class InUse(SetpointError):
    """The data folder is held by another process."""


@dataclass(frozen=True, slots=True)
class Stack:
    """The running stack: the way to its hub, and its process."""

    connection: Connection
    child: Child


@asynccontextmanager
async def running_stack(data: Path, port: int, report: Report) -> AsyncGenerator[Stack]:
    """Start PostgreSQL, Valkey and a hub. Raises ChildEnded or InUse."""
    await _wait_until_released(data, report)
    chosen = port if _is_free(port) else 0
    if chosen == 0:
        report(f"port {port} is taken: choosing another one")
    command = [sys.executable, "-m", "setpoint_hub", "up", "--data", str(data), "--port", str(chosen)]
    async with running_child("setpoint up", [*command, "--until-stdin-closes"], clean_environment()) as child:
        url = await _url_of(child, report)
        token_file = data / "admin.token"
        token = token_file.read_text(encoding="utf-8").strip()
        yield Stack(Connection(parse_address(url), token, str(token_file)), child)


def clean_environment(**more: str) -> Mapping[str, str]:
    """Return our environment without what would lead a child to other hubs, databases or tokens than the demo's."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SETPOINT_")}
    return {**kept, "PYTHONUNBUFFERED": "1", **more}


async def _url_of(child: Child, report: Report) -> str:
    async for line in child.lines():
        report(line)
        if line.startswith(_LISTENING):
            return line.removeprefix(_LISTENING)
    raise await child.ended()


def _is_free(port: int) -> bool:
    with socket.socket() as probe:
        # As a server does: a port whose last connections are still being forgotten is free.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind((_HOST, port))
        except OSError:
            return False
    return True


async def _wait_until_released(data: Path, report: Report) -> None:
    lock = data / "lock"
    deadline = time.monotonic() + _RELEASE_SECONDS
    said = False
    while _is_locked(lock):
        if time.monotonic() > deadline:
            raise InUse(f"{data} is in use by another `setpoint demo` or `setpoint up`: stop it, or give --data")
        if not said:
            report(f"waiting for what last used {data} to stop")
            said = True
        await asyncio.sleep(0.05)


def _is_locked(lock: Path) -> bool:
    try:
        file = os.open(lock, os.O_RDWR)
    except OSError:
        return False
    try:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except OSError as error:
        return error.errno in (errno.EWOULDBLOCK, errno.EACCES)
    finally:
        os.close(file)
    return False
