"""When a client tells the hub what it runs, and what it says."""

import asyncio
from collections.abc import Callable
from random import Random
from typing import Any

from setpoint.store import Store

__all__ = ["Heartbeats", "heartbeat"]


class Heartbeats:
    """Due at an interval, and earlier when there is news: at a random moment within the time that the hub grants."""

    def __init__(self, interval: float, *, clock: Callable[[], float], random: Random) -> None:
        # A hub that names 0 gets no storm.
        self._interval = max(interval, 0.1)
        self._clock = clock
        self._random = random
        self._due = clock()
        self._sooner = asyncio.Event()

    def hurry(self, within: float) -> None:
        """Make the next one due within so many seconds, unless it is due before."""
        due = self._clock() + self._random.uniform(0.0, min(within, self._interval))
        if due < self._due:
            self._due = due
            self._sooner.set()

    async def next(self) -> None:
        """Return when one is due: at once the first time. What is due meanwhile is said by the same one."""
        while (wait := self._due - self._clock()) > 0:
            self._sooner.clear()
            try:
                async with asyncio.timeout(wait):
                    await self._sooner.wait()
            except TimeoutError:
                break
        self._due = self._clock() + self._interval


def heartbeat(store: Store, now: float) -> dict[str, Any]:
    """Return the params of a heartbeat: what the store runs, and what it refused."""
    source = "push" if store.source in ("bootstrap", "defaults") else store.source
    params: dict[str, Any] = {
        "revision": store.content.held.revision,
        "status": "applied" if store.refusal is None else "refused",
        "source": source,
        "error": store.refusal,
    }
    if store.applied_at is not None:
        params["applied_ms_ago"] = round(max(0.0, now - store.applied_at) * 1000, 3)
    return params
