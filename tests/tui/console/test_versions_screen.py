"""Versions of a key, over a real hub: the list, diffs between any two, rollbacks, and what others do meanwhile."""

import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from setpoint_tui.console.screens.versions import VersionsScreen
from support.hubs import Hubs, RunningHub
from support.waiting import eventually
from support.wire import Wire
from tui.console.running import Running, connection_to, running_console, sample_keys

RETRIES = ("payments", "max_retries")
LIMITS = ("payments", "limits")


@pytest.fixture
async def wire(hub: RunningHub) -> AsyncGenerator[Wire]:
    """Sample keys; `payments/max_retries` was 3, 5, 8 in development."""
    async with hub.connect() as opened:
        await sample_keys(opened)
        for value, note in ((5, "more load"), (8, "even more")):
            await opened.set(value, env="development", note=note)
        yield opened


def versions(console: Running) -> VersionsScreen:
    screen = console.app.front
    assert isinstance(screen, VersionsScreen)
    return screen


async def opened(console: Running, key: tuple[str, str] = RETRIES, env: str = "development") -> VersionsScreen:
    """Open the versions of a key, and wait for them."""
    console.app.open_versions(env, key)
    await eventually(lambda: isinstance(console.app.front, VersionsScreen) and versions(console).story.is_known)
    await console.pilot.pause()
    return versions(console)


def order(console: Running) -> list[int]:
    return list(versions(console).table.order)


async def held(wire: Wire, key: tuple[str, str] = RETRIES, env: str = "development") -> Any:
    """Return the value that the hub holds, or None."""
    found = await wire.ask("key.get", namespace=key[0], key=key[1])
    return found["environments"].get(env, {}).get("value")


