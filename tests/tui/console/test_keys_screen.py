"""The screen of keys, over a real hub: browsing, filtering, sorting, live changes, what is kept."""

import re
from pathlib import Path

import pytest

from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.console.screens.keys import KeysScreen
from support.hubs import RunningHub
from support.waiting import eventually
from tui.console.running import Running, connection_to, running_console, sample_keys
from tui.console.steps import closed, opened, select


def keys_screen(console: Running) -> KeysScreen:
    screen = console.app.front
    assert isinstance(screen, KeysScreen)
    return screen


def cursor(console: Running) -> tuple[str, str] | None:
    return keys_screen(console).table.cursor


def listed(console: Running) -> list[str]:
    return ["/".join(key) for key in keys_screen(console).table.order]


async def test_keys_values_and_the_detail_are_shown(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("payments/retry.backoff")
        await console.press("j", "j")
        await console.shows("linear")
        await console.shows_match(r"\(none\)→3  \d+s  the first")
        await console.shows("team-payments")


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_every_size_shows_the_keys_and_the_environment(
    hub: RunningHub, tmp_path: Path, size: tuple[int, int]
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path, size=size) as console:
        await sample_keys(wire)
        text = await console.shows("max_retries")
        assert "development" in text
        assert "● live" in text
        assert "Help" in text
        assert "Quit" in text


async def test_a_terminal_that_is_too_small_says_what_it_needs_and_stays_connected(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path, size=(120, 36)) as console:
        await console.pilot.resize_terminal(50, 12)
        await console.shows("60 x 16")
        assert console.app.bridge.model.is_live
        await console.pilot.resize_terminal(120, 36)
        await console.shows("Scopes")


async def test_a_change_by_others_appears_and_neither_moves_the_cursor_nor_the_filter(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("max_retries")
        await console.press("slash", "r", "e", "t", "r", "y", "enter", "j")
        assert cursor(console) == ("payments", "retry.backoff")

        await wire.create_key("retry.first", "int")
        await wire.set(7, "retry.first", env="development")
        await wire.set(9, env="development")

        await console.shows("retry.first")
        await eventually(lambda: console.app.bridge.model.revision("development") == 3)
        assert cursor(console) == ("payments", "retry.backoff")
        assert listed(console) == ["payments/retry.backoff", "payments/retry.first"]
        await console.shows("admin changed payments/max_retries 3 → 9 in development (r3)")


async def test_sorting_by_age_moves_rows_and_leaves_the_key_selected(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("max_retries")
        await console.press("j")
        selected = cursor(console)
        await console.press("s", "s", "s", "s")
        await console.shows("sort age ↓")
        await wire.set(0.75, "ratio", namespace="search", env="development")
        await eventually(lambda: listed(console)[0] == "search/ratio")
        assert cursor(console) == selected
        assert console.app.bridge.model.selection.key == selected


async def test_a_frozen_order_holds_while_values_move(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("max_retries")
        await console.press("s", "s", "s", "s", "f")
        before = listed(console)
        await wire.set(0.75, "ratio", namespace="search", env="development")
        await console.shows("0.75")
        assert listed(console) == before
        await console.press("f")
        await eventually(lambda: listed(console)[0] == "search/ratio")


async def test_a_deleted_key_is_found_among_those_without_a_value(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("max_retries")
        await wire.delete(env="development")
        await console.shows("(none)")
        await console.press("X")
        await console.shows("without a value here")
        assert listed(console) == ["payments/max_retries"]


async def test_a_filter_that_cannot_be_read_says_what_to_write_and_keeps_the_list(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.shows("max_retries")
        await console.press("slash", *"type:numbr")
        await console.shows("there is no such type")
        await console.press("escape")
        await eventually(lambda: len(listed(console)) == 5)


async def test_nothing_that_matches_says_so_and_how_to_get_back(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await console.press("slash", *"nosuch", "enter")
        await console.shows("nothing matches nosuch · esc clears")


async def test_an_installation_without_keys_says_how_to_make_one(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await console.shows("no keys yet · n makes the first")


async def test_the_next_environment_keeps_the_namespace_of_nobody_and_loads_its_values(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire, "staging")
        await console.shows("(none)")
        await console.press("right_square_bracket")
        await console.shows("linear")
        assert console.app.bridge.model.selection.env == "staging"


async def test_a_protected_environment_is_told_by_pattern_and_words(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await console.press("left_square_bracket")
        await console.shows("▓▓ production ▓▓ protected · 1 approval")


async def test_a_scope_is_chosen_by_typing_a_part_of_it(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path, size=(80, 24)) as console:
        await sample_keys(wire)
        await console.shows("max_retries")
        await console.press("o", *"dev sea", "enter")
        await eventually(lambda: listed(console) == ["search/ratio"])
        assert console.app.bridge.model.selection.namespace == "search"


async def test_what_was_open_is_open_again(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire, "staging")
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.press("right_square_bracket")
            await console.shows("linear")
            await console.press("s", "slash", *"retr", "enter", "j", "q")
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.shows("linear")
            assert console.app.bridge.model.selection.env == "staging"
            await eventually(lambda: listed(console) == ["payments/max_retries", "payments/retry.backoff"])
            assert cursor(console) == ("payments", "retry.backoff")
            assert keys_screen(console).listed.sort == "type"


async def test_help_names_every_key_and_why_one_is_off(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await console.press("question_mark")
        text = await console.shows("words AND; re: type:")
        assert "Filter" in text
        await console.press("escape")
        await console.shows("Scopes")


async def test_the_palette_runs_an_action_by_its_name(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await console.press("colon", *"freeze")
        await console.shows("hold the order")
        await console.press("enter")
        await console.shows("order frozen")


async def test_a_key_can_be_given_to_another_action_by_its_id(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(
        connection_to(hub), tmp_path, settings={"keys": {"freeze": "ctrl+f", "nosuch": "x"}}
    ) as console:
        await console.press("f")
        assert not keys_screen(console).listed.frozen
        await console.press("ctrl+f")
        assert keys_screen(console).listed.frozen
        await console.press("N")
        await console.shows("there is no action 'nosuch'")


async def test_hostile_names_and_values_are_shown_and_do_nothing(hub: RunningHub, tmp_path: Path) -> None:
    hostile = "[/] [@click=app.quit]x[/] \x1b]52;c;aGk=\x07 \u202e\x9b31m"
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await wire.ask("key.create", namespace="odd", key="text", type="string", description=hostile, owner="[b]")
        await wire.set(hostile, "text", namespace="odd", env="development", note=hostile)
        await console.press("j")
        text = await console.shows("[@click=app.quit]x[/]")
        await console.shows("── last changes")
        text = console.text
        assert "\x1b" not in text
        assert "\x9b" not in text
        assert "\u202e" not in text
        assert console.app.is_running


async def test_the_tree_counts_the_values_of_an_environment_that_was_not_opened(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire:
        await sample_keys(wire)
        for key, value in (("max_retries", 3), ("enabled", True), ("retry.backoff", "linear")):
            await wire.set(value, key, env="staging")
        async with running_console(connection_to(hub), tmp_path) as console:
            await console.shows_match(r"staging +3 ")
            await wire.set(9, env="staging")
            await console.shows("max_retries 3 → 9 in staging")
            assert re.search(r"staging +3 ", console.text)


async def test_why_a_key_is_refused_is_read_also_while_a_write_is_spreading(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await console.press("x")
        await opened(console, ConfirmDialog)
        await console.press("tab", "enter")
        await closed(console)
        await console.shows("no live instance watches it")
        await console.press("K")
        await console.shows("Keep: no change of this key waits for confirmation")
