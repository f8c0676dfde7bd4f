"""Who I am and what I may do, and which role or reach it would take where something is refused."""

from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from setpoint_tui.answers import Environment, WhoAmI
from setpoint_tui.console.dialogs.tell import TellDialog
from setpoint_tui.console.widgets.bars import TopBar
from setpoint_tui.console.widgets.who import who_lines
from setpoint_tui.model.model import Model
from support.hubs import RunningHub
from support.tokens import give_token
from tui.console.running import connection_to, running_console, sample_keys
from tui.console.steps import closed, opened, select

NOW = datetime(2030, 1, 1, tzinfo=UTC)


def words(**about: object) -> str:
    model = Model()
    names = ("staging", "production")
    model.environments = {
        env: Environment(env=env, revision=1, protected=env == "production", required_approvals=1, position=0)
        for env in names
    }
    who = {"user": {"id": 1, "name": "alice"}, "role": "editor", "hub": "h", "version": "1", **about}
    model.whoami = WhoAmI.model_validate(who)
    return "\n".join(line.plain for line in who_lines(model, NOW))


def test_each_environment_says_what_may_be_done_there() -> None:
    text = words(
        may={"staging": {"read": True, "write": True, "propose": True}, "production": {"read": True, "propose": True}},
        environments=["*"],
        namespaces=["payments", "team.*"],
    )
    assert "staging   read, write at once\n" in text
    assert "1 approval  read, propose changes" in text
    assert "payments, team.*" in text
    assert "expires  never" in text


def test_the_glass_is_broken_only_where_something_is_protected() -> None:
    powers = {"read": True, "write": True, "propose": True, "approve": True, "administer": True}
    text = words(role="admin", may={"staging": powers, "production": {**powers, "write": False}})
    assert "staging   read, write at once, approve, administer\n" in text
    assert text.endswith("1 approval  read, propose changes, approve, administer, break the glass")


def test_what_is_out_of_reach_and_when_the_token_expires_are_said() -> None:
    text = words(may={"staging": {"read": True}}, expires_at=NOW + timedelta(hours=5))
    assert "out of your token's reach" in text
    assert "expires  in 5h" in text


async def test_w_and_a_click_in_the_bar_tell_who_one_is(hub: RunningHub, tmp_path: Path) -> None:
    token = str((await give_token(hub, "editor", user="alice"))["token"])
    async with running_console(connection_to(hub, token), tmp_path) as console:
        await console.press("W")
        await opened(console, TellDialog)
        text = await console.shows("alice")
        assert "editor: writes where nothing is protected" in text
        assert "read, propose changes" in text
        await console.press("escape")
        await closed(console)
        await console.pilot.click(TopBar, offset=(100, 0))
        await opened(console, TellDialog)


@pytest.mark.parametrize("key", ["e", "n", "x", "p", "u"])
async def test_a_refused_key_names_the_role_that_it_takes(hub: RunningHub, tmp_path: Path, key: str) -> None:
    token = str((await give_token(hub, "reader", user="rita"))["token"])
    async with hub.connect() as wire, running_console(connection_to(hub, token), tmp_path) as console:
        await sample_keys(wire)
        await select(console, "max_retries")
        await console.press(key)
        if key != "u":
            await console.shows("takes the role editor")
            longest = max(len(notice.text) for notice in console.app.bridge.model.notices.lines)
            # With the time before it, all of it is read at 80 columns.
            assert longest + len("00:00:00 ! ") <= 78
        assert console.app.screen is console.app.front


async def test_what_a_reader_may_not_do_on_compare_and_versions_is_off_and_says_why(
    hub: RunningHub, tmp_path: Path
) -> None:
    token = str((await give_token(hub, "reader", user="rita"))["token"])
    async with hub.connect() as wire, running_console(connection_to(hub, token), tmp_path) as console:
        await sample_keys(wire)
        await wire.set(9, env="development")
        await select(console, "max_retries")
        for opening, shown, pressed in (("v", "2 changes", "rR"), ("4", "5 differ", "p")):
            await console.press(opening)
            await console.shows(shown)
            for key in pressed:
                await console.press("j", key)
                await console.shows(": your token's role is reader: this takes the role editor")
                assert console.app.screen is console.app.front
            await console.press("escape", "escape")


async def test_every_screen_of_a_token_of_little_reach_stays_within_it(hub: RunningHub, tmp_path: Path) -> None:
    given = await give_token(hub, "reader", user="rita", environments=["development"], namespaces=["search"])
    async with hub.connect() as wire:
        await sample_keys(wire)
        async with running_console(connection_to(hub, str(given["token"])), tmp_path) as console:
            for screen in ("1", "2", "3", "4", "5"):
                await console.press(screen)
                await console.shows("rita (reader)")
                assert "payments" not in console.text
                assert "internal error" not in console.text
