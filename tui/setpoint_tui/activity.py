"""The changes of an environment, or of all, as they happen, across lost connections and restarts of the hub."""

import asyncio
import random
import time
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

from setpoint.errors import HubUnreachable, RequestFailed
from setpoint.protocol.jsonrpc import Call
from setpoint_tui.answers import Answer, PastChangeSet, read_answer
from setpoint_tui.connection import Connection
from setpoint_tui.link import HubLink
from setpoint_tui.mailbox import Missed

__all__ = ["Followed", "Following", "Happened", "Lost", "Skipped", "follow"]

_FIRST_DELAY = 0.5
_LONGEST_DELAY = 5.0
_STABLE_SECONDS = 10.0
"""A connection that lasted this long starts the delays anew; one that is cut at once does not."""

_MOST_CAUGHT_UP = 200
"""Change sets that are fetched after a gap, one request each; of more, only the number is told."""


@dataclass(frozen=True, slots=True)
class Following:
    """The hub is reached, and the environments stand at these revisions."""

    revisions: dict[str, int]


@dataclass(frozen=True, slots=True)
class Happened:
    """A change set, as read and as it came."""

    change_set: PastChangeSet
    raw: dict[str, Any]


@dataclass(frozen=True, slots=True)
class Skipped:
    """Change sets `first` to `last` were not seen and are too many to fetch."""

    env: str
    first: int
    last: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The hub is not reached; it is tried again after `delay` seconds."""

    reason: str
    delay: float


Followed = Following | Happened | Skipped | Lost


class _Revisions(Answer):
    environments: dict[str, int]


class _Gap(Answer):
    env: str
    revision: int


async def follow(connection: Connection, env: str | None) -> AsyncGenerator[Followed]:
    """Yield what happens, each change set of an environment once and in order, for ever.

    What happened while the connection was lost is fetched from the log. Raises RequestFailed when the hub
    refuses, and HubUnreachable when it is not reached the first time.
    """
    seen: dict[str, int] = {}
    delay = _FIRST_DELAY
    while True:
        started = time.monotonic()
        try:
            async with HubLink.open(connection) as link:
                async for event in _follow_once(link, env, seen):
                    yield event
        except (HubUnreachable, RequestFailed) as error:
            refused = isinstance(error, RequestFailed) and error.kind != "unavailable"
            if refused or not seen:
                raise
            if time.monotonic() - started > _STABLE_SECONDS:
                delay = _FIRST_DELAY
            pause = random.uniform(0, delay)  # noqa: S311 - spreads reconnects, guards nothing
            yield Lost(str(error), pause)
            await asyncio.sleep(pause)
            delay = min(delay * 2, _LONGEST_DELAY)


async def _follow_once(link: HubLink, env: str | None, seen: dict[str, int]) -> AsyncGenerator[Followed]:
    params = {} if env is None else {"env": env}
    standing = read_answer(_Revisions, await link.request("activity.watch", params)).environments
    yield Following(dict(standing))
    for name, revision in standing.items():
        async for event in _catch_up(link, name, seen.get(name, revision), revision):
            yield event
        seen[name] = revision
    async for notification in link.notifications():
        if isinstance(notification, Missed):
            # Asking again tells where the environments stand now, and so what was missed.
            raise HubUnreachable("changes came faster than they could be shown")
        async for event in _take(link, notification, seen):
            yield event


async def _take(link: HubLink, call: Call, seen: dict[str, int]) -> AsyncGenerator[Followed]:
    match call.method:
        case "activity":
            change_set = read_answer(PastChangeSet, call.params)
            before = seen.get(change_set.env, change_set.revision - 1)
            if change_set.revision <= before:
                return
            async for event in _catch_up(link, change_set.env, before, change_set.revision - 1):
                yield event
            yield Happened(change_set, call.params)
            seen[change_set.env] = change_set.revision
        case "activity.gap":
            gap = read_answer(_Gap, call.params)
            async for event in _catch_up(link, gap.env, seen.get(gap.env, gap.revision), gap.revision):
                yield event
            seen[gap.env] = max(gap.revision, seen.get(gap.env, 0))
        case _:
            pass


async def _catch_up(link: HubLink, env: str, held: int, revision: int) -> AsyncGenerator[Followed]:
    if revision - held > _MOST_CAUGHT_UP:
        yield Skipped(env, held + 1, revision - _MOST_CAUGHT_UP)
        held = revision - _MOST_CAUGHT_UP
    for missed in range(held + 1, revision + 1):
        raw = await link.request("change_set.get", {"env": env, "revision": missed})
        yield Happened(read_answer(PastChangeSet, raw), raw)
