"""Tokens: who comes in, who does not, and who has to go."""

import asyncio
import stat
from contextlib import suppress
from pathlib import Path

import asyncpg
import pytest
from websockets.exceptions import InvalidStatus

from setpoint_hub.access import bearer_token, new_token
from setpoint_hub.errors import StartRefused
from setpoint_hub.settings import HubSettings
from setpoint_hub.up import serve_hub
from support.hubs import Hubs, RunningHub, issue_token, running_hub
from support.waiting import eventually
from support.wire import http, open_wire

SNAPSHOT = "/v1/snapshot?env=staging&namespace=payments"

_REVOKE = """
    WITH changed AS (UPDATE Installation SET access_revision = access_revision + 1)
    UPDATE Token SET revoked_at = clock_timestamp() WHERE token_id = $1
"""
_EXPIRE = """
    WITH changed AS (UPDATE Installation SET access_revision = access_revision + 1)
    UPDATE Token SET expires_at = clock_timestamp() + $2::float8 * interval '1 second' WHERE token_id = $1
"""


@pytest.mark.parametrize(
    ("header", "word"),
    [
        (None, "needed"),
        ("", "malformed"),
        ("Basic c2V0OnBvaW50", "malformed"),
        ("Bearer", "malformed"),
        ("Bearer secret", "malformed"),
        ("sp_" + "x" * 43, "malformed"),
        ("Bearer sp_" + "x" * 43, "not known"),
    ],
)
async def test_who_has_no_valid_token_gets_401_with_the_reason(
    shared_hub: RunningHub, header: str | None, word: str
) -> None:
    headers = {} if header is None else {"Authorization": header}
    for path in (SNAPSHOT, "/v1/ws"):
        reply = await http(shared_hub.address, path, **headers)
        assert (reply.status, reply.json["error"]["code"]) == (401, "unauthorised")
        assert word in reply.json["error"]["message"]


async def test_a_websocket_without_a_known_token_is_not_opened(hub: RunningHub) -> None:
    for token in (None, new_token()):
        with pytest.raises(InvalidStatus) as refused:
            async with open_wire(hub.address, token):
                pass
        assert refused.value.response.status_code == 401


@pytest.mark.parametrize("header", ["Bearer sp_x", "bearer sp_x", "BEARER  sp_x "])
def test_the_scheme_is_read_in_any_case(header: str) -> None:
    assert bearer_token(header) == "sp_x"


@pytest.mark.parametrize("header", ["Basic sp_x", "sp_x", "Bearersp_x", "Bearer x", "Bearer sp_\u00e9", "", None])
def test_nothing_else_is_a_token(header: str | None) -> None:
    assert bearer_token(header) is None


async def test_a_token_stored_while_hubs_run_is_known_within_a_poll(hubs: Hubs, database_url: str) -> None:
    first, second = await hubs.start_many(2)
    token, _ = await issue_token(database_url, name="bob", role="reader")
    for hub in (first, second):
        async with hub.connect_once_known(token) as wire:
            me = await wire.ask("whoami")
            assert (me["user"]["name"], me["role"]) == ("bob", "reader")


async def test_a_token_revoked_while_connected_is_sent_away_by_every_hub(
    hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]", database_url: str
) -> None:
    token, token_id = await issue_token(database_url, name="bob")
    first, second = await hubs.start_many(2)
    async with first.connect(token) as one, second.connect(token) as two, first.connect() as admin:
        await one.watch("checkout-1")
        await two.watch("checkout-2")
        await database.execute(_REVOKE, token_id)
        assert [(await wire.closed())[0] for wire in (one, two)] == [4401, 4401]
        assert (await admin.ask("whoami"))["user"]["name"] == "admin"
    for hub in (first, second):
        assert (await http(hub.address, SNAPSHOT, token=token)).status == 401


async def test_a_token_that_expires_while_connected_is_sent_away(
    hub: RunningHub, database: "asyncpg.Connection[asyncpg.Record]", database_url: str
) -> None:
    token, token_id = await issue_token(database_url, name="bob")
    await database.execute(_EXPIRE, token_id, 1.5)
    async with hub.connect_once_known(token) as wire:
        await wire.watch()
        assert (await wire.closed())[0] == 4401


async def test_an_expired_token_does_not_come_in(
    hub: RunningHub, database: "asyncpg.Connection[asyncpg.Record]", database_url: str
) -> None:
    token, token_id = await issue_token(database_url, name="bob")
    await database.execute(_EXPIRE, token_id, -1.0)
    marker, _ = await issue_token(database_url, name="later")
    async with hub.connect_once_known(marker):
        assert (await http(hub.address, SNAPSHOT, token=token)).status == 401


async def test_the_first_admin_token_is_made_and_kept_private(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    file = tmp_path / "admin.token"
    for _ in range(2):
        async with running_hub(database_url, redis_url, "", admin_token_file=file) as hub:
            token = file.read_text().strip()
            async with hub.connect(token) as wire:
                assert (await wire.ask("whoami"))["role"] == "admin"
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


async def test_an_admin_token_that_is_given_is_registered(hubs: Hubs, tmp_path: Path) -> None:
    file, token = tmp_path / "admin.token", new_token()
    file.write_text(token)
    hub = await hubs.start(admin_token_file=file)
    async with hub.connect(token) as wire:
        await wire.ask("whoami")


async def test_no_token_is_made_where_there_is_an_admin_and_how_to_add_one_is_said(
    hubs: Hubs, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    file = tmp_path / "admin.token"
    settings = HubSettings(database_url=hubs.database_url, redis_url=hubs.redis_url, port=0, admin_token_file=file)
    said: list[str] = []
    serving = asyncio.create_task(serve_hub(settings, said.append))
    await eventually(lambda: any(line.startswith("listening") for line in said))
    serving.cancel()
    with suppress(asyncio.CancelledError):
        await serving
    assert not file.exists()
    assert not any("admin token" in line for line in said)
    assert "write it into that file" in caplog.text


@pytest.mark.parametrize("content", ["", "secret", "sp_short"])
async def test_a_file_that_holds_no_token_is_refused(hubs: Hubs, tmp_path: Path, content: str) -> None:
    (tmp_path / "admin.token").write_text(content)
    with pytest.raises(StartRefused, match="holds no token"):
        await hubs.start(admin_token_file=tmp_path / "admin.token")


async def test_a_token_file_that_cannot_be_written_is_refused(
    database_url: str, redis_url: str, tmp_path: Path
) -> None:
    with pytest.raises(StartRefused, match="cannot be written"):
        async with running_hub(database_url, redis_url, "", admin_token_file=tmp_path / "missing" / "admin.token"):
            pass


async def test_the_database_holds_no_token_in_clear(
    hub: RunningHub, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    rows = await database.fetch("SELECT t::text AS shown FROM Token t")
    assert rows
    assert all(hub.token not in row["shown"] for row in rows)
