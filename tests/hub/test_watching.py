"""Watching: resumed from anywhere, ordered and without gaps, one connection per client."""

import asyncio
from contextlib import suppress
from typing import Any

import asyncpg
import pytest
from websockets.exceptions import ConnectionClosed

from support.hubs import Hubs, RunningHub
from support.waiting import eventually
from support.wire import Refused, Wire

_RESTORE = """
    -- What a restore from a backup made at revision 1 does: the triggers do not run.
    SET session_replication_role = replica;
    DELETE FROM Change WHERE revision > 1;
    DELETE FROM ChangeSet WHERE revision > 1;
    DELETE FROM ConfigVersion WHERE version_id NOT IN (SELECT version_id FROM Change);
    UPDATE ConfigVersion SET is_active = true;
    UPDATE Environment e SET revision = 1, head_hash = s.hash FROM ChangeSet s WHERE s.env = e.env;
    SET session_replication_role = DEFAULT;
"""


class Held:
    """What a client holds: follows the contract to the letter, and fails at the first gap."""

    def __init__(self, wire: Wire) -> None:
        self.wire = wire
        self.revision = -1
        self.values: dict[str, Any] = {}
        self.revisions: list[int] = []

    async def watch(self, client_id: str, **asked: Any) -> None:
        told = await self.wire.watch(client_id, **asked)
        assert told["mode"] == "snapshot"
        self._apply(told["namespaces"])
        self.revision = told["revision"]

    async def follow_to(self, revision: int) -> None:
        while self.revision < revision:
            change = await self.wire.next()
            if change["revision"] <= self.revision:
                continue
            assert change["previous"] <= self.revision, f"a gap after {self.revision}: {change}"
            self._apply(change["namespaces"])
            self.revision = change["revision"]
            self.revisions.append(self.revision)

    def _apply(self, namespaces: dict[str, dict[str, Any]]) -> None:
        for keys in namespaces.values():
            for key, entry in keys.items():
                self.values[key] = None if entry is None else entry["value"]


async def test_a_client_resumes_by_what_it_holds(wire: Wire, hub: RunningHub) -> None:
    await wire.create_key("zone", "string", "search")
    await wire.set(3)
    first = await wire.watch()
    assert (first["mode"], first["heartbeat_seconds"]) == ("snapshot", 10)
    await wire.set(5)
    await wire.set("eu", "zone", namespace="search")

    async def resume(**held: object) -> Any:
        async with hub.connect() as again:
            return await again.watch("another", **{"epoch": first["epoch"], **held})

    changes = await resume(revision=1)
    assert (changes["mode"], changes["previous"], changes["revision"]) == ("changes", 1, 3)
    assert changes["namespaces"]["payments"]["max_retries"]["value"] == 5
    assert {(await resume(revision=revision))["mode"] for revision in (2, 3)} == {"current"}
    assert (await resume(revision=4))["mode"] == "snapshot"
    assert (await resume(revision=3, epoch="another"))["mode"] == "snapshot"


