"""The activity's screen: live, backwards to the beginning, filtered, and what can be done from it."""

from pathlib import Path
from typing import Any

import pytest

from setpoint.errors import RequestFailed
from setpoint_tui.console.screens.activity import ActivityScreen
from setpoint_tui.console.screens.versions import VersionsScreen
from setpoint_tui.model.activity_log import Gap
from support.hubs import RunningHub
from support.waiting import eventually
from tui.console.running import Running, connection_to, running_console, sample_keys
from tui.small_hub import small_hub


def activity(console: Running) -> ActivityScreen:
    screen = console.app.front
    assert isinstance(screen, ActivityScreen)
    return screen


def rows(console: Running) -> list[Any]:
    return list(activity(console).table.order)


async def test_what_happened_before_and_what_happens_now_in_every_environment(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        await wire.set(5, env="development", note="too many retries")
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.press("5")
            text = await console.shows("payments/max_retries 3 → 5")
            assert "too many retries" in text
            await console.shows("+4 more")
            await wire.set(7, env="production", note="as agreed", break_glass=True)
            await console.shows("payments/max_retries (none) → 7")
            assert rows(console) == [("production", 1), ("development", 2), ("development", 1)]


async def test_the_cursor_follows_on_top_and_stays_anywhere_else(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await wire.create_key()
        await wire.set(1)
        await console.press("5")
        await eventually(lambda: activity(console).table.cursor == ("staging", 1))
        await wire.set(2)
        await eventually(lambda: activity(console).table.cursor == ("staging", 2))
        await console.press("j")
        await wire.set(3)
        await eventually(lambda: len(rows(console)) == 3)
        assert activity(console).table.cursor == ("staging", 1)


async def test_older_change_sets_come_when_the_end_is_reached_back_to_the_first(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire:
        await wire.create_key()
        for value in range(120):
            await wire.set(value)
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.press("5")
            await eventually(lambda: len(rows(console)) == 51)
            assert rows(console)[-1] == Gap("staging", 1, 70)
            await console.shows("50 of 50 change sets loaded")
            await console.press("G")
            await eventually(lambda: len(rows(console)) == 101)
            assert activity(console).table.cursor == ("staging", 71)
            await console.press("G")
            await eventually(lambda: len(rows(console)) == 120)
            assert rows(console)[-1] == ("staging", 1)


async def test_filters_by_words_person_environment_time_and_mine(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        await wire.set(4, note="for the campaign")
        await wire.ask("rollback", env="development", change_set=1, note="")
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.press("5")
            await eventually(lambda: len(rows(console)) == 3)
            for text, expected in [
                ("env:staging", [("staging", 1)]),
                ("how:rollback", [("development", 2)]),
                ("campaign", [("staging", 1)]),
                ("!campaign since:1h", [("development", 2), ("development", 1)]),
                ("who:nobody", []),
                ("ns:search rev:1", [("development", 1)]),
            ]:
                await console.press("slash")
                await console.type(text)
                await console.press("enter")
                assert rows(console) == expected, text
                await console.press("escape")
            await console.press("m")
            assert len(rows(console)) == 3
            await console.press("t")
            await console.shows("activity of development")
            assert rows(console) == [("development", 2), ("development", 1)]
            await console.press("right_square_bracket")
            await eventually(lambda: rows(console) == [("staging", 1)])
            await console.press("escape", "slash")
            await console.type("when:now")
            await console.shows("there is no filter when:")


async def test_enter_goes_to_the_versions_of_the_key_or_asks_which_of_several(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        await wire.set(5, env="development")
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.press("5")
            await eventually(lambda: len(rows(console)) == 2)
            await console.press("g", "enter")
            await eventually(lambda: isinstance(console.app.front, VersionsScreen))
            await console.press("escape")
            await eventually(lambda: isinstance(console.app.front, ActivityScreen))
            await console.press("j", "enter")
            await console.shows("r1 changed 5 keys: versions of")
            await console.type("ratio")
            await console.press("enter")
            await eventually(lambda: isinstance(console.app.front, VersionsScreen))
            await console.shows("ratio")


async def test_a_change_set_is_taken_back_after_it_was_shown_against_now(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        await wire.set(5, env="development")
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.press("5")
            await eventually(lambda: len(rows(console)) == 2)
            await console.press("g", "r")
            await console.shows("roll back all of r2: 1 key")
            await console.press("y")
            await console.shows("payments/max_retries 5 → 3")
            found = await wire.ask("snapshot", env="development", namespaces=["payments"])
            assert found["namespaces"]["payments"]["max_retries"]["value"] == 3


async def test_what_changed_since_is_shown_instead_of_taking_a_change_set_back(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        await wire.set(5, env="development")
        await wire.set(6, env="development")
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.press("5")
            await eventually(lambda: len(rows(console)) == 3)
            await console.press("g", "j", "r")
            await console.shows("nothing was rolled back: 1 key has changed since")
            assert await wire.revision("development") == 3


async def test_what_could_not_be_fetched_is_a_row_that_says_so_and_enter_tries_again(tmp_path: Path) -> None:
    async with small_hub() as hub:
        for value in range(5):
            hub.commit("max_retries", value)
        right = hub.hub.answers["change_set.get"]

        def refuse(params: dict[str, Any]) -> Any:
            if params["revision"] in (3, 4):
                raise RequestFailed("this part of the log is being moved", kind="unavailable")
            return right(params)

        hub.hub.answers["change_set.get"] = refuse
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.press("5")
            await console.shows("r3-r4 refused: this part")
            assert rows(console)[2] == Gap("staging", 3, 4, "this part of the log is being moved")
            hub.hub.answers["change_set.get"] = right
            await console.press("g", "j", "j", "enter")
            await eventually(lambda: rows(console) == [("staging", number) for number in (6, 5, 4, 3, 2, 1)])


async def test_offline_the_log_stays_and_r_tries_the_hub_again(tmp_path: Path) -> None:
    async with small_hub() as hub, running_console(hub.hub.connection, tmp_path) as console:
        await console.press("5")
        await console.shows("payments/max_retries")
        right = hub.hub.answers["activity.watch"]

        def hang(_: dict[str, Any]) -> Any:
            raise RequestFailed("later", kind="unavailable")

        hub.hub.answers["activity.watch"] = hang
        await hub.hub.hang_up()
        await console.shows("offline")
        assert "payments/max_retries" in console.text
        hub.hub.answers["activity.watch"] = right
        await console.press("r")
        await console.is_live()
        await hub.tell("max_retries", 9)
        await console.shows("→ 9")


async def test_nothing_yet_says_what_to_do(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await console.press("5")
        await console.shows("nothing was ever changed")
        await console.press("m")
        await console.shows("nothing matches")
        assert activity(console).why_off("open_change") == "no change set is under the cursor"
        await console.press("enter", "r", "y")
        assert console.app.is_running


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_every_size_shows_who_did_what_where(hub: RunningHub, tmp_path: Path, size: tuple[int, int]) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        await wire.set(5, env="development")
        async with running_console(connection_to(hub), tmp_path, size=size) as console:
            await console.press("5")
            text = await console.shows("payments/max_retries")
            assert "admin" in text
            assert "development" in text
            await console.press("plus")
            await console.shows("r2 in full")
            await console.shows("3 → 5")
            await console.press("escape")
            await eventually(lambda: activity(console).table.has_focus)


async def test_hostile_texts_are_shown_and_not_acted_upon(tmp_path: Path) -> None:
    bad = "\x1b]52;c;AAAA\x07[/][@click=app.bell]x"
    async with small_hub() as hub:
        hub.logs["staging"][0] |= {"note": bad, "how": bad, "by": {"id": 1, "name": bad}}
        hub.logs["staging"][0]["changes"][0] |= {"type": "string", "new": bad}
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.press("5")
            text = await console.shows("[@click")
            assert "\x1b]" not in text
            await console.press("m")
            await console.shows("1 of 1")


async def test_the_filters_are_kept_for_the_next_console(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.press("5", "m", "slash")
            await console.type("ratio")
            await console.press("enter")
            console.app.bridge.keep()
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.shows("/ ratio · only mine")
            await eventually(lambda: rows(console) == [("development", 1)])


NEEDS = "reading the log takes the role editor there, and this token has the role reader: ask for another token"


def forbidden(_: dict[str, Any]) -> Any:
    raise RequestFailed(NEEDS, kind="forbidden", data={"needs": {"role": "editor"}})


async def test_what_is_forbidden_is_a_row_that_says_which_role_it_takes_and_the_rest_is_there(tmp_path: Path) -> None:
    async with small_hub() as hub:
        for value in range(3):
            hub.commit("max_retries", value)
        right = hub.hub.answers["change_set.get"]
        hub.commit("max_retries", 7, env="development")

        hub.hub.answers["change_set.get"] = lambda asked: (forbidden if asked["env"] == "staging" else right)(asked)
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.press("5")
            await console.shows("payments/max_retries (none) → 7")
            await console.shows("r1-r4 refused: reading the log takes the role editor")
            gap = next(row for row in rows(console) if isinstance(row, Gap))
            assert gap == Gap("staging", 1, 4, NEEDS)
            asked = hub.hub.times_asked("change_set.get")
            # What was refused is not asked for by looking at it; the pane says all of it, and what writes is off.
            await console.press("g")
            assert activity(console).table.cursor == gap
            await console.shows("this token has the role reader")
            for action in ("rollback_set", "open_change", "copy_id"):
                assert activity(console).why_off(action) is not None
            assert hub.hub.times_asked("change_set.get") == asked
            hub.hub.answers["change_set.get"] = right
            await console.press("enter")
            await eventually(lambda: not [row for row in rows(console) if isinstance(row, Gap)])


async def test_a_hub_that_forbids_to_follow_the_log_says_on_the_screen_which_role_it_takes(tmp_path: Path) -> None:
    async with small_hub() as hub:
        hub.hub.answers["activity.watch"] = forbidden
        async with running_console(hub.hub.connection, tmp_path, live=False) as console:
            await console.press("5")
            await console.shows("✗ refused")
            text = await console.shows(
                "not loaded, the hub does not take this token: reading the log takes the role editor"
            )
            assert "✗ the hub does not take this token" in text
            assert console.app.screen is activity(console)
