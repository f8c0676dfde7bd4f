"""The console as a program on a real terminal: start, size, a killed hub, what reaches the terminal, the end."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import struct
import sys
import termios
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from support.hubs import RunningHub
from support.programs import start_program
from support.waiting import eventually
from tui.console.running import sample_keys

WITHIN = 30.0


class Terminal:
    """A pseudo terminal with a console at its other end."""

    def __init__(self, ours: int, process: asyncio.subprocess.Process) -> None:
        self._ours = ours
        self.process = process
        self.raw = bytearray()

    def read(self) -> None:
        with contextlib.suppress(OSError):
            self.raw.extend(os.read(self._ours, 65_536))

    async def shows(self, text: str) -> None:
        """Wait until something is written that holds the text, colours and cursor movements left out."""

        def is_shown() -> bool:
            seen = re.sub(r"\x1b\[[0-9;?<>=]*[a-zA-Z]", "", self.raw.decode(errors="replace"))
            assert text in seen, f"no {text!r} in {seen[-2_000:]}"
            return True

        await eventually(is_shown, within=WITHIN)

    def press(self, keys: str) -> None:
        os.write(self._ours, keys.encode())

    def resize(self, columns: int, lines: int) -> None:
        fcntl.ioctl(self._ours, termios.TIOCSWINSZ, struct.pack("HHHH", lines, columns, 0, 0))
        self.process.send_signal(signal.SIGWINCH)

    async def ends(self) -> int:
        async with asyncio.timeout(WITHIN):
            return await self.process.wait()


@asynccontextmanager
async def console_in_terminal(url: str, token: str, home: Path, **environ: str) -> AsyncGenerator[Terminal]:
    ours, theirs = pty.openpty()
    fcntl.ioctl(theirs, termios.TIOCSWINSZ, struct.pack("HHHH", 36, 120, 0, 0))
    # COLUMNS and LINES come before the terminal's own size, and test runners set them.
    others = ("SETPOINT_", "XDG_", "NO_COLOR", "COLUMNS", "LINES")
    kept = {name: value for name, value in os.environ.items() if not name.startswith(others)}
    told = {"SETPOINT_URL": url, "SETPOINT_TOKEN": token, "HOME": str(home), "TERM": "xterm-256color", **environ}
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-m", "setpoint_tui", stdin=theirs, stdout=theirs, stderr=theirs, env={**kept, **told}
    )
    terminal = Terminal(ours, process)
    before = termios.tcgetattr(theirs)
    asyncio.get_running_loop().add_reader(ours, terminal.read)
    try:
        yield terminal
        if process.returncode is not None:
            assert termios.tcgetattr(theirs) == before, "the terminal was not given back as it was"
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
        asyncio.get_running_loop().remove_reader(ours)
        os.close(ours)
        os.close(theirs)


async def test_setpoint_alone_opens_the_console_and_q_gives_the_terminal_back(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
    async with console_in_terminal(hub.address, hub.token, tmp_path) as terminal:
        await terminal.shows("● live")
        await terminal.shows("max_retries")
        terminal.press("[")
        await eventually(lambda: "\x1b]2;▓▓ production · setpoint\x07".encode() in terminal.raw, within=WITHIN)
        terminal.press("q")
        assert await terminal.ends() == 0


async def test_it_lives_through_every_size(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
    async with console_in_terminal(hub.address, hub.token, tmp_path) as terminal:
        await terminal.shows("● live")
        for columns, lines in ((80, 24), (60, 16), (20, 5), (1, 1), (200, 60)):
            terminal.raw.clear()
            terminal.resize(columns, lines)
            if columns >= 20:
                await eventually(lambda: bool(terminal.raw), within=WITHIN)
        await terminal.shows("Scopes")
        terminal.press("q")
        assert await terminal.ends() == 0


async def test_a_hub_that_is_killed_is_told_and_found_again(
    database_url: str, redis_url: str, admin_token: str, tmp_path: Path
) -> None:
    settings = {"database_url": database_url, "redis_url": redis_url, "port": 0}
    async with start_program("hub", settings=settings) as first:
        port = first.address.rpartition(":")[2]
        async with console_in_terminal(first.address, admin_token, tmp_path) as terminal:
            await terminal.shows("● live")
            first.process.kill()
            await terminal.shows("✗ offline")
            terminal.raw.clear()
            async with start_program("hub", settings={**settings, "port": port}):
                terminal.press("r")
                await terminal.shows("● live")
                terminal.press("q")
                assert await terminal.ends() == 0


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGHUP])
async def test_a_signal_ends_it(hub: RunningHub, tmp_path: Path, number: signal.Signals) -> None:
    async with console_in_terminal(hub.address, hub.token, tmp_path) as terminal:
        await terminal.shows("● live")
        terminal.process.send_signal(number)
        assert await terminal.ends() != 0


async def test_no_escape_from_data_reaches_the_terminal(hub: RunningHub, tmp_path: Path) -> None:
    hostile = "aim\x1b]52;c;c3RvbGVu\x07 \x1b[2J\x1bP+q\x1b\\ \x9b31m \x90q\x9c end"
    async with hub.connect() as wire:
        await wire.ask(
            "key.create", namespace="odd", key="text", type="string", description=hostile, owner=hostile[:90]
        )
        await wire.set(hostile, "text", namespace="odd", env="development", note=hostile)
    async with console_in_terminal(hub.address, hub.token, tmp_path) as terminal:
        await terminal.shows("aim")
        await terminal.shows("last changes")
        for screen in "251":
            terminal.press(screen)
        terminal.press("?")
        await terminal.shows("Everywhere")
        written = bytes(terminal.raw)
        for forbidden in (b"\x1b]52", b"c3RvbGVu\x07", b"\x1bP+q", b"\xc2\x9b", b"\xc2\x90", b"\x9b31m"):
            assert forbidden not in written
        assert b"\\x1b" in written


async def test_without_colour_nothing_depends_on_it(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
    async with console_in_terminal(hub.address, hub.token, tmp_path, NO_COLOR="1") as terminal:
        await terminal.shows("▸")
        await terminal.shows("● live")
        colours = re.findall(rb"\x1b\[[0-9;]*(?:38|48);[25];([0-9;]*)m", bytes(terminal.raw))
        grey = [colour for colour in colours if len(set(colour.split(b";")[:3])) <= 1]
        assert len(grey) == len(colours), "a colour that is no grey was written"
        terminal.press("q")
        assert await terminal.ends() == 0
