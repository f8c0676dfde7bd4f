"""Turns: who asks for the same thing goes one after the other, before taking anything that all others need."""

import asyncio
from weakref import WeakValueDictionary

__all__ = ["Turns"]


class Turns:
    """A lock for each name that somebody waits for. Whoever keeps one busy holds up nobody who names another."""

    def __init__(self) -> None:
        # Weak: a lock lives while somebody waits for it, so names that are nothing leave nothing behind.
        self._locks: WeakValueDictionary[str, asyncio.Lock] = WeakValueDictionary()

    def of(self, name: str) -> asyncio.Lock:
        """Return the lock of a name, to be held for a while."""
        return self._locks.setdefault(name, asyncio.Lock())
