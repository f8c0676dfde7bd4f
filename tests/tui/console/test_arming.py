"""The upper rungs of the ladder: an armed session, a broken glass, and the newest change taken back at once."""

import time
from collections.abc import AsyncGenerator
from pathlib import Path

import pytest
from textual.widgets import Button, Checkbox, Input

from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.console.dialogs.edit import EditDialog
from setpoint_tui.model.arming import ARMED_SECONDS, Arming
from support.hubs import RunningHub
from support.tokens import give_token
from support.waiting import eventually
from support.wire import Wire
from tui.console.running import Running, connection_to, running_console, sample_keys
from tui.console.steps import armed, closed, opened, said, select, value_of

PRODUCTION = "production"


@pytest.fixture
async def admin(hub: RunningHub) -> AsyncGenerator[Wire]:
    async with hub.connect() as wire:
        await sample_keys(wire, PRODUCTION)
        yield wire


async def changing(console: Running) -> ConfirmDialog:
    """Change a key of production up to the last question."""
    await select(console, "max_retries", env=PRODUCTION)
    await console.press("e")
    await opened(console, EditDialog)
    await console.press("up", "ctrl+s")
    return await opened(console, ConfirmDialog)


def fill(dialog: ConfirmDialog, **texts: str) -> None:
    for field, text in texts.items():
        dialog.query_one(f"#{field.replace('_', '-')}", Input).value = text


def yes(dialog: ConfirmDialog) -> Button:
    return dialog.query_one("#yes", Button)


def test_what_is_armed_is_so_for_ten_minutes_and_nothing_else() -> None:
    arming = Arming()
    assert arming.left(PRODUCTION, 5.0) == 0
    arming.arm(PRODUCTION, 5.0)
    assert arming.left(PRODUCTION, 6.0) == ARMED_SECONDS - 1
    assert arming.left("staging", 6.0) == 0
    assert arming.left(PRODUCTION, 5.0 + ARMED_SECONDS) == 0
    arming.disarm(PRODUCTION)
    assert arming.left(PRODUCTION, 6.0) == 0


