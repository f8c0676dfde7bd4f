"""Secrets in the console, over a real hub: masked, shown for a while on record, typed hidden, and kept nowhere."""

import re
import time
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest
from textual.widgets import Input

from setpoint_hub.sealing import new_master_key
from setpoint_tui.console.dialogs.ask import AskDialog
from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.console.dialogs.secret import SecretDialog
from setpoint_tui.model.revealed import REVEALED_SECONDS, Revealed
from support.hubs import Hubs, RunningHub
from support.tokens import give_token
from support.waiting import eventually
from support.wire import Wire
from tui.console.running import Running, connection_to, running_console
from tui.console.steps import closed, opened, said, select

CLEAR = "swordfish-1"
OTHER = "hunter-2"
API_KEY = ("payments", "api_key")


@pytest.fixture
async def keeping(hubs: Hubs) -> RunningHub:
    """A hub that can keep secrets."""
    return await hubs.start(master_key=new_master_key())


@pytest.fixture
async def wire(keeping: RunningHub) -> AsyncGenerator[Wire]:
    """The same secret in development and staging, and a plain key beside it."""
    async with keeping.connect() as opened_wire:
        await opened_wire.ask("key.create", namespace="payments", key="api_key", type="string", secret=True)
        await opened_wire.create_key()
        for env in ("development", "staging"):
            await opened_wire.set(CLEAR, "api_key", env=env)
        await opened_wire.set(3, env="development")
        yield opened_wire


async def clear_value(wire: Wire, env: str = "development") -> Any:
    return (await wire.ask("secret.reveal", env=env, namespace="payments", key="api_key"))["value"]


def everything_kept(folder: Path) -> str:
    return "".join(path.read_text(encoding="utf-8") for path in folder.rglob("*") if path.is_file())


async def reveal(console: Running) -> None:
    await console.press("full_stop")
    await opened(console, AskDialog)
    await console.shows("this is on record")
    await console.press("y")
    await closed(console)


def test_a_revealed_value_is_masked_when_its_time_is_over_or_its_version_is_another() -> None:
    revealed = Revealed()
    revealed.show("staging", API_KEY, "v1", CLEAR, 10.0)
    assert revealed.left("staging", API_KEY, "v1", 11.0) == REVEALED_SECONDS - 1
    assert revealed.left("staging", API_KEY, "v2", 11.0) == 0
    assert revealed.left("production", API_KEY, "v1", 11.0) == 0
    assert not revealed.mask(11.0)
    assert revealed.mask(10.0 + REVEALED_SECONDS)
    assert revealed.value is None
    assert CLEAR not in repr(revealed)


@pytest.mark.usefixtures("wire")
async def test_a_secret_is_masked_with_its_fingerprint_and_same_or_different_shows(
    keeping: RunningHub, wire: Wire, tmp_path: Path
) -> None:
    async with running_console(connection_to(keeping), tmp_path) as console:
        await select(console, "api_key")
        text = await console.shows_match(r"staging +[0-9a-f]{5}.* =")
        assert CLEAR not in text
        assert re.search(r"secret [0-9a-f]{8}  . reveals it", text)
        await wire.set(OTHER, "api_key", env="staging")
        await console.shows_match(r"staging +[0-9a-f]{5}.* ≠")
        for key in ("v", "escape", "d", "escape", "4", "5", "1"):
            await console.press(key)
            await console.pilot.pause()
            assert CLEAR not in console.text
            assert OTHER not in console.text


@pytest.mark.usefixtures("wire")
async def test_a_secret_is_shown_once_it_is_agreed_that_this_is_on_record_and_masked_again(
    keeping: RunningHub, tmp_path: Path
) -> None:
    async with running_console(connection_to(keeping), tmp_path) as console:
        await select(console, "api_key")
        await console.press("full_stop")
        await opened(console, AskDialog)
        await console.press("escape")
        await closed(console)
        assert CLEAR not in console.text
        await reveal(console)
        await console.shows(CLEAR)
        await console.shows_match(r"masked again in (30|29|2\d)s")
        model = console.app.bridge.model
        assert not any(CLEAR in notice.text for notice in model.notices.lines)
        await select(console, "max_retries")
        assert CLEAR not in console.text
        await select(console, "api_key")
        await console.shows(CLEAR)
        assert model.revealed.mask(time.monotonic() + REVEALED_SECONDS)
        await eventually(lambda: CLEAR not in console.text)
        console.app.bridge.keep()
    assert CLEAR not in everything_kept(tmp_path)


@pytest.mark.usefixtures("wire")
async def test_the_same_key_masks_it_at_once_and_asks_nothing(keeping: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(keeping), tmp_path) as console:
        await select(console, "api_key")
        await reveal(console)
        await console.shows(CLEAR)
        await console.press("full_stop")
        await said(console, "payments/api_key is masked again")
        await eventually(lambda: CLEAR not in console.text)
        assert console.app.screen is console.app.front
        assert console.app.bridge.model.revealed.value is None


@pytest.mark.usefixtures("wire")
async def test_a_secret_is_copied_only_while_it_is_on_show_and_when_asked_twice(
    keeping: RunningHub, tmp_path: Path
) -> None:
    async with running_console(connection_to(keeping), tmp_path) as console:
        await select(console, "api_key")
        await console.press("y")
        await said(console, "is a secret: . reveals it first")
        await reveal(console)
        await console.shows(CLEAR)
        await console.press("y")
        await opened(console, AskDialog)
        await console.press("n")
        await closed(console)
        assert CLEAR not in console.app.clipboard
        await console.press("y")
        await opened(console, AskDialog)
        await console.press("y")
        await eventually(lambda: console.app.clipboard == CLEAR)


async def test_a_secret_is_typed_hidden_and_leaves_no_draft(keeping: RunningHub, wire: Wire, tmp_path: Path) -> None:
    async with running_console(connection_to(keeping), tmp_path) as console:
        await select(console, "api_key")
        await console.press("E")
        await said(console, "goes into no file")
        await console.press("e")
        dialog = await opened(console, SecretDialog)
        await console.press("ctrl+s")
        await console.shows("type the value")
        await console.type(OTHER)
        assert OTHER not in console.text
        await console.press("escape")
        await closed(console)
        assert len(console.app.bridge.model.drafts) == 0
        await console.press("e")
        dialog = await opened(console, SecretDialog)
        assert dialog.query_one("#secret-value", Input).value == ""
        await console.type(OTHER)
        await console.press("ctrl+s")
        await opened(console, ConfirmDialog)
        text = await console.shows("another secret, not shown")
        assert OTHER not in text
        await console.press("y")
        await closed(console)
        await said(console, "set payments/api_key")
        assert await clear_value(wire) == OTHER
        assert OTHER not in console.text
        console.app.bridge.keep()
    assert OTHER not in everything_kept(tmp_path)


@pytest.mark.usefixtures("wire")
async def test_what_is_no_secret_and_who_may_not_see_one_is_said(keeping: RunningHub, tmp_path: Path) -> None:
    reader = str((await give_token(keeping, "reader", user="rita"))["token"])
    async with running_console(connection_to(keeping, reader), tmp_path) as console:
        await select(console, "max_retries")
        await console.press("full_stop")
        await said(console, "this key is no secret")
        await select(console, "api_key")
        await console.press("full_stop")
        await said(console, "revealing a secret takes the role editor")
        assert CLEAR not in console.text
