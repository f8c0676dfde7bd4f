"""The person's own editor, in a real terminal: what it leaves, how it fails, and the console that goes on meanwhile."""

import asyncio
import os
import signal
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path

from setpoint_tui.console.lending import editor_command
from support.waiting import eventually
from tui.console.scripted import change_set, small_hub
from tui.console.terminal import Terminal, console_in_terminal
from tui.scripted_hub import TOKEN, ScriptedHub

STARTED, GO = "started", "go"


def editor(folder: Path, body: str) -> str:
    """Return an editor that says that it has started, waits to be told to go on, and then runs `body` on file $1."""
    script = folder / "editor.sh"
    script.write_text(
        "#!/bin/sh\n"
        f'ls -ld "$(dirname "$1")" "$1" > {folder}/modes; echo "$1" > {folder}/path; echo $$ > {folder}/{STARTED}\n'
        f"while [ ! -e {folder}/{GO} ]; do sleep 0.05; done\n{body}\n"
    )
    script.chmod(stat.S_IRWXU)
    return str(script)


@asynccontextmanager
async def editing(hub: ScriptedHub, folder: Path, body: str) -> AsyncGenerator[Terminal]:
    """A console whose key is open in an editor."""
    url = hub.connection.address.url
    async with console_in_terminal(url, TOKEN, folder, EDITOR=editor(folder, body)) as terminal:
        await terminal.shows("max_retries")
        await terminal.shows("● live")
        terminal.send("E")
        await eventually((folder / STARTED).exists)
        yield terminal


def let_go(folder: Path, terminal: Terminal) -> None:
    terminal.forget()
    (folder / GO).touch()


def sets(hub: ScriptedHub) -> list[object]:
    return [params["changes"][0]["value"] for method, params in hub.asked if method == "set"]


async def test_what_the_editor_leaves_is_shown_and_written_on_top_of_what_was_seen(tmp_path: Path) -> None:
    async with small_hub(set=lambda _: change_set(2, 7)) as hub:
        async with editing(hub, tmp_path, 'echo 7 > "$1"') as terminal:
            modes = (tmp_path / "modes").read_text()
            assert "drwx------" in modes
            assert "-rw-------" in modes
            let_go(tmp_path, terminal)
            await terminal.shows("3 → 7")
            assert sets(hub) == []
            terminal.send("y")
            await eventually(lambda: sets(hub) == [7])
        assert not Path((tmp_path / "path").read_text().strip()).parent.exists()


async def test_while_the_editor_runs_the_hub_is_followed_and_a_change_there_is_a_conflict(tmp_path: Path) -> None:
    async with small_hub() as hub, editing(hub, tmp_path, 'echo 7 > "$1"') as terminal:
        asked = hub.times_asked("hub.status")
        await hub.notify("activity", change_set(2, 9))
        await eventually(lambda: hub.times_asked("hub.status") >= asked + 2, within=20)
        let_go(tmp_path, terminal)
        await terminal.shows("alice changed it")
        assert sets(hub) == []


async def test_an_editor_that_fails_is_told_and_what_it_had_saved_is_kept(tmp_path: Path) -> None:
    async with small_hub() as hub, editing(hub, tmp_path, 'echo 8 > "$1"; exit 1') as terminal:
        let_go(tmp_path, terminal)
        await terminal.shows("ended with exit code 1")
        await terminal.shows("now 3")
        terminal.send("\x1b")
        await terminal.shows("draft of payments/max_retries kept")
        assert sets(hub) == []


async def test_a_broken_value_is_told_and_its_text_kept(tmp_path: Path) -> None:
    async with small_hub() as hub, editing(hub, tmp_path, 'echo "7 or 8" > "$1"') as terminal:
        let_go(tmp_path, terminal)
        await terminal.shows("'7 or 8' is not of type int")
        terminal.send("\x13")
        terminal.send("\x1b")
        await terminal.shows("draft of payments/max_retries kept")
        assert sets(hub) == []


async def test_an_editor_that_is_killed_is_told(tmp_path: Path) -> None:
    async with small_hub() as hub, editing(hub, tmp_path, "true") as terminal:
        terminal.forget()
        os.kill(int((tmp_path / STARTED).read_text()), signal.SIGKILL)
        await terminal.shows("ended by signal 9")
        assert sets(hub) == []


async def test_nothing_changed_in_the_editor_changes_nothing(tmp_path: Path) -> None:
    async with small_hub() as hub, editing(hub, tmp_path, "true") as terminal:
        let_go(tmp_path, terminal)
        await terminal.shows("was not changed")
        assert sets(hub) == []


async def test_ctrl_c_in_the_editor_ends_the_editor_alone(tmp_path: Path) -> None:
    async with small_hub() as hub, editing(hub, tmp_path, "true") as terminal:
        terminal.forget()
        terminal.send("\x03")
        await terminal.shows("ended by signal 2")
        assert terminal.process.returncode is None
        terminal.send("q")
        assert await asyncio.wait_for(terminal.process.wait(), 20) == 0


async def test_an_editor_that_is_not_there_is_told(tmp_path: Path) -> None:
    async with small_hub() as hub:
        url = hub.connection.address.url
        async with console_in_terminal(url, TOKEN, tmp_path, VISUAL="no-such-editor --wait") as terminal:
            await terminal.shows("● live")
            terminal.send("E")
            await terminal.shows("no-such-editor could not be run")


async def test_a_draft_outlives_kill_9(tmp_path: Path) -> None:
    async with small_hub() as hub:
        url = hub.connection.address.url
        async with console_in_terminal(url, TOKEN, tmp_path) as terminal:
            await terminal.shows("● live")
            terminal.send("e")
            await terminal.shows("not changed")
            terminal.send("\x1b[A\x1b[A")
            await eventually(lambda: any('"5"' in file.read_text() for file in tmp_path.rglob("*.json")), within=20)
            terminal.kill()
            await terminal.process.wait()
        async with console_in_terminal(url, TOKEN, tmp_path) as terminal:
            await terminal.shows("1 draft of before: D opens them")
            terminal.send("D")
            await terminal.shows("payments/max_retries")
            terminal.send("\r")
            await terminal.shows("✓ valid")


def test_the_editor_is_visual_then_editor_with_its_words() -> None:
    assert editor_command({"VISUAL": "code --wait", "EDITOR": "vi"}) == ["code", "--wait"]
    assert editor_command({"VISUAL": " ", "EDITOR": "'my editor' -n"}) == ["my editor", "-n"]
