"""Compare and promote, over a real hub: what differs, what is marked, what is promoted and what is left out."""

from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from setpoint_tui.console.screens.compare import CompareScreen
from setpoint_tui.console.screens.versions import VersionsScreen
from support.hubs import Hubs, RunningHub
from support.waiting import eventually
from support.wire import Wire
from tui.console.running import Running, connection_to, running_console, sample_keys

RETRIES = ("payments", "max_retries")
BACKOFF = ("payments", "retry.backoff")
LIMITS = ("payments", "limits")
RATIO = ("search", "ratio")


@pytest.fixture
async def wire(hub: RunningHub) -> AsyncGenerator[Wire]:
    """Values in development; in staging one is older, one newer, one the same, and one is there alone."""
    async with hub.connect() as opened:
        await sample_keys(opened, "staging")
        await opened.ask("key.create", namespace="search", key="only", type="int")
        values = [("max_retries", 5), ("limits", {"rps": 80, "burst": [1, 2]}), ("enabled", True)]
        changes = [{"namespace": "payments", "key": key, "value": value} for key, value in values]
        await opened.set_all(changes, env="development", note="tuned")
        await opened.set({"rps": 60, "burst": [1, 2]}, "limits", env="staging", note="by hand")
        yield opened


def compare(console: Running) -> CompareScreen:
    screen = console.app.front
    assert isinstance(screen, CompareScreen)
    return screen


def rows(console: Running) -> list[str]:
    return ["/".join(key) for key in compare(console).table.order]


async def compared(console: Running) -> CompareScreen:
    """Open the screen, and wait for the comparison."""
    await console.press("4")
    await eventually(lambda: compare(console).comparing.found is not None)
    await console.pilot.pause()
    return compare(console)


async def go_to(console: Running, key: tuple[str, str]) -> None:
    assert compare(console).table.move_cursor_to(key)
    await console.pilot.pause()


async def held(wire: Wire, key: tuple[str, str], env: str = "staging") -> Any:
    """Return the value that the hub holds, or None."""
    found = await wire.ask("key.get", namespace=key[0], key=key[1])
    return found["environments"].get(env, {}).get("value")


