"""Reads of one screen, one at a time."""

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from typing import TYPE_CHECKING, cast

from setpoint_tui.model.notices import Severity

if TYPE_CHECKING:
    from textual.screen import Screen

    from setpoint_tui.console.app import Console

__all__ = ["Refreshing"]

log = logging.getLogger(__name__)

_REST_SECONDS = 0.3
_REST_FACTOR = 4.0
"""Rest for this many times what a read took: what is large is read less often."""


class Refreshing:
    """Runs a read of a screen's whenever it is asked for; many askings while one runs are one more read after it.

    It ends with the screen. A read that fails with something it did not expect is told and ends nothing.
    """

    def __init__(self, screen: "Screen[None]", read: Callable[[], Awaitable[None]], name: str) -> None:
        self._screen = screen
        self._read = read
        self._name = name
        self._wanted = False
        self._running = False

    def ask(self) -> None:
        """Read now, or as soon as the read that is under way has ended and rested."""
        self._wanted = True
        if not self._running:
            self._running = True
            self._screen.run_worker(self._run(), group=self._name, exit_on_error=False)

    async def _run(self) -> None:
        try:
            while self._wanted:
                self._wanted = False
                began = time.monotonic()
                await self._attempt()
                await asyncio.sleep(max(_REST_SECONDS, _REST_FACTOR * (time.monotonic() - began)))
        finally:
            self._running = False

    async def _attempt(self) -> None:
        try:
            await self._read()
        except Exception as error:
            log.exception("%s failed", self._name)
            bridge = cast("Console", self._screen.app).bridge
            bridge.say(f"internal error in {self._name}: {error!r}; the console goes on", Severity.ERROR)
