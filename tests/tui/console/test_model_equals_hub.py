"""Whatever happens to the connection, the model ends up as what the hub holds, and the feed goes on."""

import asyncio
import random
from typing import Any

import asyncpg
import pytest

from setpoint_tui.address import parse_address
from setpoint_tui.connection import Connection
from setpoint_tui.feed import Feed
from setpoint_tui.model.link_state import Offline
from support.cutting import CuttingProxy, cutting_proxy
from support.hubs import Hubs, RunningHub
from support.waiting import eventually
from support.wire import Refused, Wire
from tui.console.running import connection_to
from tui.feeding import ENVIRONMENTS, following, hub_holds, model_holds, same_as

DISCONNECTS = 200


class Somebody:
    """Writes whatever comes to mind, over a connection of its own."""

    def __init__(self, wire: Wire, dice: random.Random) -> None:
        self._wire = wire
        self._dice = dice
        self._keys: list[tuple[str, str]] = []
        self.done = 0

    async def act(self) -> None:
        """Do one thing. What is refused is done otherwise next time."""
        try:
            if len(self._keys) < 3 or self._dice.random() < 0.05:
                await self._create()
            elif self._dice.random() < 0.1:
                await self._roll_back()
            else:
                await self._set()
        except Refused:
            return
        self.done += 1

    async def _create(self) -> None:
        name = (self._dice.choice(["payments", "search", "global"]), f"key_{len(self._keys)}")
        await self._wire.create_key(name[1], namespace=name[0])
        self._keys.append(name)

    async def _set(self) -> None:
        chosen = self._dice.sample(self._keys, self._dice.randint(1, 3))
        changes: list[dict[str, Any]] = [self._change(*name) for name in chosen]
        await self._wire.set_all(changes, env=self._env())

    def _change(self, namespace: str, key: str) -> dict[str, Any]:
        change: dict[str, Any] = {"namespace": namespace, "key": key}
        return change | ({"delete": True} if self._dice.random() < 0.3 else {"value": self._dice.randint(0, 9)})

    async def _roll_back(self) -> None:
        env = self._env()
        await self._wire.ask("rollback", env=env, change_set=await self._wire.revision(env), note="")

    def _env(self) -> str:
        return self._dice.choice(ENVIRONMENTS)


def port_of(hub: RunningHub) -> int:
    return parse_address(hub.address).port


def connection_through(proxy: CuttingProxy, hub: RunningHub) -> Connection:
    return Connection(parse_address(proxy.address), hub.token, "the test")


async def load_everything(feed: Feed) -> None:
    await eventually(lambda: set(feed.model.places) == set(ENVIRONMENTS))
    for env in ENVIRONMENTS:
        feed.model.places[env].wanted = True


@pytest.mark.parametrize("seed", [1, 2])
async def test_after_any_number_of_cuts_at_any_byte_the_model_is_what_the_hub_holds(hub: RunningHub, seed: int) -> None:
    dice = random.Random(seed)
    async with (
        hub.connect() as wire,
        cutting_proxy(port_of(hub), lambda: None) as proxy,
        following(connection_through(proxy, hub)) as feed,
    ):
        somebody = Somebody(wire, dice)
        await load_everything(feed)
        # Now and then long enough to be live for a while, mostly cut while it is catching up.
        proxy.allowance = lambda: dice.randint(1, 3_000) * dice.choice([1, 1, 1, 4])
        proxy.cut()
        while proxy.cuts < DISCONNECTS or somebody.done < 100:
            await somebody.act()
        proxy.heal()
        await same_as(wire, feed.model)
        await somebody.act()
        await same_as(wire, feed.model)


async def test_a_long_absence_is_caught_up_by_loading_anew_and_says_what_it_skipped(hub: RunningHub) -> None:
    async with (
        hub.connect() as wire,
        cutting_proxy(port_of(hub), lambda: None) as proxy,
        following(connection_through(proxy, hub)) as feed,
    ):
        await load_everything(feed)
        await wire.create_key()
        await wire.set(1)
        await same_as(wire, feed.model)
        proxy.allowance = lambda: 1
        proxy.cut()
        await eventually(lambda: isinstance(feed.model.link, Offline))
        for value in range(250):
            await wire.set(value)
        proxy.heal()
        await same_as(wire, feed.model)
        gaps = feed.model.activity.gaps("staging", feed.model.revision("staging"))
        assert [(gap.first, gap.last) for gap in gaps] == [(2, 251)]


async def test_a_hub_that_is_restarted_is_followed_again(hubs: Hubs) -> None:
    first = await hubs.start()
    port = port_of(first)
    async with following(connection_to(first)) as feed:
        async with first.connect() as wire:
            await load_everything(feed)
            await wire.create_key()
            await wire.set(1)
            await same_as(wire, feed.model)
        await hubs.stop()
        await eventually(lambda: isinstance(feed.model.link, Offline))
        held = model_holds(feed.model, "staging")
        second = await hubs.start(port=port)
        async with second.connect() as wire:
            assert held == await hub_holds(wire, "staging")
            await wire.set(2)
            await same_as(wire, feed.model)


async def test_a_restored_database_is_another_history(hub: RunningHub, database_url: str) -> None:
    async with hub.connect() as wire, following(connection_to(hub)) as feed:
        await load_everything(feed)
        await wire.create_key()
        await wire.set(1)
        await same_as(wire, feed.model)
        assert len(feed.model.activity) == 1
        connection = await asyncpg.connect(database_url, timeout=10)
        await connection.execute("UPDATE Installation SET epoch = gen_random_uuid()")
        await connection.close(timeout=5)
        await eventually(lambda: len(feed.model.activity) == 0)
        async with hub.connect() as again:
            await same_as(again, feed.model)


async def test_many_events_are_taken_while_an_environment_is_listed_again_and_again(hub: RunningHub) -> None:
    dice = random.Random(7)
    async with hub.connect() as wire, following(connection_to(hub)) as feed:
        await load_everything(feed)
        somebody = Somebody(wire, dice)
        await eventually(lambda: feed.model.is_live)

        async def reload() -> None:
            while somebody.done < 150:
                await feed.resync()

        reloading = asyncio.create_task(reload())
        while somebody.done < 150:
            await somebody.act()
        await reloading
        await same_as(wire, feed.model)
