"""Following changes: each once, in order, across lost connections."""

from typing import Any

import pytest

from setpoint.errors import HubUnreachable, RequestFailed
from setpoint_tui import activity
from setpoint_tui.activity import Followed, Following, Happened, Lost, Skipped, follow
from tui.scripted_hub import ScriptedHub, scripted_hub


def change_set(revision: int, env: str = "staging") -> dict[str, Any]:
    by = {"id": 1, "name": "alice"}
    return {
        "env": env,
        "revision": revision,
        "change_set": f"c{revision}",
        "how": "set",
        "by": by,
        "note": "",
        "at": "2026-02-03T04:05:06Z",
        "changes": [],
    }


def standing_at(*revisions: int) -> Any:
    """Answers of `activity.watch`, one for each connection."""
    left = iter(revisions)
    return lambda _params: {"environments": {"staging": next(left)}}


def prepare(hub: ScriptedHub) -> None:
    hub.answers["change_set.get"] = lambda params: change_set(params["revision"])


@pytest.fixture(autouse=True)
def at_once(monkeypatch: pytest.MonkeyPatch) -> None:
    """Reconnect without a pause."""
    monkeypatch.setattr(activity, "_FIRST_DELAY", 0.0)


def told(events: list[Followed]) -> list[Any]:
    """The revisions that were told, and the names of other events."""
    return [event.change_set.revision if isinstance(event, Happened) else type(event) for event in events]


async def take(events: Any, number: int) -> list[Followed]:
    return [await anext(events) for _ in range(number)]


async def test_changes_are_told_as_they_happen() -> None:
    async with scripted_hub(activity_watch=standing_at(4)) as hub:
        events = follow(hub.connection, "staging")
        first = await anext(events)
        await hub.notify("activity", change_set(5))
        await hub.notify("something.new", {})
        await hub.notify("activity", change_set(6))
        more = await take(events, 2)
        await events.aclose()

    assert first == Following({"staging": 4})
    assert told(more) == [5, 6]
    assert hub.asked[0] == ("activity.watch", {"env": "staging"})


async def test_what_was_missed_while_the_connection_was_lost_is_fetched() -> None:
    async with scripted_hub(activity_watch=standing_at(4, 7)) as hub:
        prepare(hub)
        events = follow(hub.connection, None)
        await anext(events)
        await hub.notify("activity", change_set(5))
        seen = await take(events, 1)
        await hub.hang_up(1001)
        seen += await take(events, 4)
        await events.aclose()

    assert told(seen) == [5, Lost, Following, 6, 7]


async def test_a_gap_that_the_hub_tells_of_is_filled() -> None:
    async with scripted_hub(activity_watch=standing_at(4)) as hub:
        prepare(hub)
        events = follow(hub.connection, "staging")
        await anext(events)
        await hub.notify("activity.gap", {"env": "staging", "revision": 6})
        await hub.notify("activity", change_set(6))
        await hub.notify("activity", change_set(8))
        seen = await take(events, 4)
        await events.aclose()

    assert told(seen) == [5, 6, 7, 8]


async def test_of_a_gap_too_wide_to_fetch_the_size_is_told() -> None:
    async with scripted_hub(activity_watch=standing_at(0)) as hub:
        prepare(hub)
        events = follow(hub.connection, "staging")
        await anext(events)
        await hub.notify("activity.gap", {"env": "staging", "revision": 1_000})
        seen = await take(events, 2)
        await events.aclose()

    assert seen[0] == Skipped("staging", 1, 800)
    assert told(seen[1:]) == [801]


async def test_an_environment_that_is_new_is_told_from_its_first_change() -> None:
    async with scripted_hub(activity_watch=standing_at(4)) as hub:
        events = follow(hub.connection, None)
        await anext(events)
        await hub.notify("activity", change_set(1, "qa"))
        seen = await take(events, 1)
        await events.aclose()

    assert told(seen) == [1]


async def test_a_hub_that_is_not_there_at_first_is_an_error() -> None:
    async with scripted_hub() as hub:
        connection = hub.connection
    with pytest.raises(HubUnreachable):
        await anext(follow(connection, None))


async def test_a_refusal_is_an_error_at_any_time() -> None:
    answers = iter([{"environments": {"staging": 1}}])

    def answer(_params: dict[str, Any]) -> Any:
        for found in answers:
            return found
        raise RequestFailed("no longer", kind="forbidden")

    async with scripted_hub(activity_watch=answer) as hub:
        events = follow(hub.connection, "staging")
        await anext(events)
        await hub.hang_up(1001)
        assert isinstance(await anext(events), Lost)
        with pytest.raises(RequestFailed, match="no longer"):
            await anext(events)
