"""Fetches what the screens show beside the values: one key's story, the fleet of an environment."""

import asyncio
import time
from collections.abc import Sequence
from datetime import UTC, datetime

from setpoint.errors import ProtocolError, RequestFailed, SetpointError
from setpoint_tui.answers import Fleet, History, Key, Receipt, read_answer
from setpoint_tui.feed import Feed
from setpoint_tui.fetching import Unfetched, fetch_change_sets
from setpoint_tui.model.details import Detail
from setpoint_tui.model.keys import KeyId
from setpoint_tui.model.model import Model

__all__ = ["fetch_detail", "fetch_fleet", "fetch_past", "follow_fleet"]

_CHANGES_SHOWN = 8

_FLEET_SECONDS = 2.0
_LARGE_FLEET = 500
_LARGE_FLEET_SECONDS = 10.0
"""Between two looks at a fleet of more instances than that: its listing is hundreds of kilobytes."""
_REACHING_SECONDS = 0.5
"""While a write of ours is on its way to the instances."""
_REACHING_LONGEST = 120.0
_REST_FACTOR = 4.0
"""Rest for at least this many times what a look took."""
_TICK_SECONDS = 0.1


async def fetch_detail(feed: Feed, env: str, key: KeyId) -> None:
    """Fetch a key's values everywhere, its last changes in `env` and who runs its value there.

    Raises SetpointError when the hub is not reached; what it refuses is left out.
    """
    name = {"namespace": key[0], "key": key[1]}
    found, story = await asyncio.gather(
        feed.request("key.get", name),
        feed.request("history", {**name, "env": env, "limit": _CHANGES_SHOWN}),
    )
    values = read_answer(Key, found).environments
    changes = read_answer(History, story).changes
    receipt = await _receipt(feed, env, values[env].revision) if env in values else None
    feed.model.put_detail(env, key, Detail(values, changes, receipt))


async def fetch_fleet(feed: Feed, env: str) -> int:
    """Fetch the instances of an environment; return how many there are."""
    found = read_answer(Fleet, await feed.request("fleet.list", {"env": env}, timeout=30))
    feed.model.put_fleet(env, found.instances, datetime.now(UTC).astimezone())
    return len(found.instances)


async def fetch_past(feed: Feed, env: str, revisions: Sequence[int]) -> None:
    """Fetch change sets of the past for the activity. Raises HubUnreachable; what the hub refuses is put on record."""
    model, history = feed.model, feed.model.history
    for found in await fetch_change_sets(feed.request, env, revisions):
        if model.history != history:
            # The hub is another one by now.
            return
        if isinstance(found, Unfetched):
            model.remember_unfetched(env, found.revision, found.reason)
        else:
            model.remember(found)


async def follow_fleet(feed: Feed) -> None:
    """Keep the fleet of the selected environment current. Runs until cancelled."""
    asked: str | None = None
    asked_at, took, count = 0.0, 0.0, 0
    while True:
        env = feed.model.selection.env
        now = time.monotonic()
        rest = took + max(_fleet_rest(feed.model, env, count, now), _REST_FACTOR * took)
        if env is not None and feed.model.is_live and (env != asked or now >= asked_at + rest):
            asked, asked_at = env, now
            count = await _look_at_fleet(feed, env)
            took = time.monotonic() - now
        await asyncio.sleep(_TICK_SECONDS)


async def _look_at_fleet(feed: Feed, env: str) -> int:
    try:
        return await fetch_fleet(feed, env)
    except (RequestFailed, ProtocolError) as error:
        feed.model.put_fleet_trouble(env, str(error))
    except SetpointError:
        # The feed says what is wrong with the connection.
        pass
    return 0


def _fleet_rest(model: Model, env: str | None, count: int, now: float) -> float:
    newest = model.own.newest
    if newest is not None and newest.env == env and newest.is_reaching and now - newest.at < _REACHING_LONGEST:
        return _REACHING_SECONDS
    return _LARGE_FLEET_SECONDS if count > _LARGE_FLEET else _FLEET_SECONDS


async def _receipt(feed: Feed, env: str, revision: int) -> Receipt | None:
    try:
        return read_answer(Receipt, await feed.request("receipt", {"env": env, "revision": revision}))
    except RequestFailed:
        return None
