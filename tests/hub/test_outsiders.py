"""What strangers and other people's programs send: no traceback, no wrong word, no memory without bound."""

import asyncio
import json
import socket
import struct
from uuid import uuid4

import asyncpg
import pytest

from setpoint_hub.http_api import accepts_gzip
from support.hubs import Hubs, RunningHub
from support.waiting import eventually
from support.wire import Wire, http

SNAPSHOT = "/v1/snapshot?env=staging&namespace=payments"


@pytest.mark.parametrize("path", ["//[/healthz", "http://[bad/healthz", "//healthz", "/%00", "/v1/snapshot/x"])
async def test_an_odd_path_is_not_found(hub: RunningHub, path: str) -> None:
    reply = await hub.get(path)
    assert (reply.status, reply.json["error"]["code"]) == (404, "not_found")


@pytest.mark.parametrize("method", ["HEAD", "OPTIONS", "DELETE"])
async def test_another_method_is_told_which_is_taken(hub: RunningHub, method: str) -> None:
    reply = await http(hub.address, "/healthz", method=method)
    assert (reply.status, reply.headers["allow"]) == (405, "GET")
    assert (reply.body == b"") == (method == "HEAD")


async def test_a_websocket_path_without_an_upgrade_is_refused_in_json(hub: RunningHub) -> None:
    reply = await hub.get("/v1/ws")
    assert reply.status == 426
    assert "WebSocket" in reply.json["error"]["message"]


async def test_a_token_is_not_called_unknown_before_the_tokens_are_known(hubs: Hubs) -> None:
    nowhere = "postgresql://nobody@127.0.0.1:1/none"
    hub = await hubs.start(database_url=nowhere, wait_until_ready=False)
    reply = await hub.get(SNAPSHOT)
    assert (reply.status, reply.json["error"]["code"]) == (503, "unavailable")


@pytest.mark.parametrize(
    ("header", "taken"),
    [
        ("gzip", True),
        ("GZIP", True),
        ("br, gzip;q=0.5", True),
        ("gzip; q=1.0", True),
        ("gzip;q=0", False),
        ("br, gzip;q=0.0, deflate", False),
        ("gzipx", False),
        ("", False),
    ],
)
def test_gzip_is_used_only_where_it_is_accepted(header: str, taken: bool) -> None:
    assert accepts_gzip(header) == taken


async def test_a_poll_tells_the_revision_that_the_hub_holds_now(wire: Wire, hub: RunningHub) -> None:
    await wire.set(3)
    assert (await hub.get(SNAPSHOT)).json["revision"] == 1
    await wire.create_key("zone", "string", "search")
    await wire.set("eu", "zone", namespace="search")
    assert (await hub.get(SNAPSHOT)).json["revision"] == 2


async def test_a_reason_too_long_to_keep_is_shortened_and_not_lost(wire: Wire) -> None:
    await wire.watch("refusing")
    await wire.set(3)
    await wire.heartbeat(0, status="refused", error="e" * 10_000)
    (instance,) = (await wire.ask("fleet.list"))["instances"]
    assert (instance["state"], len(instance["error"])) == ("refused", 4096)


async def test_who_pings_without_ever_reading_is_cut_before_it_fills_the_memory(
    hubs: Hubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setpoint_hub.outlet.LARGEST_BURST", 0)
    hub = await hubs.start(buffer_bytes=64 * 1024, stalled_seconds=3600)
    # A ping of 125 bytes, masked with zeros; the pongs are never read.
    ping = struct.pack("!BB4s", 0x89, 0x80 | 125, bytes(4)) + bytes(125)
    with_pings = ping * 1000
    async with asyncio.timeout(30):
        async with hub.stall() as raw:
            raw.setblocking(False)
            with pytest.raises(OSError):  # noqa: PT011  # which one a cut connection gives is the system's choice
                await send_for_ever(raw, with_pings)


async def send_for_ever(raw: socket.socket, content: bytes) -> None:
    while True:
        await asyncio.get_running_loop().sock_sendall(raw, content)


async def test_a_stored_value_that_no_hub_would_take_cannot_be_made_active(wire: Wire, database_url: str) -> None:
    await wire.create_key("rules", "json")
    await wire.set({"a": 1}, "rules")
    version, before = uuid4(), await wire.revision()
    connection = await asyncpg.connect(database_url, timeout=10)
    await connection.execute("ALTER TABLE ConfigVersion DISABLE TRIGGER value_fits")
    await connection.execute(
        """
        INSERT INTO ConfigVersion (version_id, key_id, value, env, is_active, changed_by)
        SELECT $1, key_id, $2, 'staging', false, created_by FROM ConfigKey WHERE key = 'rules'
        """,
        version,
        '{"a":1,"a":2}',
    )
    await connection.close(timeout=5)
    refused = await wire.refusal("rollback", env="staging", namespace="payments", key="rules", version=str(version))
    assert refused.kind == "invalid_value"
    assert await wire.revision() == before


@pytest.mark.parametrize("value", ['{"a":1e999}', "[-1e400]", "[" * 33 + "]" * 33, '{"a":' * 40 + "1" + "}" * 40])
async def test_the_database_itself_refuses_what_no_json_reader_could_hold(
    wire: Wire, database_url: str, value: str
) -> None:
    await wire.create_key("rules", "json")
    connection = await asyncpg.connect(database_url, timeout=10)
    insert = """
        INSERT INTO ConfigVersion (key_id, value, env, is_active, changed_by)
        SELECT key_id, $1, 'staging', false, created_by FROM ConfigKey WHERE key = 'rules'
    """
    with pytest.raises(asyncpg.CheckViolationError):
        await connection.execute(insert, value)
    await connection.execute(insert, json.dumps([1e300, {"a": "[" * 100}]))
    await connection.execute(insert, "[" * 32 + "]" * 32)
    await connection.close(timeout=5)


async def test_a_client_that_went_to_another_hub_is_let_go_within_a_heartbeat(hubs: Hubs) -> None:
    first = await hubs.start(heartbeat_seconds=0.2)
    second = await hubs.start()
    async with first.connect() as older, second.connect() as newer:
        await older.watch("same")
        await eventually(first.hub._fleet.told)
        await newer.watch("same")
        assert (await older.closed())[0] == 4409


async def test_a_new_environment_can_be_watched_at_once_where_it_was_made(hubs: Hubs) -> None:
    hub = await hubs.start(poll_seconds=3600)
    async with hub.connect() as wire:
        await wire.ask("environment.create", env="canary")
        await eventually(lambda: "canary" in hub.hub._follower.replicas)
        assert (await wire.watch(env="canary"))["revision"] == 0
