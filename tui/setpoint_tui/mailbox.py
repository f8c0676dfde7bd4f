"""A bounded queue of notifications that says when it had to forget some."""

import asyncio
from collections import deque

from setpoint.protocol.jsonrpc import Call

__all__ = ["Mailbox", "Missed"]


class Missed:
    """Stands for notifications that were dropped because nobody took them: ask the hub what lies between."""


class Mailbox:
    """One writer that never waits, one reader that does.

    When `capacity` notifications wait, all of them are dropped and one `Missed` takes their place.
    """

    def __init__(self, capacity: int) -> None:
        self._capacity = capacity
        self._waiting: deque[Call | Missed] = deque()
        self._changed = asyncio.Event()
        self._closed = False

    def put(self, call: Call) -> None:
        """Add a notification, or forget all that wait when there is no room."""
        if len(self._waiting) >= self._capacity:
            self._waiting.clear()
            self._waiting.append(Missed())
        self._waiting.append(call)
        self._changed.set()

    def close(self) -> None:
        """Say that nothing more will come; what waits can still be taken."""
        self._closed = True
        self._changed.set()

    async def take(self) -> Call | Missed | None:
        """Return the next notification, or None once the box is closed and empty."""
        while not self._waiting:
            if self._closed:
                return None
            self._changed.clear()
            await self._changed.wait()
        return self._waiting.popleft()
