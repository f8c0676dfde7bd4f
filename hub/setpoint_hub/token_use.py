"""When each token was used last: noted in memory, written now and then for all of them at once."""

import asyncio
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from uuid import UUID

from setpoint_hub.errors import DatabaseUnavailable
from setpoint_hub.store.accounts import Accounts

__all__ = ["TokenUse"]

log = logging.getLogger(__name__)


class TokenUse:
    """Collects the tokens that came by; one whose connection is open counts as used all the time."""

    def __init__(self, accounts: Accounts, *, every: float, connected: Callable[[], Iterable[UUID]]) -> None:
        self._accounts = accounts
        self._every = every
        self._connected = connected
        self._used: set[UUID] = set()

    def note(self, token_id: UUID) -> None:
        """Take that a token was accepted."""
        self._used.add(token_id)

    async def run(self) -> None:
        """Write for ever; what the database's absence costs is a later moment."""
        while True:
            await asyncio.sleep(self._every)
            try:
                await self.flush()
            except DatabaseUnavailable as error:
                log.debug("the last use of tokens waits: %s", error)
            except Exception:  # The root of a task: a remark about tokens must never end the hub.
                log.exception("the last use of tokens was not written")

    async def flush(self) -> None:
        """Write what was used since the last time: one statement, or none. Raises DatabaseUnavailable."""
        used = self._used | set(self._connected())
        if used:
            # A little less than the interval: one that was just not due would wait for another.
            await self._accounts.note_use(used, every=timedelta(seconds=0.9 * self._every))
            self._used -= used