async def test_a_client_that_resumes_through_another_hub_misses_nothing(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        await one.set(3)
        told = await one.watch()
        await one.set(4)
        await eventually(lambda: second.revision() == 2)
        resumed = await two.watch(epoch=told["epoch"], revision=told["revision"])
    assert resumed["mode"] == "changes"
    assert resumed["namespaces"]["payments"]["max_retries"]["value"] == 4


async def test_two_hundred_rapid_changes_arrive_in_order_without_a_gap(wire: Wire, hub: RunningHub) -> None:
    async with hub.connect() as watching:
        held = Held(watching)
        await held.watch("checkout-1")
        following = asyncio.create_task(held.follow_to(200))
        for value in range(1, 201):
            await wire.set(value)
        await following
    assert held.revisions == list(range(1, 201))
    assert held.values == {"max_retries": 200}


async def test_clients_that_join_between_racing_changes_miss_none(hubs: Hubs) -> None:
    writing, watched = await hubs.start_many(2)
    async with writing.connect() as wire:
        await wire.create_key()
        await wire.create_key("zone", "int", "search")

        async def write() -> None:
            for value in range(1, 61):
                await asyncio.gather(wire.set(value), wire.set(value, "zone", namespace="search"))

        async def join(number: int) -> dict[str, Any]:
            # Each joins at another moment of the writing.
            await eventually(lambda: watched.revision() >= number * 5)
            async with watched.connect() as other:
                held = Held(other)
                await held.watch(f"client-{number}", namespaces=["search"] if number % 2 else ["search", "payments"])
                await eventually(lambda: watched.revision() == 120)
                # The last frame of a client is of the last revision that touched what it watches.
                last = watched.hub._follower.replicas["staging"].touched(["search"])
                await held.follow_to(last if number % 2 else 120)
                return held.values

        _, *results = await asyncio.gather(write(), *(join(number) for number in range(12)))
    for number, values in enumerate(results):
        assert values == ({"zone": 60} if number % 2 else {"zone": 60, "max_retries": 60})


async def test_a_watcher_hears_of_its_own_namespaces_only(wire: Wire) -> None:
    await wire.create_key("zone", "string", "search")
    await wire.watch(namespaces=["search"])
    await wire.set(3)
    await wire.set("eu", "zone", namespace="search")
    seen = await wire.next()
    assert (seen["previous"], seen["revision"], list(seen["namespaces"])) == (0, 2, ["search"])


async def test_a_watcher_hears_of_its_own_environment_only(wire: Wire) -> None:
    await wire.watch(env="development")
    await wire.set(3)
    await wire.set(9, env="development")
    seen = await wire.next()
    assert (seen["env"], seen["namespaces"]["payments"]["max_retries"]["value"]) == ("development", 9)


async def test_previous_is_the_last_revision_that_touched_any_watched_namespace(wire: Wire) -> None:
    await wire.create_key("zone", "string", "search")
    await wire.create_key("other", "int", "other")
    await wire.watch(namespaces=["search", "payments"])
    await wire.set(1)
    await wire.set(1, "other", namespace="other")
    await wire.set("eu", "zone", namespace="search")
    frames = [await wire.next() for _ in range(2)]
    assert [(frame["previous"], frame["revision"]) for frame in frames] == [(0, 1), (1, 3)]


async def test_a_deleted_key_is_null_to_a_watcher(wire: Wire) -> None:
    await wire.set(3)
    await wire.watch()
    await wire.delete()
    assert (await wire.next())["namespaces"] == {"payments": {"max_retries": None}}


async def test_a_client_may_watch_again_on_its_connection(wire: Wire) -> None:
    await wire.create_key("zone", "string", "search")
    await wire.watch()
    await wire.watch(namespaces=["search"])
    await wire.set(3)
    await wire.set("eu", "zone", namespace="search")
    assert list((await wire.next())["namespaces"]) == ["search"]


async def test_a_connection_watches_as_one_client(wire: Wire) -> None:
    await wire.watch("checkout-1")
    with pytest.raises(Refused) as refused:
        await wire.watch("checkout-2")
    assert refused.value.code == -32602


async def test_the_same_client_anew_closes_the_older_connection(wire: Wire, hub: RunningHub) -> None:
    await wire.watch("checkout-1")
    async with hub.connect() as anew:
        await anew.watch("checkout-1")
        code, reason = await wire.closed()
        assert (code, reason) == (4409, "the same client_id connected anew")
        await anew.set(3)
        assert (await anew.next())["revision"] == 1


async def test_the_same_client_at_another_hub_closes_the_older_connection(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2, watch_refresh_seconds=0.1)
    async with first.connect() as old, second.connect() as anew:
        await old.watch("checkout-1")
        await eventually(lambda: first.hub._fleet.find("checkout-1") and not first.hub._fleet._unwritten)
        await anew.watch("checkout-1")

        async def closed() -> int | None:
            with suppress(ConnectionClosed):
                await old.heartbeat(0)
            return old.connection.close_code

        assert await eventually(closed) == 4409
        found = (await anew.ask("fleet.list"))["instances"]
        assert [(one["client_id"], one["hub"]) for one in found] == [("checkout-1", str(second.hub.id))]


async def test_after_a_restore_everyone_watches_again_under_a_new_epoch(
    hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    first, second = await hubs.start_many(2)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        for value in (3, 5, 7):
            await one.set(value)
        await eventually(lambda: second.revision() == 3)
        before = [await wire.watch(f"client-{number}") for number, wire in enumerate((one, two))]
        tag = (await first.get("/v1/snapshot?env=staging&namespace=payments")).headers["etag"]

        await database.execute(_RESTORE)
        epochs = {(await wire.next())["epoch"] for wire in (one, two)}
        assert len(epochs) == 1
        assert epochs.isdisjoint({told["epoch"] for told in before})

        for number, wire in enumerate((one, two)):
            again = await wire.watch(f"client-{number}", epoch=before[0]["epoch"], revision=3)
            assert (again["mode"], again["revision"], again["epoch"]) == ("snapshot", 1, *epochs)
            assert again["namespaces"]["payments"]["max_retries"]["value"] == 3
        assert (await first.get("/v1/snapshot?env=staging&namespace=payments", If_None_Match=tag)).status == 200
        assert (await two.set(9))["revision"] == 2
        assert (await one.next())["previous"] == 1


async def test_activity_shows_every_change_set_of_all_environments(wire: Wire) -> None:
    assert (await wire.ask("activity.watch"))["environments"] == {"development": 0, "staging": 0, "production": 0}
    first = await wire.set(3, note="first")
    await wire.set(9, env="development")
    seen = [await wire.next("activity") for _ in range(2)]
    assert [(one["env"], one["revision"]) for one in seen] == [("staging", 1), ("development", 1)]
    assert (seen[0]["changes"], seen[0]["change_set"]) == (first["changes"], first["change_set"])
    assert (seen[0]["how"], seen[0]["note"], seen[0]["by"]["name"]) == ("set", "first", "admin")


async def test_activity_of_one_environment_leaves_out_the_others(wire: Wire) -> None:
    assert (await wire.ask("activity.watch", env="development"))["environments"] == {"development": 0}
    await wire.set(3)
    await wire.set(9, env="development")
    assert (await wire.next("activity"))["env"] == "development"