@pytest.mark.usefixtures("wire")
async def test_every_version_is_listed_newest_first_and_the_present_one_is_marked(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        assert order(console) == [3, 2, 1]
        text = await console.shows("◆")
        assert "5 → 8" in text
        assert re.search(r"◆ +r3 .*5 → 8", text)
        assert "even more" in text
        assert "before → r3" in text
        assert "admin" in text


@pytest.mark.usefixtures("wire")
async def test_a_marked_version_is_compared_with_the_one_under_the_cursor(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.press("G", "space", "g", "d")
        await console.shows("r1 → r3, marked")
        await console.shows("3 → 8")
        await console.press("d")
        await console.shows("now → r3")
        await console.shows("the same value")
        # A second mark takes the place of the first: two are compared, not three.
        await console.press("j", "space")
        assert versions(console).table.marked == {2}


async def test_a_json_value_is_compared_by_its_paths(hub: RunningHub, wire: Wire, tmp_path: Path) -> None:
    await wire.set({"rps": 80, "burst": [1, 2]}, "limits", env="development")
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console, LIMITS)
        await console.shows("rps  50 → 80")


async def test_a_rollback_shows_the_difference_against_now_and_makes_the_version_hold(
    hub: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.press("G", "r")
        text = await console.shows("roll payments/max_retries back to r1")
        assert "8 → 3" in text
        assert await held(wire) == 8
        await console.press("y")
        await eventually(lambda: order(console)[0] == 4)
        assert await held(wire) == 3
        await console.shows_match(r"◆ +r4 .*rollback")
        # The person was looking at r1 and still is.
        assert versions(console).table.cursor == 1


async def test_a_deleted_key_is_found_and_restored(hub: RunningHub, wire: Wire, tmp_path: Path) -> None:
    await wire.delete(env="development", note="not needed")
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.shows("8 → (none)")
        await console.press("j", "r")
        await console.shows("roll payments/max_retries back to r3")
        await console.press("y")
        await eventually(lambda: order(console)[0] == 5)
        assert await held(wire) == 8


async def test_what_cannot_be_rolled_back_to_says_why_and_writes_nothing(
    hub: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    await wire.delete(env="development")
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.press("r")
        await console.shows("r4 took the value away")
        await wire.set(8, env="development")
        await eventually(lambda: order(console)[0] == 5)
        await console.press("g", "r")
        await console.shows("that version is the one that holds now")
        assert await wire.revision("development") == 5


async def test_a_change_by_others_while_the_rollback_is_confirmed_is_not_overwritten(
    hub: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.press("G", "r")
        await console.shows("roll payments/max_retries back to r1")
        await wire.set(13, env="development")
        await console.shows("changed just now")
        await console.press("y")
        await console.shows("nothing was written: payments/max_retries changed in development")
        await console.shows("8 → 13")
        assert await held(wire) == 13
        await console.press("escape")
        assert isinstance(console.app.screen, VersionsScreen)


async def test_a_new_change_appears_on_top_and_leaves_the_cursor_alone(
    hub: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.press("j")
        assert versions(console).table.cursor == 2
        await wire.set(13, env="development", note="by others")
        await eventually(lambda: order(console) == [4, 3, 2, 1])
        assert versions(console).table.cursor == 2
        await console.shows("by others")


async def test_a_whole_change_set_is_rolled_back_with_all_its_keys(hub: RunningHub, wire: Wire, tmp_path: Path) -> None:
    both = [
        {"namespace": "payments", "key": "max_retries", "value": 9},
        {"namespace": "search", "key": "ratio", "value": 0.9},
    ]
    await wire.set_all(both, env="development", note="together")
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.press("R")
        text = await console.shows("roll back all of r4: 2 keys")
        assert "9 → 8" in text
        assert "0.9 → 0.5" in text
        # Several keys: the focus is on Cancel, and only the button itself writes.
        await console.press("tab", "enter")
        await eventually(lambda: order(console)[0] == 5)
        assert await held(wire) == 8
        assert await held(wire, ("search", "ratio")) == 0.5


async def test_a_change_set_that_was_built_upon_is_not_rolled_back_and_says_by_what(
    hub: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.press("G", "R")
        text = await console.shows("nothing was rolled back: 1 key has changed since")
        assert "payments/max_retries" in text
        assert "3 → 8" in text
        assert await wire.revision("development") == 3


async def test_enter_shows_the_whole_value_and_the_change_set(hub: RunningHub, wire: Wire, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console, LIMITS)
        await console.press("enter")
        text = await console.shows("── 5 keys ──")
        assert '"rps": 50' in text
        assert "the first values" in text
        found = await wire.ask("change_set.get", env="development", revision=1)
        assert found["hash"] in text
        await console.press("escape")
        assert isinstance(console.app.screen, VersionsScreen)


async def test_older_changes_are_fetched_when_the_end_is_near(hub: RunningHub, wire: Wire, tmp_path: Path) -> None:
    for value in range(120):
        await wire.set(value, env="development")
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        assert len(order(console)) == 100
        await console.press("G")
        await eventually(lambda: order(console) == list(range(123, 0, -1)))
        assert versions(console).table.cursor == 24


async def test_the_next_environment_shows_the_same_key_there(hub: RunningHub, wire: Wire, tmp_path: Path) -> None:
    await wire.set(21, env="staging")
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.press("right_square_bracket")
        await eventually(lambda: versions(console).story.env == "staging" and order(console) == [1])
        await console.shows("(none) → 21")
        await console.press("right_square_bracket")
        await console.shows("never set in production")


@pytest.mark.usefixtures("wire")
async def test_a_number_goes_to_the_screen_below_and_escape_goes_back(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await console.press("1")
        assert console.app.front is not None
        assert console.app.front.NAME == "keys"
        await opened(console)
        await console.press("escape")
        assert console.app.front.NAME == "keys"


@pytest.mark.usefixtures("wire")
async def test_without_a_connection_the_versions_stay_and_nothing_is_written(
    hubs: Hubs, hub: RunningHub, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console)
        await hubs.stop()
        await console.shows("✗ offline")
        assert order(console) == [3, 2, 1]
        assert "5 → 8" in console.text
        await console.press("R")
        await console.shows("no connection to the hub")


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
@pytest.mark.usefixtures("wire")
async def test_every_size_shows_the_versions(hub: RunningHub, tmp_path: Path, size: tuple[int, int]) -> None:
    async with running_console(connection_to(hub), tmp_path, size=size) as console:
        await opened(console)
        text = await console.shows("5 → 8")
        assert "payments/max_retries" in text
        assert "development" in text
        await console.press("plus")
        await console.shows("before → r3")


async def test_hostile_values_notes_and_names_are_harmless(hub: RunningHub, wire: Wire, tmp_path: Path) -> None:
    hostile = "[/] [@click=app.bell]x[/] \x1b]52;c;aGk=\x07 \u202e"
    await wire.set(hostile, "retry.backoff", env="development", note=hostile[:20])
    async with running_console(connection_to(hub), tmp_path) as console:
        await opened(console, ("payments", "retry.backoff"))
        await console.shows("[@click=app.bell]x[/]")
        assert "\x1b" not in console.text
        await console.press("enter")
        await console.shows("── change set ──")
        assert "\x1b" not in console.text
