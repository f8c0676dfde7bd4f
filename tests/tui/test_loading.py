"""Loading: what is asked for how often, and what is fetched when the log has a gap."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest

from setpoint.errors import HubUnreachable
from setpoint_tui.answers import PastChangeSet, read_answer
from setpoint_tui.fetching import AT_ONCE, Unfetched, each, fetch_change_sets
from setpoint_tui.link import HubLink
from setpoint_tui.loading import Loader
from setpoint_tui.model.model import Model
from setpoint_tui.model.place import Loading
from tui.scripted_hub import HangUp
from tui.small_hub import SmallHub, change_set, small_hub


@asynccontextmanager
async def loader_of(hub: SmallHub) -> AsyncGenerator[tuple[Loader, Model]]:
    model = Model()
    async with HubLink.open(hub.hub.connection) as link:
        loader = Loader(model, link)
        await loader.refresh_environments()
        yield loader, model


async def test_two_wishes_for_one_environment_are_one_listing() -> None:
    async with small_hub() as hub, loader_of(hub) as (loader, model):
        await asyncio.gather(loader.load("staging"), loader.load("staging"))
        await loader.load("staging")
        assert hub.hub.times_asked("key.list") == 1
        assert model.places["staging"].loading is Loading.COMPLETE


async def test_an_environment_that_is_none_is_not_asked_for() -> None:
    async with small_hub() as hub, loader_of(hub) as (loader, _):
        await loader.load("nowhere")
        await loader.fill_gap("nowhere", 5)
        assert hub.hub.times_asked("key.list") == 0


async def test_pages_are_asked_for_until_the_last() -> None:
    async with small_hub() as hub, loader_of(hub) as (loader, model):
        first = hub.hub.answers["key.list"]

        def paged(params: dict[str, Any]) -> Any:
            after = params.get("after")
            number = 0 if after is None else int(after[1])
            key = {"namespace": "payments", "key": str(number + 1), "type": "int", "value": 1, "version": "v"}
            more = ["payments", str(number + 1)] if number < 2 else None
            return {"keys": [{**key, "revision": 1, "at": "2026-02-03T04:00:00Z"}], "next": more}

        assert first is not None
        hub.hub.answers["key.list"] = paged
        await loader.load("staging")
        assert sorted(model.places["staging"].held) == [("payments", str(number)) for number in (1, 2, 3)]


async def test_a_change_set_beyond_the_next_brings_those_between() -> None:
    async with small_hub() as hub, loader_of(hub) as (loader, model):
        await loader.load("staging")
        told = [hub.commit("max_retries", value) for value in range(5)]
        await loader.take(read_answer(PastChangeSet, told[-1]))
        assert [one.revision for one in model.activity] == [2, 3, 4, 5, 6]
        assert model.revision("staging") == 6


async def test_a_gap_of_what_is_not_loaded_is_not_fetched() -> None:
    async with small_hub() as hub, loader_of(hub) as (loader, model):
        told = [hub.commit("max_retries", value) for value in range(5)]
        await loader.take(read_answer(PastChangeSet, told[-1]))
        assert hub.hub.times_asked("change_set.get") == 0
        assert model.revision("staging") == 6


async def test_a_gap_that_shows_while_pages_are_read_is_filled_after_the_last() -> None:
    reading, go_on = asyncio.Event(), asyncio.Event()
    async with small_hub() as hub, loader_of(hub) as (loader, model):
        right = hub.hub.answers["key.list"]

        async def slow(params: dict[str, Any]) -> Any:
            early = right(params)
            reading.set()
            await go_on.wait()
            return early

        hub.hub.answers["key.list"] = slow
        listing = asyncio.create_task(loader.load("staging"))
        await reading.wait()
        told = [hub.commit("max_retries", value) for value in (7, 8, 9)]
        taking = asyncio.create_task(loader.take(read_answer(PastChangeSet, told[-1])))
        go_on.set()
        await asyncio.gather(listing, taking)
        assert model.places["staging"].held["payments", "max_retries"].value == 9
        assert [one.revision for one in model.activity] == [2, 3, 4]


async def test_a_connection_that_ends_while_pages_are_read_leaves_the_environment_to_be_loaded_again() -> None:
    async with small_hub() as hub, loader_of(hub) as (loader, model):

        def hang_up(_: dict[str, Any]) -> Any:
            raise HangUp

        hub.hub.answers["key.list"] = hang_up
        with pytest.raises(HubUnreachable):
            await loader.load("staging")
        assert model.places["staging"].loading is Loading.NOT_ASKED
        assert model.places["staging"].wanted


async def test_keys_that_a_change_set_brings_are_asked_for_a_few_at_a_time() -> None:
    most = now = 0
    async with small_hub() as hub, loader_of(hub) as (loader, model):

        async def get(params: dict[str, Any]) -> Any:
            nonlocal most, now
            now += 1
            most = max(most, now)
            await asyncio.sleep(0)
            now -= 1
            return {"namespace": params["namespace"], "key": params["key"], "type": "int"}

        hub.hub.answers["key.get"] = get
        changes = [{"namespace": "n", "key": f"k{number}", "type": "int", "new": 1, "version": "v",
                    "previous_version": None} for number in range(40)]  # fmt: skip
        await loader.take(read_answer(PastChangeSet, change_set(2, *changes)))
        assert len(model.facts) == 40
        assert most <= AT_ONCE


async def test_what_the_hub_does_not_give_is_returned_as_such() -> None:
    async with small_hub() as hub, HubLink.open(hub.hub.connection) as link:
        found = await fetch_change_sets(link.request, "staging", [1, 2])
        assert isinstance(found[0], PastChangeSet)
        assert found[1] == Unfetched(2, "there is no such revision")


async def test_the_first_error_ends_the_others_and_is_raised_as_it_is() -> None:
    ended = asyncio.Event()

    async def work(number: int) -> int:
        if number == 3:
            raise HubUnreachable("gone")
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()
        return number

    with pytest.raises(HubUnreachable, match="gone"):
        await each(work, range(5))
    assert ended.is_set()
