"""The command line in a process of its own, on a pseudo terminal."""

import asyncio
import os
import pty
import re
import sys
from asyncio.subprocess import Process
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager

from support.hubs import RunningHub
from support.waiting import eventually

_SECONDS = 20
_SEQUENCE = re.compile(r"\x1b\[[0-9;?]*[A-Za-z]")


async def run_in_terminal(hub: RunningHub, *words: str, columns: int = 80, **environ: str) -> str:
    """Run a command on a pseudo terminal and return what reached it."""
    async with _opened(hub, words, columns, environ) as (_process, _ours, seen):
        pass
    return seen.decode()


async def answer_in_terminal(
    hub: RunningHub, answer: str, *words: str, before_answer: Callable[[], Awaitable[None]] | None = None
) -> tuple[str, int]:
    """Run a command that asks one question and type the answer; return the text that was seen and the exit code."""
    async with _opened(hub, words, 200, {"NO_COLOR": "1"}) as (process, ours, seen):
        await eventually(lambda: b"[y/N]" in seen)
        if before_answer is not None:
            await before_answer()
        os.write(ours, f"{answer}\n".encode() if answer != "\x04" else b"\x04")
    assert process.returncode is not None
    return _SEQUENCE.sub("", seen.decode()), process.returncode


@asynccontextmanager
async def _opened(
    hub: RunningHub, words: tuple[str, ...], columns: int, environ: dict[str, str]
) -> AsyncGenerator[tuple[Process, int, bytearray]]:
    """Run a command until it ends; what reaches its terminal is gathered meanwhile."""
    ours, theirs = pty.openpty()
    own = {"SETPOINT_URL": hub.address, "SETPOINT_TOKEN": hub.token, "TERM": "xterm-256color", "COLUMNS": str(columns)}
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "setpoint_tui", *words],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        env={**os.environ, **own, **environ},
    )
    os.close(theirs)
    seen = bytearray()
    loop = asyncio.get_running_loop()
    ended = asyncio.Event()

    def read() -> None:
        try:
            found = os.read(ours, 65_536)
        except OSError:
            found = b""
        seen.extend(found)
        if not found:
            loop.remove_reader(ours)
            ended.set()

    loop.add_reader(ours, read)
    try:
        yield process, ours, seen
        await asyncio.wait_for(asyncio.gather(process.wait(), ended.wait()), _SECONDS)
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        loop.remove_reader(ours)
        os.close(ours)
