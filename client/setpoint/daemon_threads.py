"""Blocking work beside an event loop, on threads that never hold up the interpreter's exit.

The loop's own executor is not used anywhere: its threads are joined at exit, so that a name server which does not
answer would keep a finished program alive.
"""

import asyncio
import contextlib
import selectors
import socket
import threading
from collections.abc import Callable
from functools import partial
from typing import Any, TypeVar

__all__ = ["DaemonLoop", "in_daemon_thread"]

T = TypeVar("T")


async def in_daemon_thread(work: Callable[[], T], *, name: str) -> T:
    """Run `work` on a daemon thread of its own and return or raise what it does.

    Cancelling does not end the work: bound it by other means, or let it go.
    """
    loop = asyncio.get_running_loop()
    outcome: asyncio.Future[T] = loop.create_future()

    def give(result: T) -> None:
        if not outcome.done():
            outcome.set_result(result)

    def fail(error: BaseException) -> None:
        if not outcome.done():
            outcome.set_exception(error)

    def run() -> None:
        try:
            result = work()
        except BaseException as error:  # noqa: BLE001 handed to the one who waits
            delivery = partial(fail, error)
        else:
            delivery = partial(give, result)
        # The loop may have been closed meanwhile; then nobody waits.
        with contextlib.suppress(RuntimeError):
            loop.call_soon_threadsafe(delivery)

    threading.Thread(target=run, name=name, daemon=True).start()
    return await outcome


class DaemonLoop(asyncio.SelectorEventLoop):
    """An event loop that looks names up on daemon threads."""

    def __init__(self) -> None:
        self._own_selector = selectors.DefaultSelector()
        super().__init__(self._own_selector)

    def descriptors(self) -> tuple[int, ...]:
        """Return the descriptors that a forked child inherits and has no use for, the loop's own among them."""
        if self.is_closed():
            return ()
        watched = [key.fd for key in tuple((self._own_selector.get_map() or {}).values())]
        own: Any = getattr(self._own_selector, "fileno", None)
        return (*watched, own()) if own is not None else tuple(watched)

    async def getaddrinfo(
        self,
        host: bytes | str | None,
        port: bytes | str | int | None,
        *,
        family: int = 0,
        type: int = 0,  # noqa: A002 the name of the method that this overrides
        proto: int = 0,
        flags: int = 0,
    ) -> list[Any]:
        """Do what the loop's own method does."""
        look_up = partial(socket.getaddrinfo, host, port, family, type, proto, flags)
        return await in_daemon_thread(look_up, name="setpoint-resolver")
