"""The fleet: heartbeats land in ConfigWatch in batches, receipts say who runs what."""

import asyncio
from contextlib import AsyncExitStack
from typing import Any

import asyncpg

from setpoint_hub.metrics import STATEMENTS
from support.hubs import Hubs, RunningHub, issue_token
from support.waiting import eventually
from support.wire import Wire, http

Database = "asyncpg.Connection[asyncpg.Record]"

POLL = "/v1/snapshot?env=staging&namespace=payments"


def statements() -> float:
    """Return how many statements the hubs of this process have sent."""
    return float(next(iter(STATEMENTS.collect())).samples[0].value)


async def fleet(wire: Wire, **asked: object) -> dict[str, Any]:
    """Return what is known of each instance, by its client id."""
    return {one["client_id"]: one for one in (await wire.ask("fleet.list", **asked))["instances"]}


async def polled(hub: RunningHub, revision: int | str, client_id: str = "poller-1") -> None:
    """Fetch `payments` as an instance that polls and runs a revision."""
    reply = await hub.get(
        POLL, Setpoint_Client_Id=client_id, Setpoint_Service="billing", Setpoint_Revision=str(revision)
    )
    assert reply.status == 200


async def test_a_watch_and_its_heartbeats_land_in_config_watch(
    wire: Wire, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await wire.set(3)
    await wire.watch(namespaces=["payments", "global"], sdk="test/1", labels={"region": "eu"})
    await wire.heartbeat(1, status="refused", error="too high", source="disk")

    async def written() -> asyncpg.Record | None:
        return await database.fetchrow("SELECT * FROM ConfigWatch WHERE current_version = 1")

    row = await eventually(written)
    assert row is not None
    assert row["labels"] == '{"region": "eu"}'
    assert (row["client_id"], row["service"], row["env"], row["sdk"]) == ("checkout-1", "checkout", "staging", "test/1")
    assert (row["status"], row["error"], row["source"]) == ("refused", "too high", "disk")
    assert sorted(row["namespaces"]) == ["global", "payments"]
    assert (row["connected"], row["left_at"]) == (True, None)


async def test_heartbeats_of_many_are_one_statement_and_quiet_ones_none(
    hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    hub = await hubs.start(poll_seconds=60, watch_flush_seconds=60)
    async with AsyncExitStack() as stack:
        wires = [await stack.enter_async_context(hub.connect()) for _ in range(30)]
        await wires[0].create_key()
        await wires[0].set(3)
        for number, wire in enumerate(wires):
            await wire.watch(f"client-{number}")

        async def cost_of_heartbeats() -> float:
            for wire in wires:
                await wire.heartbeat(1)
                # An answer shows that the heartbeat before it was taken.
                await wire.ask("whoami")
            before = statements()
            await hub.hub._fleet.flush()
            return statements() - before

        assert await cost_of_heartbeats() == 1
        assert await database.fetchval("SELECT count(*) FROM ConfigWatch WHERE current_version = 1") == 30
        assert await cost_of_heartbeats() == 0


async def test_a_quiet_instance_is_refreshed_now_and_then(
    hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    hub = await hubs.start(watch_refresh_seconds=0.1)
    async with hub.connect() as wire:
        await wire.watch()
        first = await eventually(lambda: database.fetchval("SELECT last_seen FROM ConfigWatch"))

        async def refreshed() -> bool:
            await wire.heartbeat(0)
            return bool(await database.fetchval("SELECT last_seen > $1 FROM ConfigWatch", first))

        assert await eventually(refreshed)


async def test_a_receipt_waits_until_every_instance_has_said_so(wire: Wire, hub: RunningHub) -> None:
    async with hub.connect() as one, hub.connect() as two, hub.connect() as elsewhere:
        await one.watch("one")
        await two.watch("two")
        await elsewhere.watch("three", namespaces=["search"])
        setting = asyncio.create_task(wire.set(3, wait=10))
        for instance in (one, two):
            assert not setting.done()
            change = await instance.next()
            await instance.heartbeat(change["revision"], applied_ms_ago=0.5)
        receipt = (await setting)["receipt"]
    assert receipt["complete"]
    assert (receipt["instances"], receipt["current"], receipt["behind"]) == (2, 2, 0)
    assert receipt["behind_instances"] == []
    assert 0 <= receipt["applied_ms"]["p50"] <= receipt["applied_ms"]["max"]


async def test_a_receipt_that_cannot_be_complete_says_who_is_not_current(wire: Wire, hub: RunningHub) -> None:
    async with hub.connect() as one, hub.connect() as two:
        await one.watch("one")
        await two.watch("two")
        setting = asyncio.create_task(wire.set(3, wait=0.3))
        await two.next()
        await two.heartbeat(0, status="refused", error="3 is too high")
        receipt = (await setting)["receipt"]
    assert not receipt["complete"]
    assert (receipt["current"], receipt["behind"], receipt["refused"]) == (0, 1, 1)
    told = {one["client_id"]: (one["state"], one["error"]) for one in receipt["behind_instances"]}
    assert told == {"one": ("behind", None), "two": ("refused", "3 is too high")}


async def test_a_receipt_counts_the_instances_of_other_hubs(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2)
    async with first.connect() as operator, second.connect() as instance:
        await operator.create_key()
        await instance.watch()
        await eventually(lambda: fleet(operator))
        setting = asyncio.create_task(operator.set(3, wait=10))
        await instance.heartbeat((await instance.next())["revision"])
        assert (await setting)["receipt"]["current"] == 1
        assert (await operator.ask("receipt", env="staging", revision=1))["complete"]


async def test_nobody_is_waited_for_when_nobody_watches(wire: Wire) -> None:
    receipt = (await wire.set(3, wait=60))["receipt"]
    assert (receipt["instances"], receipt["complete"]) == (0, True)


async def test_a_set_without_wait_has_no_receipt(wire: Wire) -> None:
    assert "receipt" not in await wire.set(3)


async def test_an_instance_is_current_only_after_it_said_so(wire: Wire) -> None:
    await wire.set(3)
    await wire.watch()
    shown = (await fleet(wire))["checkout-1"]
    assert (shown["state"], shown["revision"], shown["target"]) == ("behind", 0, 1)
    await wire.heartbeat(1)
    assert (await fleet(wire))["checkout-1"]["state"] == "current"
    await wire.set(5)
    assert (await fleet(wire))["checkout-1"]["state"] == "behind"


async def test_a_change_of_other_namespaces_leaves_an_instance_current(wire: Wire) -> None:
    await wire.create_key("zone", "string", "search")
    await wire.set(3)
    await wire.watch()
    await wire.heartbeat(1)
    await wire.set("eu", "zone", namespace="search")
    shown = (await fleet(wire))["checkout-1"]
    assert (shown["state"], shown["revision"], shown["target"]) == ("current", 1, 1)


async def test_an_instance_that_polls_is_shown_as_one_that_polls(wire: Wire, hub: RunningHub) -> None:
    await wire.set(3)
    await polled(hub, 0)
    shown = (await fleet(wire))["poller-1"]
    assert (shown["source"], shown["service"], shown["state"], shown["connected"]) == (
        "poll",
        "billing",
        "behind",
        False,
    )
    await polled(hub, 1)
    assert (await fleet(wire))["poller-1"]["state"] == "current"
    assert (await wire.ask("receipt", env="staging", revision=1))["polling"] == 1


async def test_a_poller_that_asks_for_other_namespaces_watches_those(wire: Wire, hub: RunningHub) -> None:
    await polled(hub, 0)
    named = {"Setpoint_Client_Id": "poller-1", "Setpoint_Service": "billing", "Setpoint_Revision": "0"}
    await hub.get(POLL + "&namespace=search", **named)
    assert (await fleet(wire))["poller-1"]["namespaces"] == ["payments", "search"]


async def test_a_poll_that_does_not_say_who_it_is_is_nobody(wire: Wire, hub: RunningHub) -> None:
    await hub.get(POLL, Setpoint_Client_Id="poller-1", Setpoint_Service="billing")
    await hub.get(POLL, Setpoint_Client_Id="poller-1", Setpoint_Revision="1")
    await hub.get(POLL, Setpoint_Client_Id="poller-1", Setpoint_Service="billing", Setpoint_Revision="-1")
    await hub.get(POLL, Setpoint_Client_Id="p" * 101, Setpoint_Service="billing", Setpoint_Revision="1")
    assert await fleet(wire) == {}


async def test_a_poller_cannot_run_what_has_not_happened(wire: Wire, hub: RunningHub) -> None:
    for revision in ("1", str(10**17), "0" * 30 + "7", "9" * 5000):
        await polled(hub, revision)
    assert await fleet(wire) == {}
    await polled(hub, 0)
    await wire.set(3)
    assert (await fleet(wire))["poller-1"]["state"] == "behind"


async def test_an_instance_without_a_word_for_three_heartbeats_is_silent(hubs: Hubs) -> None:
    hub = await hubs.start(heartbeat_seconds=0.1)
    async with hub.connect() as instance, hub.connect() as operator:
        assert (await instance.watch())["heartbeat_seconds"] == 0.1
        await instance.heartbeat(0)

        async def silent() -> bool:
            return bool((await fleet(operator))["checkout-1"]["state"] == "silent")

        assert await eventually(silent)
        await operator.create_key()
        receipt = (await operator.set(3, wait=60))["receipt"]
        assert (receipt["silent"], receipt["complete"]) == (1, False)


async def test_who_says_goodbye_is_gone_and_who_is_cut_off_is_not(wire: Wire, hub: RunningHub) -> None:
    async with hub.connect() as polite, hub.connect() as cut:
        await polite.watch("polite")
        await cut.watch("cut")
        await polite.connection.close()
        cut.connection.transport.abort()

        async def known() -> bool:
            return {name: one["connected"] for name, one in (await fleet(wire)).items()} == {"cut": False}

        assert await eventually(known)


async def test_an_instance_that_the_hub_sent_away_is_not_gone(
    hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]", database_url: str
) -> None:
    token, token_id = await issue_token(database_url, name="bob")
    hub = await hubs.start()
    async with hub.connect(token) as instance, hub.connect() as operator:
        await instance.watch()
        await database.execute("UPDATE Token SET revoked_at = now() WHERE token_id = $1", token_id)
        await database.execute("UPDATE Installation SET access_revision = access_revision + 1")
        assert (await instance.closed())[0] == 4401

        async def cut_off() -> bool:
            return {name: one["connected"] for name, one in (await fleet(operator)).items()} == {"checkout-1": False}

        assert await eventually(cut_off)


async def test_heartbeats_that_mean_nothing_are_ignored(wire: Wire, hub: RunningHub) -> None:
    async with hub.connect() as unwatched:
        await unwatched.heartbeat(0)
        await unwatched.ask("whoami")
    await wire.set(3)
    await wire.watch()
    for revision in (2, 2**63, -1):
        await wire.heartbeat(revision)
    await wire.tell("heartbeat", revision="1", status="applied", source="push")
    await wire.tell("heartbeat", revision=1, status="done", source="push")
    await wire.tell("heartbeat", revision=1, status="applied", source="push", applied_ms_ago=-5)
    await wire.tell("pulse", revision=1)
    shown = await fleet(wire)
    assert {name: one["revision"] for name, one in shown.items()} == {"checkout-1": 0}


async def test_the_fleet_is_listed_by_environment_and_service(wire: Wire, hub: RunningHub) -> None:
    async with hub.connect() as other:
        await wire.watch("one")
        await other.watch("two", env="production", service="billing")
        assert (await fleet(wire)).keys() == {"one", "two"}
        assert (await fleet(wire, env="staging")).keys() == {"one"}
        assert (await fleet(wire, service="billing")).keys() == {"two"}
        assert (await wire.refusal("fleet.list", env="nowhere")).kind == "not_found"


async def test_who_polls_under_anothers_name_through_another_hub_does_not_speak_for_it(
    hubs: Hubs, database_url: str
) -> None:
    first = await hubs.start()
    # One that has not written yet what it heard: until then nobody tells it that the name is taken.
    second = await hubs.start(watch_flush_seconds=60)
    service, _ = await issue_token(database_url, name="checkout", role="reader")
    other, _ = await issue_token(database_url, name="mallory", role="reader")
    async with first.connect() as admin, second.connect() as operator:
        await admin.create_key()
        async with first.connect_once_known(service) as instance, second.connect_once_known(other) as mallory:
            await instance.watch()
            await admin.set(3)
            await instance.heartbeat(1, status="refused", error="no")

            async def refused() -> bool:
                held = (await fleet(operator)).get("checkout-1", {})
                return bool(held.get("state") == "refused")

            await eventually(refused)
            said = {"Setpoint_Client_Id": "checkout-1", "Setpoint_Service": "checkout", "Setpoint_Revision": "1"}
            assert (await http(second.address, POLL, token=other, **said)).status == 200
            assert await refused()
            assert (await operator.ask("receipt", env="staging", revision=1))["refused"] == 1
            await mallory.watch(revision=1)
            assert await refused()
            again = await operator.set(3, wait=0, env="staging")
            assert again["receipt"]["instances"] == 1
