"""The embedded servers together, as `setpoint up` runs them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import Final

from setpoint_hub.embedded.errors import EmbeddedError
from setpoint_hub.embedded.folder import DataFolder
from setpoint_hub.embedded.postgres import EmbeddedPostgres, PostgresSettings
from setpoint_hub.embedded.valkey import EmbeddedValkey

RESTART_SECONDS: Final = 1.0


@dataclass(frozen=True, slots=True)
class EmbeddedServers:
    """Where PostgreSQL and Redis are reached, and those of them that run here; whoever made them stops them."""

    database_url: str
    """As the owner of the database."""
    redis_url: str
    postgres: EmbeddedPostgres | None
    valkey: EmbeddedValkey | None
    report: Callable[[str], None]

    @property
    def hub_database_url(self) -> str:
        """The same database for a hub: in PostgreSQL of our own, as a user who still has to be let in."""
        return self.database_url if self.postgres is None else self.postgres.hub_dsn

    async def watch_over(self) -> None:
        """Start Valkey again whenever it ends by itself, for ever; raise ServerFailedError when PostgreSQL ends.

        Hubs go on without Valkey, which carries hints only; without PostgreSQL nothing can be written.
        """
        async with AsyncExitStack() as stack:
            if self.valkey is not None:
                restarting = asyncio.create_task(self._restart(self.valkey))
                stack.callback(restarting.cancel)
            if self.postgres is None:
                await asyncio.Event().wait()
                return
            await self.postgres.process.wait()
            raise self.postgres.process.failure("ended by itself")

    async def _restart(self, valkey: EmbeddedValkey) -> None:
        while True:
            await valkey.process.wait()
            self.report("Valkey ended by itself: changes of other hubs are found by polling until it runs again")
            await asyncio.sleep(RESTART_SECONDS)
            try:
                await valkey.start()
            except EmbeddedError as error:
                self.report(str(error))


@asynccontextmanager
async def embedded_servers(
    folder: DataFolder,
    *,
    report: Callable[[str], None],
    durable: bool = True,
    database_url: str | None = None,
    redis_url: str | None = None,
) -> AsyncGenerator[EmbeddedServers]:
    """Run in `folder`, which must be entered already, the servers whose URL is not given.

    `report` gets a line per step. Enter it in the main thread, see ServerProcess. Raises EmbeddedError when one of
    them cannot run; then neither is left running.
    """
    settings = PostgresSettings(durable=durable)
    postgres = EmbeddedPostgres(folder, report=report, settings=settings) if database_url is None else None
    valkey = EmbeddedValkey(folder, report=report) if redis_url is None else None
    wanted = [server for server in (postgres, valkey) if server is not None]
    async with AsyncExitStack() as stack:
        for server in wanted:
            stack.push_async_callback(server.stop)
        await _start(wanted)
        yield EmbeddedServers(
            database_url=postgres.dsn if postgres is not None else database_url or "",
            redis_url=valkey.url if valkey is not None else redis_url or "",
            postgres=postgres,
            valkey=valkey,
            report=report,
        )


async def _start(servers: Sequence[EmbeddedPostgres | EmbeddedValkey]) -> None:
    try:
        async with asyncio.TaskGroup() as starting:
            for server in servers:
                starting.create_task(server.start())
    except* EmbeddedError as failures:
        failed = failures
    else:
        return
    # One reason is enough to act on, and callers catch EmbeddedError rather than groups.
    raise failed.exceptions[0]
