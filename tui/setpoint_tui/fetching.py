"""Many requests at once, but not too many, for what the hub gives one at a time."""

import asyncio
from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from typing import Any, TypeVar

from setpoint.errors import ProtocolError, RequestFailed
from setpoint_tui.answers import PastChangeSet, read_answer

__all__ = ["AT_ONCE", "Request", "Unfetched", "each", "fetch_change_sets"]

T = TypeVar("T")
R = TypeVar("R")

Request = Callable[[str, dict[str, Any]], Awaitable[Any]]
"""Asks the hub something that changes nothing. Raises SetpointError."""

AT_ONCE = 8


@dataclass(frozen=True, slots=True)
class Unfetched:
    """A change set that the hub did not give."""

    revision: int
    reason: str


async def each(work: Callable[[T], Awaitable[R]], items: Iterable[T]) -> list[R]:
    """Do something for each of them, AT_ONCE at a time; return the results in order. The first error ends all."""
    allowed = asyncio.Semaphore(AT_ONCE)

    async def one(item: T) -> R:
        async with allowed:
            return await work(item)

    try:
        async with asyncio.TaskGroup() as tasks:
            begun = [tasks.create_task(one(item)) for item in items]
    except BaseExceptionGroup as errors:
        raise errors.exceptions[0] from None
    return [task.result() for task in begun]


async def fetch_change_sets(request: Request, env: str, revisions: Iterable[int]) -> list[PastChangeSet | Unfetched]:
    """Fetch change sets of the log, in the order asked for. Raises HubUnreachable."""

    async def fetch(revision: int) -> PastChangeSet | Unfetched:
        try:
            return read_answer(PastChangeSet, await request("change_set.get", {"env": env, "revision": revision}))
        except (RequestFailed, ProtocolError) as error:
            return Unfetched(revision, str(error))

    return await each(fetch, revisions)
