"""The feed: what it makes of hubs that misbehave, fall silent, refuse, or are others than before."""

import asyncio
from typing import Any

import pytest

from setpoint.errors import HubUnreachable, RequestFailed
from setpoint_tui.feed import Feed, Pace
from setpoint_tui.model.link_state import Live, Offline, Refused, Stalled
from setpoint_tui.model.place import Loading
from support.waiting import eventually
from tui.feeding import QUICK, following
from tui.scripted_hub import HangUp
from tui.small_hub import SmallHub, change_set, small_hub

CALM = Pace(first_delay=0.001, longest_delay=0.02, refused_delay=0.05, beat=30)
"""Beats hide what notifications alone bring about."""


def held(feed: Feed, env: str = "staging") -> dict[str, Any]:
    place = feed.model.places.get(env)
    held = {} if place is None else place.held
    return {key: (one.value, one.version, one.revision) for (_, key), one in held.items()}


async def in_step(feed: Feed, hub: SmallHub) -> None:
    """Wait until staging is what the hub holds."""

    def is_same() -> bool:
        assert held(feed) == hub.values()
        assert feed.model.revision("staging") == len(hub.logs["staging"])
        return True

    await eventually(is_same)


async def loaded(feed: Feed) -> None:
    await eventually(lambda: feed.model.is_live)
    await feed.load("staging")
    assert feed.model.places["staging"].loading is Loading.COMPLETE


async def test_what_commits_is_applied_at_once() -> None:
    async with small_hub() as hub, following(hub.hub.connection, pace=CALM) as feed:
        await loaded(feed)
        await hub.tell("max_retries", 5)
        await in_step(feed, hub)
        await hub.tell("max_retries", None)
        await in_step(feed, hub)
        assert held(feed) == {}


@pytest.mark.parametrize(
    "params",
    [
        {},
        {"env": "staging"},
        {**change_set(2), "revision": "two"},
        {**change_set(2), "changes": {"a": 1}},
        {**change_set(2), "changes": [{"namespace": "payments"}]},
        {**change_set(2), "by": None},
        {**change_set(2), "at": "yesterday"},
        {**change_set(2), "env": 7},
        {**change_set(2), "revision": None},
    ],
)
async def test_a_notification_that_cannot_be_read_is_told_and_passed_over(params: dict[str, Any]) -> None:
    async with small_hub() as hub, following(hub.hub.connection, pace=CALM) as feed:
        await loaded(feed)
        await hub.hub.notify("activity", params)
        await eventually(lambda: feed.model.notices.last and "not understood" in feed.model.notices.last.text)
        await hub.tell("max_retries", 5)
        await in_step(feed, hub)
        assert hub.hub.times_asked("activity.watch") == 1


async def test_a_revision_as_text_that_is_a_number_is_one() -> None:
    async with small_hub() as hub, following(hub.hub.connection, pace=CALM) as feed:
        await loaded(feed)
        told = hub.commit("max_retries", 5)
        await hub.hub.notify("activity", {**told, "revision": "2", "something": "new"})
        await in_step(feed, hub)


@pytest.mark.parametrize("params", [{}, {"env": "staging"}, {"env": "staging", "revision": []}, {"revision": 5}])
async def test_a_gap_that_says_nothing_changes_nothing(params: dict[str, Any]) -> None:
    async with small_hub() as hub, following(hub.hub.connection, pace=CALM) as feed:
        await loaded(feed)
        await hub.hub.notify("activity.gap", params)
        await hub.hub.notify("something.unknown", {"env": "staging"})
        await hub.hub.notify("activity.gap", {"env": "nowhere", "revision": 5})
        await hub.tell("max_retries", 5)
        await in_step(feed, hub)


async def test_a_gap_is_filled_from_the_log() -> None:
    async with small_hub() as hub, following(hub.hub.connection, pace=CALM) as feed:
        await loaded(feed)
        for value in range(20):
            hub.commit(f"key_{value % 3}", value)
        await hub.hub.notify("activity.gap", {"env": "staging", "revision": 21})
        await in_step(feed, hub)
        assert feed.model.activity.gaps("staging", 21) == feed.model.activity.gaps("staging", 1)
        assert len(feed.model.activity) == 20


async def test_a_gap_of_which_a_part_is_refused_is_loaded_anew_and_stays_on_record() -> None:
    async with small_hub() as hub, following(hub.hub.connection, pace=CALM) as feed:
        await loaded(feed)
        give = hub.hub.answers["change_set.get"]

        def refuse_one(params: dict[str, Any]) -> Any:
            if params["revision"] == 3:
                raise RequestFailed("this part of the log is being moved", kind="unavailable")
            return give(params)

        hub.hub.answers["change_set.get"] = refuse_one
        for value in range(4):
            hub.commit("max_retries", value)
        await hub.hub.notify("activity.gap", {"env": "staging", "revision": 5})
        await in_step(feed, hub)
        refused = [gap for gap in feed.model.activity.gaps("staging", 5) if gap.reason]
        assert [(gap.first, gap.last, gap.reason) for gap in refused] == [(3, 3, "this part of the log is being moved")]


async def test_what_nobody_told_of_is_found_by_the_beat() -> None:
    async with small_hub() as hub, following(hub.hub.connection) as feed:
        await loaded(feed)
        hub.commit("max_retries", 9)
        await in_step(feed, hub)


async def test_a_new_environment_comes_with_its_first_change_set() -> None:
    async with small_hub() as hub, following(hub.hub.connection, pace=CALM) as feed:
        await loaded(feed)
        hub.logs["production"] = []
        await hub.tell("max_retries", 1, env="production")
        await eventually(lambda: "production" in feed.model.environments)
        await feed.load("production")
        assert held(feed, "production") == hub.values("production")


