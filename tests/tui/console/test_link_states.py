"""What the console does when the hub, the connection or the token is not what it should be: says so, and goes on."""

from pathlib import Path
from typing import Any

import asyncpg

from setpoint_tui.address import parse_address
from setpoint_tui.connection import Connection
from setpoint_tui.model.link_state import Live, Offline, Refused
from support.hubs import Hubs, RunningHub, issue_token
from support.waiting import eventually
from tui.console.running import connection_to, running_console, sample_keys
from tui.console.steps import said


async def test_without_a_hub_it_starts_says_what_is_wrong_and_what_to_do(tmp_path: Path) -> None:
    nowhere = Connection(parse_address("http://127.0.0.1:9"), "token", "the test")
    async with running_console(nowhere, tmp_path, live=False) as console:
        await console.shows("✗ offline 00:0")
        await console.shows("retry")
        await console.shows("✗ the hub is not reached: ")
        await console.shows("not loaded, the hub is not reached: ")
        for screen in "2345":
            await console.press(screen)
            await console.shows("the hub is not reached: ")
        assert console.app.is_running


async def test_a_hub_that_goes_away_leaves_the_data_on_show_and_is_followed_again(hubs: Hubs, tmp_path: Path) -> None:
    first = await hubs.start()
    async with first.connect() as wire:
        await sample_keys(wire)
    async with running_console(connection_to(first), tmp_path) as console:
        await console.shows("linear")
        port = int(first.address.rpartition(":")[2])
        await hubs.stop()
        text = await console.shows("✗ offline")
        assert "data as of" in text
        assert "linear" in text

        second = await hubs.start(port=port)
        async with second.connect() as wire:
            await wire.set("exponential", "retry.backoff", env="development")
        await console.press("r")
        await eventually(lambda: isinstance(console.app.bridge.model.link, Live), within=20)
        await console.shows("exponential")


async def test_a_revoked_token_is_said_and_the_data_stays(hub: RunningHub, hubs: Hubs, tmp_path: Path) -> None:
    token, token_id = await issue_token(hubs.database_url, name="bob", role="editor")
    async with hub.connect() as wire:
        await sample_keys(wire)
    async with hub.connect_once_known(token):
        pass
    async with running_console(connection_to(hub, token), tmp_path) as console:
        await console.shows("linear")
        await revoke(hubs.database_url, token_id)
        await eventually(lambda: isinstance(console.app.bridge.model.link, Refused))
        text = await console.shows("✗ refused")
        assert "linear" in text
        await said(console, "the hub does not take this token: the token is not valid any more")
        await console.press("x")
        await said(console, "Delete: the hub does not take this token: ")


async def test_a_writing_action_that_is_off_says_why(hubs: Hubs, tmp_path: Path) -> None:
    hub = await hubs.start()
    async with hub.connect() as wire:
        await sample_keys(wire)
    async with running_console(connection_to(hub), tmp_path) as console:
        await console.shows("linear")
        await hubs.stop()
        await eventually(lambda: isinstance(console.app.bridge.model.link, Offline))
        await console.press("question_mark")
        await console.shows("off: there is no connection to the hub")


async def revoke(database_url: str, token_id: Any) -> None:
    """Revoke a token as an administrator would."""
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        await connection.execute("UPDATE Token SET revoked_at = now() WHERE token_id = $1", token_id)
        await connection.execute("UPDATE Installation SET access_revision = access_revision + 1")
    finally:
        await connection.close(timeout=5)
