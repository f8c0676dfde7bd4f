"""The demo as people start it: the tour, the console, and every way to end it."""

import asyncio
import contextlib
import fcntl
import os
import pty
import re
import signal
import socket
import subprocess
import sys
import tempfile
import termios
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from setpoint.protocol.values import VALUE_TYPES, encode_value
from setpoint_tui.demo import stack
from setpoint_tui.demo.sample import ENVIRONMENTS, SAMPLE, SERVICES
from support.waiting import eventually

WITHIN = 60.0


@pytest.fixture
def folder() -> Iterator[Path]:
    """A folder that the user whom PostgreSQL runs as can pass through, which pytest's own is not."""
    with tempfile.TemporaryDirectory(prefix="setpoint-demo-") as path:
        yield Path(path)


@asynccontextmanager
async def demo(folder: Path, *more: str, terminal: int | None = None) -> AsyncGenerator[asyncio.subprocess.Process]:
    """Start the demo with data in `folder`; whatever happens, it is gone afterwards."""
    pipe = asyncio.subprocess.PIPE
    kept = {name: value for name, value in os.environ.items() if not name.startswith("SETPOINT_")}
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "setpoint_tui", "demo", "--data", "data", *more],
        cwd=folder,
        stdin=subprocess.DEVNULL if terminal is None else terminal,
        stdout=pipe if terminal is None else terminal,
        stderr=pipe if terminal is None else terminal,
        env={
            **kept,
            "XDG_STATE_HOME": str(folder / "state"),
            "TERM": "xterm-256color",
            "COLUMNS": "120",
            "LINES": "36",
        },
    )
    try:
        yield process
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()


class Screen:
    """A pseudo terminal with the demo at its other end."""

    def __init__(self, terminal: int) -> None:
        self._terminal = terminal
        self._before = termios.tcgetattr(terminal)
        self._seen = bytearray()

    def read(self) -> None:
        with contextlib.suppress(OSError):
            self._seen.extend(os.read(self._terminal, 65_536))

    async def shows(self, text: str) -> None:
        """Wait for a text, and forget what came before."""

        await self.shows_match(re.escape(text))

    async def shows_match(self, pattern: str) -> None:
        """Wait for a text of a pattern, and forget what came before; colours are left out."""

        def is_shown() -> bool:
            seen = re.sub(r"\x1b\[[0-9;?]*[a-zA-Z]", "", self._seen.decode(errors="replace"))
            assert re.search(pattern, seen), f"no {pattern!r} in {seen[-3_000:]}"
            return True

        await eventually(is_shown, within=WITHIN)
        self._seen.clear()

    def press(self, key: str) -> None:
        os.write(self._terminal, key.encode())

    def is_as_before(self) -> bool:
        return termios.tcgetattr(self._terminal) == self._before


@asynccontextmanager
async def demo_in_terminal(folder: Path) -> AsyncGenerator[tuple[asyncio.subprocess.Process, Screen]]:
    ours, theirs = pty.openpty()
    screen = Screen(ours)
    loop = asyncio.get_running_loop()
    async with demo(folder, "--port", "0", terminal=theirs) as process:
        loop.add_reader(ours, screen.read)
        yield process, screen
    loop.remove_reader(ours)
    os.close(theirs)
    os.close(ours)


async def until_it_prints(process: asyncio.subprocess.Process, text: str) -> None:
    assert process.stdout is not None
    async with asyncio.timeout(WITHIN):
        while text not in (line := (await process.stdout.readline()).decode()):
            assert line, f"it ended before it printed {text!r}"


async def tour(folder: Path, *more: str) -> tuple[int | None, str, str]:
    async with demo(folder, *more) as process, asyncio.timeout(WITHIN):
        out, err = await process.communicate()
        return process.returncode, out.decode(), err.decode()


def descendants(pid: int) -> set[int]:
    """Every process below one, by its id."""
    listed = subprocess.run(["ps", "-A", "-o", "pid=,ppid="], capture_output=True, text=True, check=True)
    parents = {int(line.split()[0]): int(line.split()[1]) for line in listed.stdout.splitlines()}
    below: set[int] = set()
    while more := {child for child, parent in parents.items() if parent in below | {pid}} - below:
        below |= more
    return below


def is_alive(pid: int) -> bool:
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    # A zombie whose parent takes its time is gone for our purposes.
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True, check=False)
    return state.stdout.strip() not in ("", "Z", "Zs")


