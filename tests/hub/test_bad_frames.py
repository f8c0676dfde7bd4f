"""Bad frames, bad readers, bad handshakes: each harms its own connection at most."""

import asyncio
import json
from collections.abc import AsyncGenerator
from urllib.parse import urlsplit

import pytest

from setpoint_hub.metrics import STALLED
from support.hubs import Hubs, RunningHub
from support.waiting import WITHIN, eventually
from support.wire import Wire


@pytest.fixture
async def others_served(shared_hub: RunningHub) -> AsyncGenerator[RunningHub]:
    """The module's hub; afterwards one who watched all along gets the next change."""
    async with shared_hub.connect() as other:
        await other.watch("other")
        before = await other.revision()
        yield shared_hub
        assert await other.revision() == before
        done = await other.set(1)
        assert (await other.next())["revision"] == done["revision"] == before + 1


@pytest.mark.parametrize(
    ("frame", "error", "close"),
    [
        ("hello", -32700, 1007),
        ("", -32700, 1007),
        ('{"jsonrpc":"2.0"', -32700, 1007),
        ("[]", -32600, 1002),
        ("5", -32600, 1002),
        ('[{"jsonrpc":"2.0","id":1,"method":"whoami"}]', -32600, 1002),
        ('{"id":1,"method":"whoami"}', -32600, 1002),
        ('{"jsonrpc":"1.0","id":1,"method":"whoami"}', -32600, 1002),
    ],
    ids=lambda found: str(found)[:30],
)
async def test_what_is_no_json_rpc_is_told_so_and_closed(
    others_served: RunningHub, frame: str, error: int, close: int
) -> None:
    async with others_served.connect() as bad:
        await bad.send(frame)
        assert (await bad.closed())[0] == close
        answer = bad.unasked.get_nowait()
        assert (answer["id"], answer["error"]["code"]) == (None, error)


@pytest.mark.parametrize(
    ("frame", "request_id"),
    [
        ('{"jsonrpc":"2.0","id":null}', None),
        ('{"jsonrpc":"2.0","id":"a"}', "a"),
        ('{"jsonrpc":"2.0","id":null,"method":"whoami"}', None),
        ("[" * 100_000, None),
        ('{"jsonrpc":"2.0","id":true,"method":"whoami"}', None),
        ('{"jsonrpc":"2.0","id":1.5,"method":"whoami"}', None),
        ('{"jsonrpc":"2.0","id":{},"method":"whoami"}', None),
        ('{"jsonrpc":"2.0","id":"a","method":7}', "a"),
        ('{"jsonrpc":"2.0","id":"a","method":"whoami","params":[]}', "a"),
        ('{"jsonrpc":"2.0","id":"a","method":"whoami","params":null}', "a"),
        ('{"jsonrpc":"2.0","id":"a","id":"b","method":"whoami"}', None),
    ],
)
async def test_what_is_json_rpc_but_wrong_is_answered_and_stays_open(
    others_served: RunningHub, frame: str, request_id: str | None
) -> None:
    async with others_served.connect() as bad:
        await bad.send(frame)
        async with asyncio.timeout(WITHIN):
            answer = await bad.unasked.get()
        assert (answer["id"], answer["error"]["code"]) == (request_id, -32600)
        await bad.ask("whoami")


async def test_answers_and_unknown_notifications_are_ignored(others_served: RunningHub) -> None:
    async with others_served.connect() as odd:
        await odd.send('{"jsonrpc":"2.0","id":1,"result":5}')
        await odd.send('{"jsonrpc":"2.0","id":1,"error":{"code":1}}')
        await odd.send('{"jsonrpc":"2.0","method":"set","params":{}}')
        await odd.tell("wave")
        await odd.ask("whoami")
        assert odd.unasked.empty()


@pytest.mark.parametrize("request_id", ["\ud800", "", "\u0000", 2**70, -1])
async def test_an_id_comes_back_as_it_was_given(others_served: RunningHub, request_id: str | int) -> None:
    async with others_served.connect() as odd:
        await odd.send(json.dumps({"jsonrpc": "2.0", "id": request_id, "method": "unknown"}))
        async with asyncio.timeout(WITHIN):
            assert (await odd.unasked.get())["id"] == request_id


async def test_a_binary_frame_closes_its_connection(others_served: RunningHub) -> None:
    async with others_served.connect() as bad:
        await bad.send(b'{"jsonrpc":"2.0","id":1,"method":"whoami"}')
        assert (await bad.closed())[0] == 1002


async def test_a_text_frame_that_is_no_utf8_closes_its_connection(others_served: RunningHub) -> None:
    async with others_served.connect() as bad:
        await bad.connection.send(b'"\xff"', text=True)
        assert (await bad.closed())[0] == 1007


async def test_a_frame_over_the_limit_closes_its_connection(others_served: RunningHub) -> None:
    async with others_served.connect() as bad:
        await bad.send('"' + "x" * 1024 * 1024 + '"')
        assert (await bad.closed())[0] == 1009


async def test_half_a_handshake_is_cut(hubs: Hubs) -> None:
    hub = await hubs.start(handshake_seconds=0.2)
    parts = urlsplit(hub.address)
    for said in (b"", b"GET /v1/ws HTTP/1.1\r\nHost: hub\r\nUpgrade: webso", b"\x16\x03\x01\x02\x00"):
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(said)
        async with asyncio.timeout(WITHIN):
            assert b"101" not in await reader.read()
        writer.close()
        await writer.wait_closed()
    async with hub.connect() as wire:
        await wire.ask("whoami")


