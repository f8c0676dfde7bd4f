"""The whole console over very many keys: start, keys pressed, a filter typed, a flood of changes, rest, memory."""

import argparse
import asyncio
import contextlib
import fcntl
import os
import pty
import struct
import sys
import tempfile
import termios
import time
from collections.abc import AsyncGenerator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual import events
from textual._compositor import CompositorUpdate
from textual.screen import Screen

from bench.table import Table, milliseconds, percentile
from setpoint_tui.address import parse_address
from setpoint_tui.connection import Connection
from setpoint_tui.console.app import Console
from setpoint_tui.console.screens.keys import KeysScreen
from setpoint_tui.console_settings import ConsoleSettings

PRESSES = 200
FLOOD_SECONDS = 10.0
REST_SECONDS = 10.0
STARTS = 5
TICK = 0.005


class Watched(Console):
    """A console that knows when it has painted, and how long each frame took from being due."""

    def __init__(self, connection: Connection, folder: Path) -> None:
        super().__init__(connection, ConsoleSettings(state_folder=folder), first_env="staging")
        self.painted = asyncio.Event()

    def _display(self, screen: Screen[object], renderable: Any) -> None:
        if isinstance(renderable, CompositorUpdate):
            renderable.render_segments(self.console)
            self.painted.set()
        super()._display(screen, renderable)

    async def until_painted(self, key: str) -> float:
        """Press a key; return the seconds until something was painted."""
        self.painted.clear()
        began = time.perf_counter()
        self.post_message(events.Key(key, key if len(key) == 1 else None))
        async with asyncio.timeout(20):
            await self.painted.wait()
        return time.perf_counter() - began


async def run(asked: argparse.Namespace) -> list[Table]:
    """Measure the console against a hub in another process."""
    table = Table(f"the console, {asked.rows:,} keys, 120x36", ("", "median", "p99", "largest"))
    with tempfile.TemporaryDirectory() as folder:
        async with crowded_hub(asked.rows) as (port, token):
            await measure_program(table, port, token, Path(folder))
            await measure_inside(table, port, token, Path(folder))
    return [table]


@asynccontextmanager
async def crowded_hub(count: int) -> AsyncGenerator[tuple[int, str]]:
    """Run the hub; it ends with its standard input."""
    pipe = asyncio.subprocess.PIPE
    hub = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "bench.crowded_hub", str(count), stdin=pipe, stdout=pipe
    )
    assert hub.stdout is not None
    assert hub.stdin is not None
    try:
        yield int(await hub.stdout.readline()), "token"
    finally:
        hub.stdin.close()
        await hub.wait()


async def measure_inside(table: Table, port: int, token: str, folder: Path) -> None:
    """Measure in this process, over a real connection."""
    connection = Connection(parse_address(f"http://127.0.0.1:{port}"), token, "bench")
    app = Watched(connection, folder / "inside")
    began = time.perf_counter()
    async with app.run_test(size=(120, 36)) as pilot:
        await until(lambda: app.bridge.model.is_live and app.bridge.model.facts_complete)
        table.add("from start to every key loaded and followed", f"{time.perf_counter() - began:.1f} s", "", "")
        screen = app.front
        assert isinstance(screen, KeysScreen)
        await until(lambda: screen.table.order)
        await asyncio.sleep(1)
        add(table, "cursor down, key to paint", [await app.until_painted("j") for _ in range(PRESSES)])
        await pilot.press("slash")
        await asyncio.sleep(0.3)
        letters = [await app.until_painted(key) for _ in range(10) for key in (*"setting", *["backspace"] * 7)]
        add(table, "letter typed into the filter, key to paint", letters)
        await pilot.press("escape")
        add(table, "500 changes a second for 10 s: longest the loop was held", await flood(app, 500))
        add(table, "the same, cursor down, key to paint", await pressing_in_a_flood(app))


async def until(condition: Callable[[], object]) -> None:
    """Wait for a condition that nothing tells of."""
    async with asyncio.timeout(60):
        while not condition():  # noqa: ASYNC110  # what is waited for is another program's screen, or a painted one
            await asyncio.sleep(TICK)


async def flood(app: Watched, per_second: int) -> list[float]:
    """Have the hub change keys; return how late each tick of the loop came."""
    await app.bridge.feed.request("bench.changes", {"per_second": per_second, "seconds": FLOOD_SECONDS})
    late: list[float] = []
    ends = time.perf_counter() + FLOOD_SECONDS
    while (began := time.perf_counter()) < ends:
        await asyncio.sleep(TICK)
        late.append(max(0.0, time.perf_counter() - began - TICK))
    return late


async def pressing_in_a_flood(app: Watched) -> list[float]:
    await app.bridge.feed.request("bench.changes", {"per_second": 500, "seconds": FLOOD_SECONDS})
    taken: list[float] = []
    ends = time.perf_counter() + FLOOD_SECONDS - 1
    while time.perf_counter() < ends:
        taken.append(await app.until_painted("j" if len(taken) % 2 else "k"))
        await asyncio.sleep(0.02)
    return taken


async def measure_program(table: Table, port: int, token: str, folder: Path) -> None:
    """Measure the program as a person starts it, on a pseudo terminal."""
    firsts: list[float] = []
    for number in range(STARTS):
        async with program(port, token, folder / f"start-{number}") as (_, seen):
            firsts.append(await seen("Keys"))
    add(table, "start of the program to first paint", firsts)
    async with program(port, token, folder / "rest") as (pid, seen):
        await seen("live")
        await asyncio.sleep(8)
        table.add("memory of the program with every key", f"{resident(pid) / 1e6:,.0f} MB", "", "")
        before = processor_seconds(pid)
        await asyncio.sleep(REST_SECONDS)
        table.add("processor at rest", f"{(processor_seconds(pid) - before) / REST_SECONDS:.1%}", "", "")


@asynccontextmanager
async def program(port: int, token: str, folder: Path) -> AsyncGenerator[tuple[int, Any]]:
    """Run `setpoint console`; yield its process id and a wait for a text on its screen."""
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    environ = {
        **os.environ,
        "SETPOINT_URL": f"http://127.0.0.1:{port}",
        "SETPOINT_TOKEN": token,
        "TERM": "xterm-256color",
    }
    environ |= {"XDG_STATE_HOME": str(folder), "XDG_CONFIG_HOME": str(folder), "COLUMNS": "120", "LINES": "36"}
    began = time.perf_counter()
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "setpoint_tui", "console", stdin=theirs, stdout=theirs, stderr=theirs, env=environ
    )
    found = bytearray()

    def read() -> None:
        with contextlib.suppress(OSError):
            found.extend(os.read(ours, 65_536))

    asyncio.get_running_loop().add_reader(ours, read)

    async def seen(text: str) -> float:
        await until(lambda: text.encode() in found)
        return time.perf_counter() - began

    try:
        yield process.pid, seen
    finally:
        process.kill()
        await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        os.close(theirs)


def resident(pid: int) -> int:
    """Return the bytes of memory that a process holds."""
    return int(Path(f"/proc/{pid}/statm").read_text().split()[1]) * os.sysconf("SC_PAGE_SIZE")


def processor_seconds(pid: int) -> float:
    """Return the processor time that a process has used."""
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def add(table: Table, name: str, seconds: list[float]) -> None:
    """Add a row of figures."""
    cells = (percentile(seconds, 0.5), percentile(seconds, 0.99), max(seconds))
    table.add(name, *(milliseconds(cell) for cell in cells))