async def test_another_epoch_drops_what_was_held() -> None:
    async with small_hub() as hub, following(hub.hub.connection) as feed:
        await loaded(feed)
        hub.epoch = "e2"
        hub.logs["staging"] = []
        hub.commit("max_retries", 77)
        await eventually(lambda: held(feed) == hub.values())
        await hub.tell("max_retries", 78)
        await in_step(feed, hub)


@pytest.mark.parametrize("frame", ["{", "[]", '{"jsonrpc":"2.0"}', '{"jsonrpc":"2.0","method":5}', "[" * 100_000])
async def test_a_frame_that_is_none_ends_the_connection_and_not_the_feed(frame: str) -> None:
    async with small_hub() as hub, following(hub.hub.connection) as feed:
        await loaded(feed)
        await hub.hub.send_text(frame)
        await eventually(lambda: hub.hub.times_asked("activity.watch") == 2)
        await hub.tell("max_retries", 5)
        await in_step(feed, hub)


@pytest.mark.parametrize("method", ["activity.watch", "whoami", "hub.status", "environment.list", "key.list"])
@pytest.mark.parametrize("answer", [None, [], {"environments": 5}, {"keys": [{}]}])
async def test_an_answer_that_is_none_is_told_and_asked_for_again(method: str, answer: object) -> None:
    async with small_hub() as hub:
        right = hub.hub.answers[method]
        hub.hub.answers[method] = lambda _: answer
        async with following(hub.hub.connection) as feed:
            feed.model.selection.env = "staging"
            state = await eventually(lambda: feed.model.link if isinstance(feed.model.link, Offline) else None)
            assert state is not None
            assert "not understood" in state.reason
            hub.hub.answers[method] = right
            await in_step(feed, hub)


async def test_a_revoked_token_is_said_and_the_data_stay() -> None:
    async with small_hub() as hub, following(hub.hub.connection, pace=CALM) as feed:
        await loaded(feed)
        right = hub.hub.answers["activity.watch"]

        def refuse(_: dict[str, Any]) -> Any:
            raise HangUp(4401, "this token was revoked")

        hub.hub.answers["activity.watch"] = refuse
        await hub.hub.hang_up(4401, "this token was revoked")
        state = await eventually(lambda: feed.model.link if isinstance(feed.model.link, Refused) else None)
        assert state is not None
        assert "revoked" in state.reason
        assert held(feed) == hub.values()
        hub.hub.answers["activity.watch"] = right
        await eventually(lambda: feed.model.is_live)


async def test_a_hub_that_stands_still_is_stalled_and_then_live_again() -> None:
    go_on = asyncio.Event()
    pace = Pace(first_delay=0.001, beat=0.01)
    async with small_hub() as hub, following(hub.hub.connection, pace=pace) as feed:
        await loaded(feed)
        right = hub.hub.answers["hub.status"]

        async def wait(params: dict[str, Any]) -> Any:
            await go_on.wait()
            return right(params)

        hub.hub.answers["hub.status"] = wait
        await eventually(lambda: isinstance(feed.model.link, Stalled))
        assert held(feed) == hub.values()
        go_on.set()
        await eventually(lambda: isinstance(feed.model.link, Live))


async def test_a_listing_that_the_hub_refuses_is_tried_again_by_itself() -> None:
    async with small_hub() as hub:
        right = hub.hub.answers["key.list"]

        def refuse(_: dict[str, Any]) -> Any:
            raise RequestFailed("the database is away for a moment", kind="unavailable")

        hub.hub.answers["key.list"] = refuse
        async with following(hub.hub.connection, pace=Pace(first_delay=0.001, beat=0.01)) as feed:
            feed.model.selection.env = "staging"
            await eventually(lambda: feed.model.is_live)
            assert feed.model.places["staging"].trouble == "the database is away for a moment"
            hub.hub.answers["key.list"] = right
            await in_step(feed, hub)


async def test_going_over_to_another_hub_leaves_nothing_of_the_former() -> None:
    async with small_hub() as first, small_hub() as second, following(first.hub.connection) as feed:
        for value in range(50):
            first.commit("only_there", value)
        await loaded(feed)
        feed.use(second.hub.connection)
        assert feed.model.places == {}
        feed.model.selection.env = "staging"
        await in_step(feed, second)
        await second.tell("max_retries", 4)
        await in_step(feed, second)


async def test_going_over_while_a_connection_is_being_made_does_not_end_at_the_former_hub() -> None:
    asked, answer = asyncio.Event(), asyncio.Event()
    async with small_hub() as first, small_hub() as second:
        second.commit("only_here", 1)

        async def slow(_: dict[str, Any]) -> Any:
            asked.set()
            await answer.wait()
            return {"environments": {}}

        first.hub.answers["activity.watch"] = slow
        async with following(first.hub.connection) as feed:
            await asked.wait()
            feed.use(second.hub.connection)
            answer.set()
            feed.model.selection.env = "staging"
            await in_step(feed, second)


async def test_without_a_connection_requests_say_so_and_a_wish_to_load_is_kept() -> None:
    async with small_hub() as hub:
        ready = asyncio.Event()
        right = hub.hub.answers["activity.watch"]

        async def wait(params: dict[str, Any]) -> Any:
            await ready.wait()
            return right(params)

        hub.hub.answers["activity.watch"] = wait
        async with following(hub.hub.connection, pace=QUICK) as feed:
            with pytest.raises(HubUnreachable):
                await feed.request("whoami", {})
            with pytest.raises(HubUnreachable):
                await feed.resync()
            await feed.load("staging")
            ready.set()
            await loaded(feed)
            await in_step(feed, hub)
