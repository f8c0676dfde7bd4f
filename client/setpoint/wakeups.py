"""Waiting for something to become true, from threads and from event loops alike."""

import asyncio
import contextlib
import threading
from collections.abc import Callable

__all__ = ["Signal"]


class Signal:
    """Told when something may have changed; whoever waits looks again. No read of a value goes through it."""

    def __init__(self) -> None:
        self._condition = threading.Condition()
        self._wakers: set[Callable[[], None]] = set()
        self._followers: list[Callable[[], bool]] = []

    def after_fork(self) -> None:
        """Forget, in a forked child, the locks and the waiters of the parent."""
        self._condition = threading.Condition()
        self._wakers = set()

    def notify(self) -> None:
        """Make all who wait look again."""
        with self._condition:
            self._condition.notify_all()
            wakers = tuple(self._wakers)
        for wake in wakers:
            wake()
        for follower in tuple(self._followers):
            if not follower():
                with contextlib.suppress(ValueError):
                    self._followers.remove(follower)

    def follow(self, follower: Callable[[], bool]) -> None:
        """Have a function called whenever something may have changed, until it gives False. It must not block."""
        self._followers.append(follower)

    def wait(self, predicate: Callable[[], bool], timeout: float) -> bool:
        """Block until the predicate holds; say whether it does at the end of the timeout."""
        with self._condition:
            return self._condition.wait_for(predicate, timeout)

    async def wait_async(self, predicate: Callable[[], bool], timeout: float) -> bool:
        """Do what `wait` does, in any event loop."""
        loop, woken = asyncio.get_running_loop(), asyncio.Event()

        def wake() -> None:
            # A loop that was closed has nobody left who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(woken.set)

        with self._condition:
            self._wakers.add(wake)
        try:
            async with asyncio.timeout(timeout):
                while not predicate():
                    await woken.wait()
                    woken.clear()
        except TimeoutError:
            return predicate()
        finally:
            with self._condition:
                self._wakers.discard(wake)
        return True