async def until_all_are_gone(pids: set[int]) -> None:
    await eventually(lambda: not [pid for pid in pids if is_alive(pid)], within=WITHIN)


def test_the_sample_is_as_large_and_varied_as_promised() -> None:
    names = [(key.namespace, key.key) for key in SAMPLE]
    assert len(set(names)) == len(names) >= 40
    assert {key.type for key in SAMPLE} == set(VALUE_TYPES)
    assert {key.namespace for key in SAMPLE} == {"payments", "search", "global"}
    assert {tag for key in SAMPLE for tag in key.tags} == {"flag", "limit", "connection", "experiment"}
    assert all(key.description and key.owner for key in SAMPLE)
    for key in SAMPLE:
        assert len(key.values) == len(ENVIRONMENTS)
        for value in key.values:
            encode_value(key.type, value)


def test_the_fleet_is_twelve_instances_of_four_services() -> None:
    assert (len(SERVICES), sum(service.instances for service in SERVICES)) == (4, 12)


async def test_the_tour_holds_twice_on_the_same_data_and_beside_another_program(folder: Path) -> None:
    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = str(taken.getsockname()[1])

        first_code, first, first_err = await tour(folder, "--port", port)
        second_code, second, second_err = await tour(folder, "--port", port)

    assert (first_code, first_err) == (0, "")
    assert (second_code, second_err) == (0, "")
    assert f"port {port} is taken: choosing another one" in first
    assert f"{len(SAMPLE)} keys in 3 namespaces, made now" in first
    assert f"{len(SAMPLE)} keys in 3 namespaces, as they were left" in second
    assert "made global/tour.timeout_ms of type int" in first
    assert "global/tour.timeout_ms is there from an earlier tour" in second
    for printed in (first, second):
        assert printed.count("12 of 12 instances run it, ") == 3
        assert printed.count("in 12 of 12 instances") == 3
        assert "refused: global/tour.timeout_ms" in printed
        assert "All of it held" in printed


async def test_kill_9_leaves_nothing_that_blocks_the_next_start(folder: Path) -> None:
    async with demo(folder, "--port", "0") as process:
        await until_it_prints(process, "all of them follow")
        below = descendants(process.pid)
        process.kill()
        await process.wait()

    code, printed, err = await tour(folder, "--port", "0")

    assert (code, err) == (0, "")
    assert "All of it held" in printed
    assert len(below) >= 7
    await until_all_are_gone(below)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
@pytest.mark.parametrize("moment", ["starting PostgreSQL", "starting 12 instances"])
async def test_a_signal_stops_all_that_was_started(folder: Path, number: signal.Signals, moment: str) -> None:
    async with demo(folder, "--port", "0") as process:
        await until_it_prints(process, moment)
        below = descendants(process.pid)
        process.send_signal(number)
        async with asyncio.timeout(WITHIN):
            _, err = await process.communicate()

    assert process.returncode == 128 + number
    assert err == b""
    await until_all_are_gone(below)


async def test_a_stack_that_dies_ends_the_demo_with_the_reason(folder: Path) -> None:
    async with demo_in_terminal(folder) as (process, screen):
        await screen.shows("● live")
        below = descendants(process.pid)
        os.kill(int((folder / "data" / "lock").read_text()), signal.SIGKILL)
        async with asyncio.timeout(WITHIN):
            assert await process.wait() == 1
        await screen.shows("setpoint up ended with code -9: ")

    await until_all_are_gone(below)


async def test_a_start_that_fails_says_why(folder: Path) -> None:
    (folder / "data").mkdir()
    (folder / "data" / "letter.txt").touch()

    code, _, err = await tour(folder)

    assert code == 1
    assert err.startswith("setpoint: setpoint up ended with code 1: ")
    assert "choose a new or empty --data" in err


async def test_data_that_another_process_holds_is_refused(folder: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(stack, "_RELEASE_SECONDS", 0.1)
    said: list[str] = []
    with (folder / "lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(stack.InUse, match="in use by another"):
            async with stack.running_stack(folder, 0, said.append):
                pass

    assert said == [f"waiting for what last used {folder} to stop"]


async def test_in_a_terminal_the_console_opens_on_the_sample_and_gives_the_terminal_back(folder: Path) -> None:
    async with demo_in_terminal(folder) as (process, screen):
        await screen.shows("● live")
        await screen.shows("46 keys")
        screen.press("q")
        async with asyncio.timeout(WITHIN):
            assert await process.wait() == 0
        await screen.shows("the data is kept")
        assert screen.is_as_before()
