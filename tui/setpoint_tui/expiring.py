"""Keeps the list of changes that take themselves back current, and confirms one."""

import asyncio
import time

from setpoint.errors import ProtocolError, RequestFailed, SetpointError
from setpoint_tui.answers import read_answer
from setpoint_tui.feed import Feed
from setpoint_tui.protected_answers import TemporaryList

__all__ = ["confirm_change", "fetch_temporary", "follow_temporary"]

_TICK_SECONDS = 0.1
_REST_SECONDS = 1.0
_AGAIN_SECONDS = 3.0
"""Between two looks while there are any: nothing tells that somebody confirmed one."""
_REFUSED_SECONDS = 30.0


async def fetch_temporary(feed: Feed) -> None:
    """Fetch them. Raises SetpointError."""
    model, history = feed.model, feed.model.history
    model.temporary.is_behind = False
    found = read_answer(TemporaryList, await feed.request("temporary.list", {}))
    if model.history == history:
        model.put_temporary(found.changes, time.monotonic())


async def confirm_change(feed: Feed, env: str, revision: int) -> None:
    """Keep a change that waits for confirmation. Raises SetpointError."""
    await feed.request("change.confirm", {"env": env, "revision": revision})
    feed.model.temporary.is_behind = True


async def follow_temporary(feed: Feed) -> None:
    """Keep the list current. Runs until cancelled."""
    looked_at, rest = 0.0, 0.0
    while True:
        now, known = time.monotonic(), feed.model.temporary
        wanted = known.is_behind or (len(known) > 0 and now - looked_at >= _AGAIN_SECONDS)
        if feed.model.is_live and wanted and now - looked_at >= rest:
            rest = await _look(feed)
            looked_at = time.monotonic()
        await asyncio.sleep(_TICK_SECONDS)


async def _look(feed: Feed) -> float:
    """Read the list; return for how many seconds to rest."""
    try:
        await fetch_temporary(feed)
    except (RequestFailed, ProtocolError):
        # What is refused is not shown: the values themselves are.
        feed.model.temporary.is_behind = True
        return _REFUSED_SECONDS
    except SetpointError:
        # The feed says what is wrong with the connection.
        feed.model.temporary.is_behind = True
    return _REST_SECONDS