@pytest.mark.usefixtures("wire")
async def test_only_what_differs_is_listed_with_the_effect_of_promoting_it(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await compared(console)
        assert rows(console) == ["payments/limits", "payments/max_retries", "payments/retry.backoff", "search/ratio"]
        text = await console.shows("overwrites newer")
        assert "4 differ, 1 same" in text
        assert "changes" in text
        assert "deletes" in text
        assert "rps  60 → 80" in text
        assert "by hand" in text


async def test_the_row_under_the_cursor_is_promoted_after_the_difference_was_shown(
    hub: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await compared(console)
        await go_to(console, RETRIES)
        await console.press("p")
        text = await console.shows("promote 1 key from development to staging")
        assert "3 → 5" in text
        assert "based on development r1 and staging r2" in text
        assert await held(wire, RETRIES) == 3
        await console.press("y")
        await eventually(lambda: "payments/max_retries" not in rows(console))
        assert await held(wire, RETRIES) == 5
        assert await held(wire, LIMITS) == {"rps": 60, "burst": [1, 2]}
        done = await wire.ask("change_set.get", env="staging", revision=3)
        assert done["how"] == "promotion from development r1"


async def test_all_promotable_rows_go_as_one_change_set_and_the_rest_is_named(
    hub: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        screen = await compared(console)
        await console.press("a")
        assert screen.comparing.marked == {RETRIES, LIMITS}
        await console.shows("2 marked")
        await console.press("p")
        text = await console.shows("promote 2 keys from development to staging")
        assert "2 rows in the target only, and not marked: payments/retry.backoff, search/ratio" in text
        assert "! newer in staging: payments/limits" in text
        await console.press("tab", "enter")
        await eventually(lambda: rows(console) == ["payments/retry.backoff", "search/ratio"])
        assert await wire.revision("staging") == 3
        assert screen.comparing.marked == frozenset()


async def test_a_deletion_is_promoted_only_when_it_is_marked(hub: RunningHub, wire: Wire, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await compared(console)
        await go_to(console, RATIO)
        await console.press("p")
        await console.shows("mark it with space to have it deleted there")
        assert await wire.revision("staging") == 2
        await console.press("space", "p")
        await console.shows("promote 1 key from development to staging")
        await console.press("tab", "enter")
        await eventually(lambda: "search/ratio" not in rows(console))
        assert await held(wire, RATIO) is None


async def test_changes_by_others_are_shown_and_move_neither_cursor_nor_marks(
    hub: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        screen = await compared(console)
        await go_to(console, RETRIES)
        await console.press("space")
        await wire.set(False, "enabled", env="staging")
        await eventually(lambda: "payments/enabled" in rows(console))
        assert screen.table.cursor == RETRIES
        assert screen.comparing.marked == {RETRIES}


async def test_a_marked_row_whose_values_change_loses_its_mark_and_says_so(
    hub: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        screen = await compared(console)
        await go_to(console, RETRIES)
        await console.press("space")
        await wire.set(7, env="development")
        await eventually(lambda: screen.comparing.marked == frozenset())
        await console.shows("changed since marked")
        await console.shows("look again, then mark it again")
        await console.press("space")
        assert screen.comparing.marked == {RETRIES}
        assert screen.comparing.changed == set()


@pytest.mark.parametrize("env", ["development", "staging"])
async def test_a_change_on_either_side_while_it_is_confirmed_is_never_promoted_over(
    hub: RunningHub, wire: Wire, tmp_path: Path, env: str
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await compared(console)
        await go_to(console, RETRIES)
        await console.press("p")
        await console.shows("promote 1 key from development to staging")
        await wire.set(13, env=env)
        before = await wire.revision("staging")
        await console.press("y")
        await console.shows("nothing was written: changed since development r1 and staging r2")
        await console.shows("5 → 13" if env == "development" else "3 → 13")
        assert await wire.revision("staging") == before


@pytest.mark.usefixtures("wire")
async def test_the_sides_turn_round_and_the_pairs_follow_the_order_of_promotion(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        screen = await compared(console)
        assert screen.comparing.pair == ("development", "staging")
        await console.press("w")
        assert screen.comparing.pair == ("staging", "development")
        await console.shows("adds")
        await console.press("w", "right_square_bracket")
        await eventually(lambda: screen.comparing.found is not None)
        assert screen.comparing.pair == ("staging", "production")
        # The environment in the bar is one of the two.
        assert console.app.bridge.model.selection.env in ("staging", "production")
        await console.press("t")
        console.app.screen.query_one(Input).value = "prod dev"
        await console.pilot.pause()
        await console.press("down", "enter")
        await eventually(lambda: screen.comparing.pair == ("production", "development"))


@pytest.mark.usefixtures("wire")
async def test_from_the_last_environment_it_compares_with_the_one_before(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        console.app.bridge.go_to("production")
        screen = await compared(console)
        assert screen.comparing.pair == ("staging", "production")


@pytest.mark.usefixtures("wire")
async def test_a_namespace_and_a_filter_narrow_the_rows(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        console.app.bridge.go_to("development", "payments")
        screen = await compared(console)
        assert rows(console) == ["payments/limits", "payments/max_retries", "payments/retry.backoff"]
        await console.press("a", "slash")
        await console.type("retr !backoff")
        await eventually(lambda: rows(console) == ["payments/max_retries"])
        await console.shows("1 of them hidden")
        await console.press("enter", "escape")
        assert len(rows(console)) == 3
        assert screen.comparing.marked == {RETRIES, LIMITS}
        await console.press("slash")
        await console.type("re:(")
        await console.shows("re:")
        assert screen.is_current


@pytest.mark.usefixtures("wire")
async def test_the_versions_of_a_row_are_those_of_the_target(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await compared(console)
        await go_to(console, LIMITS)
        await console.press("v")
        await eventually(lambda: isinstance(console.app.front, VersionsScreen))
        await console.shows("by hand")
        await console.press("escape")
        assert compare(console).comparing.pair == ("development", "staging")


async def test_equal_environments_say_so(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await compared(console)
        await console.shows("staging has all that development has")


@pytest.mark.usefixtures("wire")
async def test_without_a_connection_the_rows_stay_and_nothing_is_promoted(
    hubs: Hubs, hub: RunningHub, tmp_path: Path
) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await compared(console)
        await hubs.stop()
        await console.shows("✗ offline")
        assert len(rows(console)) == 4
        await console.press("p")
        await console.shows("Promote: there is no connection to the hub")


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
@pytest.mark.usefixtures("wire")
async def test_every_size_shows_what_differs(hub: RunningHub, tmp_path: Path, size: tuple[int, int]) -> None:
    async with running_console(connection_to(hub), tmp_path, size=size) as console:
        await compared(console)
        text = await console.shows("overwrites newer")
        assert "development" in text
        assert "payments/lim" in text
        await console.press("enter")
        await console.shows("rps  60 → 80")
        await console.press("escape")
        await console.shows("payments/max_")


@pytest.mark.usefixtures("wire")
async def test_the_pair_and_the_filter_are_there_again_next_time(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await compared(console)
        await console.press("w", "slash")
        await console.type("limits")
        await console.press("enter", "q")
    async with running_console(connection_to(hub), tmp_path) as console:
        await eventually(lambda: isinstance(console.app.front, CompareScreen) and rows(console) == ["payments/limits"])
        assert compare(console).comparing.pair == ("staging", "development")


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_many_rows_leave_room_for_what_a_protected_environment_asks(
    hub: RunningHub, wire: Wire, tmp_path: Path, size: tuple[int, int]
) -> None:
    names = [f"number.{number}" for number in range(40)]
    for name in names:
        await wire.create_key(name)
    changes = [{"namespace": "payments", "key": name, "value": 1} for name in names]
    await wire.set_all(changes, env="staging")
    await wire.ask("environment.protect", env="production", protected=True, required_approvals=0)
    async with running_console(connection_to(hub), tmp_path, size=size) as console:
        console.app.bridge.go_to("staging")
        await compared(console)
        await console.press("a", "p")
        await console.shows("45 keys")
        await console.shows("type production")
        await console.shows("Send for review")
        await console.press("f2")
        await console.shows("payments/enabled")
        await console.press(*"because")
        await console.press("enter")
        await console.type("production")
        await console.press("enter", "enter")
        sent = await eventually(lambda: reviews(wire))
        assert [(one["env"], one["key_count"], one["reason"]) for one in sent] == [("production", 45, "because")]
        assert await wire.revision("production") == 0


async def reviews(wire: Wire) -> Any:
    return (await wire.ask("review.list"))["reviews"]
