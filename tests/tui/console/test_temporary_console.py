"""Changes that take themselves back: asked for in the editor, counted down, and kept by a key."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from textual.widgets import Input

from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.console.dialogs.edit import EditDialog
from setpoint_tui.console.widgets.expiring import expiring_line
from setpoint_tui.model.temporary import Due, Temporary
from setpoint_tui.protected_answers import TemporaryChange
from support.hubs import RunningHub
from support.tokens import give_token
from support.waiting import eventually
from support.wire import Wire
from tui.console.running import connection_to, running_console, sample_keys
from tui.console.steps import ENV, armed, closed, keys_table, opened, said, select

PRODUCTION = "production"
RETRIES = ("payments", "max_retries")


def temporary(revision: int, kind: str, seconds: float) -> TemporaryChange:
    about = {"env": ENV, "revision": revision, "kind": kind, "due_in_seconds": seconds, "at": datetime.now(UTC)}
    key = {"namespace": RETRIES[0], "key": RETRIES[1]}
    return TemporaryChange.model_validate({**about, "by": {"id": 1, "name": "alice"}, "keys": [key]})


async def pending(wire: Wire, env: str = ENV) -> list[dict[str, Any]]:
    return list((await wire.ask("temporary.list", env=env))["changes"])


def test_what_comes_first_is_told_and_what_waits_for_a_word_is_found() -> None:
    known = Temporary()
    touched = known.take([temporary(2, "expiry", 60.0), temporary(3, "confirmation", 300.0)], 10.0)
    assert touched == {(ENV, RETRIES)}
    first, waiting = known.of(ENV, RETRIES), known.to_confirm(ENV, RETRIES)
    assert first is not None
    assert waiting is not None
    assert (first.change.revision, first.left(20.0), waiting.change.revision) == (2, 50.0, 3)
    assert known.take([], 20.0) == {(ENV, RETRIES)}
    assert known.of(ENV, RETRIES) is None


def test_the_time_that_is_left_is_counted_down() -> None:
    assert "in 01:05 (r2 by alice)" in expiring_line(Due(temporary(2, "expiry", 0), 65.0), 0.0, "K").plain
    assert "K keeps it" in expiring_line(Due(temporary(2, "confirmation", 0), 7_200.0), 0.0, "K").plain
    assert "in 2h" in expiring_line(Due(temporary(2, "expiry", 0), 7_200.0), 0.0, "K").plain


async def test_a_change_that_expires_is_asked_for_in_the_editor_and_counted_down(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await console.press("e")
        dialog = await opened(console, EditDialog)
        await console.press("up")
        dialog.query_one("#expires", Input).value = "soon"
        await console.press("ctrl+s")
        await console.shows("'soon' is no duration")
        dialog.query_one("#expires", Input).value = "30m"
        await console.press("ctrl+s")
        await opened(console, ConfirmDialog)
        await console.shows("takes itself back after 30m")
        await console.press("y")
        await closed(console)
        (found,) = await pending(wire)
        assert (found["kind"], found["revision"]) == ("expiry", 2)
        await console.shows_match(r"takes itself back in (30:00|29:\d\d)")
        await console.shows("◷")
        await console.press("K")
        await said(console, "no change of this key waits for confirmation")


async def test_a_change_that_waits_for_confirmation_is_kept_by_a_key(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await wire.set(9, env=ENV, confirm_within=300)
        await console.shows("waits for confirmation")
        await console.press("K")
        await said(console, "development r2 is confirmed: it stays")
        assert await pending(wire) == []
        await eventually(lambda: "◷" not in console.text)
        assert keys_table(console).cursor == RETRIES


async def test_what_another_confirms_is_seen_and_a_reader_keeps_nothing(hub: RunningHub, tmp_path: Path) -> None:
    reader = str((await give_token(hub, "reader", user="rita"))["token"])
    async with hub.connect() as wire, running_console(connection_to(hub, reader), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await wire.set(9, env=ENV, confirm_within=300)
        await console.shows("waits for confirmation")
        await console.press("K")
        await said(console, "your token's role is reader")
        assert len(await pending(wire)) == 1


async def test_production_is_armed_before_a_change_of_it_is_kept(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire, PRODUCTION)
        await wire.set(9, env=PRODUCTION, note="why", break_glass=True, confirm_within=300)
        await select(console, "max_retries", env=PRODUCTION)
        await console.shows("waits for confirmation")
        await console.press("K")
        await said(console, "production is not armed")
        assert len(await pending(wire, PRODUCTION)) == 1
        armed(console, PRODUCTION)
        await console.press("K")
        await said(console, "production r2 is confirmed")


async def test_what_is_confirmed_and_expires_all_the_same_says_until_when_it_stays(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await wire.set(9, env=ENV, confirm_within=300, expires_in=600)
        await console.shows("waits for confirmation")
        await console.press("K")
        await said(console, "development r2 is confirmed: it stays until it expires, in 0")
        await console.shows_match(r"takes itself back in (10:00|09:\d\d)")


async def test_what_another_confirms_is_seen_within_moments(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as wire, running_console(connection_to(hub), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await wire.set(9, env=ENV, confirm_within=300)
        await console.shows("waits for confirmation")
        await wire.ask("change.confirm", env=ENV, revision=2)
        await eventually(lambda: "◷" not in console.text)
