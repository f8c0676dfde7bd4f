"""Changes as an asynchronous iterator, in the loop of whoever iterates."""

import asyncio
import contextlib
import weakref
from collections.abc import AsyncIterator, Callable
from functools import partial
from typing import Self, cast

from setpoint.changes import Change, merge
from setpoint.listeners import Dispatcher
from setpoint.wakeups import Signal

__all__ = ["ChangeStream"]


class ChangeStream(AsyncIterator[Change]):
    """Gives each change once; those of a key that come before it is asked for the next one are merged.

    Begins when it is made, ends when the client is closed. It needs no closing: nothing else keeps it alive.
    """

    def __init__(
        self, dispatcher: Dispatcher, signal: Signal, is_closed: Callable[[], bool], *, namespace: str, pattern: str
    ) -> None:
        self._discard: Callable[[], None] = _nothing
        self._is_closed = is_closed
        self._pending: dict[str, Change] = {}
        self._woken = asyncio.Event()
        loop, stream = asyncio.get_running_loop(), cast("weakref.ref[ChangeStream]", weakref.ref(self))

        def take(change: Change) -> None:
            # A loop that was closed has nobody left who iterates.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_take, stream, change)

        def wake() -> bool:
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_take, stream, None)
            return stream() is not None

        listener = dispatcher.add(take, namespace, pattern, present=(), replay=False)
        self._discard = partial(dispatcher.discard, listener)
        signal.follow(wake)

    def __aiter__(self) -> Self:
        return self

    async def __anext__(self) -> Change:
        while not self._pending:
            if self._is_closed():
                raise StopAsyncIteration
            self._woken.clear()
            await self._woken.wait()
        return self._pending.pop(next(iter(self._pending)))

    def __del__(self) -> None:
        self._discard()

    def take(self, change: Change | None) -> None:
        """Take a change in, or look whether the client was closed. In the loop."""
        self._woken.set()
        if change is None:
            return
        earlier = self._pending.pop(change.key, None)
        merged = change if earlier is None else merge(earlier, change)
        if merged is not None:
            self._pending[change.key] = merged


def _nothing() -> None:
    """Stand in until there is something to discard."""


def _take(reference: "weakref.ref[ChangeStream]", change: Change | None) -> None:
    stream = reference()
    if stream is not None:
        stream.take(change)