async def test_a_connection_without_the_subprotocol_is_refused(others_served: RunningHub) -> None:
    key = {"Sec_WebSocket_Key": "c2V0cG9pbnQgdGVzdHMhIQ==", "Sec_WebSocket_Version": "13"}
    reply = await others_served.get("/v1/ws", Upgrade="websocket", Connection="Upgrade", **key)
    assert reply.status == 400


async def fill(wire: Wire, hub: RunningHub) -> None:
    """Make changes until a reader that does not read has more in its buffer than is put there."""
    value = 0
    while not any(session.outlet.full for session in hub.hub._door.sessions):
        value += 1
        await wire.set(f"{value}:" + "x" * 60_000, "text")
        assert value < 500, "nothing ever filled the buffer"


async def test_a_client_that_never_reads_harms_nobody_and_costs_little(hubs: Hubs) -> None:
    hub = await hubs.start(buffer_bytes=64 * 1024)
    async with hub.connect() as wire, hub.connect() as other:
        await wire.create_key("text", "string")
        await other.watch("other")
        async with hub.stall():
            await eventually(lambda: hub.hub._fleet.find("stalled"))
            await fill(wire, hub)
            (stalled,) = (session for session in hub.hub._door.sessions if session.outlet.full)
            held = stalled.outlet.buffered
            for value in range(20):
                await wire.set(f"{value}" + "y" * 60_000, "text")
            assert stalled.outlet.buffered == held
            last = await wire.revision()
            seen = [await other.next() for _ in range(last)]
    assert [change["revision"] for change in seen] == list(range(1, last + 1))


async def test_a_client_that_takes_nothing_for_long_is_cut(hubs: Hubs) -> None:
    hub = await hubs.start(buffer_bytes=64 * 1024, stalled_seconds=0.1)
    async with hub.connect() as wire:
        await wire.create_key("text", "string")
        before = STALLED._value.get()
        async with hub.stall():
            await eventually(lambda: hub.hub._fleet.find("stalled"))
            await fill(wire, hub)
            await eventually(lambda: len(hub.hub._door.sessions) == 1)
    assert STALLED._value.get() == before + 1


async def test_a_reader_that_lagged_catches_up_with_what_it_missed_in_one(hubs: Hubs) -> None:
    hub = await hubs.start(buffer_bytes=64 * 1024)
    async with hub.connect() as wire, hub.connect() as slow:
        await wire.create_key("text", "string")
        await wire.create_key()
        held = (await slow.watch("slow"))["revision"]
        slow.connection.transport.pause_reading()
        await fill(wire, hub)
        await wire.set(7)
        await wire.set("short", "text")
        slow.connection.transport.resume_reading()
        last = await wire.revision()
        values: dict[str, object] = {}
        while held < last:
            change = await slow.next()
            assert change["previous"] <= held < change["revision"]
            held = change["revision"]
            values |= {key: entry["value"] for key, entry in change["namespaces"]["payments"].items()}
        assert values == {"max_retries": 7, "text": "short"}
        # It is served one by one again.
        await wire.set(8)
        assert (await slow.next())["previous"] == last


async def test_who_follows_activity_and_lags_is_told_of_the_gap(hubs: Hubs) -> None:
    hub = await hubs.start(buffer_bytes=64 * 1024)
    async with hub.connect() as wire, hub.connect() as slow:
        await wire.create_key("text", "string")
        await slow.ask("activity.watch")
        slow.connection.transport.pause_reading()
        await fill(wire, hub)
        missed = (await wire.set("missed", "text"))["revision"]
        slow.connection.transport.resume_reading()
        seen = 0
        async with asyncio.timeout(WITHIN):
            while (frame := await slow.notified.get())["method"] == "activity":
                seen += 1
                assert frame["params"]["revision"] == seen
        assert (frame["method"], frame["params"]) == ("activity.gap", {"env": "staging", "revision": missed})
        await wire.set("after", "text")
        assert (await slow.next("activity"))["revision"] == missed + 1


async def test_who_asks_on_without_reading_is_not_answered_until_it_reads(hubs: Hubs) -> None:
    hub = await hubs.start(buffer_bytes=64 * 1024)
    async with hub.connect() as wire, hub.connect() as greedy:
        await wire.create_key("text", "string")
        await wire.set("x" * 60_000, "text")
        greedy.connection.transport.pause_reading()
        asked = {"client_id": "greedy", "service": "greedy", "env": "staging", "namespaces": ["payments"]}
        for number in range(500):
            frame = {"jsonrpc": "2.0", "id": f"answer-{number}", "method": "watch", "params": asked}
            await greedy.send(json.dumps(frame))
        sessions = hub.hub._watching._sessions
        await eventually(lambda: "greedy" in sessions)
        session = sessions["greedy"]
        await eventually(lambda: session.outlet.full)
        for _ in range(10):
            await wire.ask("whoami")
        assert session.outlet.buffered < 1_000_000
        greedy.connection.transport.resume_reading()
        async with asyncio.timeout(WITHIN):
            answers = [await greedy.unasked.get() for _ in range(500)]
    assert [answer["id"] for answer in answers] == [f"answer-{number}" for number in range(500)]