@pytest.mark.usefixtures("admin")
async def test_the_bar_counts_the_armed_time_down_and_the_key_disarms(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await console.press("!")
        await said(console, "development is not protected")
        await select(console, "max_retries", env=PRODUCTION)
        await console.press("!")
        await console.shows_match(r"ARMED (10:00|09:5\d)")
        await console.press("!")
        await said(console, "production is disarmed")
        assert "ARMED" not in console.text


@pytest.mark.usefixtures("admin")
async def test_the_palette_arms_an_environment_by_its_name(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await console.press("colon")
        await console.type("arm production")
        await console.shows("Arm production")
        await console.press("enter")
        await said(console, "production is armed")


async def test_without_an_armed_session_nothing_is_sent(hub: RunningHub, admin: Wire, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        dialog = await changing(console)
        fill(dialog, reason="load", typed_name=PRODUCTION)
        await console.shows("production is not armed: F2 arms it")
        assert yes(dialog).disabled
        await console.press("f2")
        await eventually(lambda: not yes(dialog).disabled)
        model = console.app.bridge.model
        model.arming.arm(PRODUCTION, time.monotonic() - ARMED_SECONDS)
        await eventually(lambda: yes(dialog).disabled)
        assert (await admin.ask("review.list"))["reviews"] == []


async def test_an_admin_breaks_the_glass_by_name_reason_and_a_second_word_and_everybody_sees_it(
    hub: RunningHub, admin: Wire, tmp_path: Path
) -> None:
    reader = str((await give_token(hub, "reader", user="rita"))["token"])
    async with (
        running_console(connection_to(hub, reader), tmp_path / "rita") as other,
        running_console(connection_to(hub), tmp_path) as console,
    ):
        armed(console, PRODUCTION)
        dialog = await changing(console)
        await console.shows("Send for review")
        fill(dialog, reason="load", typed_name=PRODUCTION)
        await eventually(lambda: not yes(dialog).disabled)
        assert "[ ] break the glass" in console.text
        dialog.query_one("#glass", Checkbox).value = True
        await console.shows("everybody who is connected is told")
        await console.shows("[x] break the glass")
        assert yes(dialog).disabled
        fill(dialog, glass_reason="orders are lost")
        await console.shows("type the words break glass")
        assert yes(dialog).disabled
        fill(dialog, glass_word="break glass")
        await eventually(lambda: not yes(dialog).disabled)
        assert str(yes(dialog).label) == "Break the glass"
        yes(dialog).press()
        await closed(console)
        for seen in (console, other):
            text = await seen.shows("GLASS BROKEN in production")
            assert "orders are lost" in text
            assert "admin r2" in text
        await other.press("B")
        await eventually(lambda: "GLASS BROKEN" not in other.text)
        assert "GLASS BROKEN" in console.text
        await console.press("B")
        await eventually(lambda: "GLASS BROKEN" not in console.text)
        assert await value_of(admin, "max_retries", env=PRODUCTION) == 4


@pytest.mark.usefixtures("admin")
async def test_who_is_no_admin_is_not_offered_to_break_the_glass(hub: RunningHub, tmp_path: Path) -> None:
    editor = str((await give_token(hub, "editor", user="alice"))["token"])
    async with running_console(connection_to(hub, editor), tmp_path) as console:
        armed(console, PRODUCTION)
        dialog = await changing(console)
        await console.shows("1 approval: will be sent for review")
        assert not dialog.query("#glass")


async def test_an_approver_takes_anothers_newest_change_back_at_once(
    hub: RunningHub, admin: Wire, tmp_path: Path
) -> None:
    await admin.set(9, env=PRODUCTION, note="too many", break_glass=True)
    approver = str((await give_token(hub, "approver", user="bob"))["token"])
    async with running_console(connection_to(hub, approver), tmp_path) as console:
        armed(console, PRODUCTION)
        await select(console, "max_retries", env=PRODUCTION)
        await admin.set(10, env=PRODUCTION, note="even more", break_glass=True)
        await eventually(lambda: console.app.bridge.model.revision(PRODUCTION) == 3)
        await console.press("v")
        await console.shows("even more")
        await console.press("R")
        dialog = await opened(console, ConfirmDialog)
        await console.shows("r3 is the newest change, and not yours")
        await console.shows("Roll back now")
        fill(dialog, reason="orders wait", typed_name=PRODUCTION)
        await eventually(lambda: not yes(dialog).disabled)
        yes(dialog).press()
        await closed(console)
        await said(console, "production r4")
        assert await value_of(admin, "max_retries", env=PRODUCTION) == 9


async def test_an_admin_applies_a_review_without_its_approvals_by_breaking_the_glass(
    hub: RunningHub, admin: Wire, tmp_path: Path
) -> None:
    editor = str((await give_token(hub, "editor", user="alice"))["token"])
    async with hub.connect_once_known(editor) as alice:
        change = {"namespace": "payments", "key": "max_retries", "value": 7}
        made = await alice.ask("review.create", env=PRODUCTION, changes=[change], note="why")
    async with running_console(connection_to(hub), tmp_path) as console:
        armed(console, PRODUCTION)
        await console.press("3")
        await eventually(lambda: console.app.bridge.model.reviews.is_current(made["id"]))
        await console.press("A")
        dialog = await opened(console, ConfirmDialog)
        fill(dialog, typed_name=PRODUCTION)
        await console.shows("0 of 1 approvals: it cannot be applied yet; give it a time or break the")
        assert yes(dialog).disabled
        dialog.query_one("#glass", Checkbox).value = True
        fill(dialog, glass_reason="now", glass_word="break glass")
        await eventually(lambda: not yes(dialog).disabled)
        yes(dialog).press()
        await closed(console)
        await console.shows("GLASS BROKEN in production")
        assert await value_of(admin, "max_retries", env=PRODUCTION) == 7


@pytest.mark.usefixtures("admin")
async def test_who_may_change_nothing_there_arms_nothing(hub: RunningHub, tmp_path: Path) -> None:
    reader = str((await give_token(hub, "reader", user="rita"))["token"])
    async with running_console(connection_to(hub, reader), tmp_path) as console:
        await select(console, "max_retries", env=PRODUCTION)
        await console.press("!")
        await said(console, "Arm: your token's role is reader: this takes the role editor")
        assert "ARMED" not in console.text
        assert console.app.front is not None
        assert "role editor" in (console.app.front.why_off("arm") or "")
