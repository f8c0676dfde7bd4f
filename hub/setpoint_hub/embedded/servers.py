"""The embedded servers together, as `setpoint up` runs them."""

import asyncio
from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from typing import NoReturn

from setpoint_hub.embedded.errors import EmbeddedError
from setpoint_hub.embedded.folder import DataFolder
from setpoint_hub.embedded.postgres import EmbeddedPostgres, PostgresSettings
from setpoint_hub.embedded.process import ServerProcess
from setpoint_hub.embedded.valkey import EmbeddedValkey


@dataclass(frozen=True, slots=True)
class EmbeddedServers:
    """Where PostgreSQL and Redis are reached, and those of them that run here; whoever made them stops them."""

    database_url: str
    redis_url: str
    running: Sequence[EmbeddedPostgres | EmbeddedValkey]

    async def wait_for_failure(self) -> NoReturn:
        """Wait until one of the servers ends by itself, for ever when none runs here; raises ServerFailedError then."""
        if not self.running:
            await asyncio.Event().wait()
        endings = {asyncio.create_task(server.process.wait()): server.process for server in self.running}
        try:
            ended, _ = await asyncio.wait(endings, return_when=asyncio.FIRST_COMPLETED)
        finally:
            for ending in endings:
                ending.cancel()
        raise _ended(endings[ended.pop()])


@asynccontextmanager
async def embedded_servers(
    folder: DataFolder,
    *,
    report: Callable[[str], None],
    durable: bool = True,
    database_url: str | None = None,
    redis_url: str | None = None,
) -> AsyncGenerator[EmbeddedServers]:
    """Run in `folder`, which must be entered already, the servers whose URL is not given; `report` gets a line
    per step.

    Enter it in the main thread, see ServerProcess. Raises EmbeddedError when one of them cannot run; then
    neither is left running.
    """
    postgres = EmbeddedPostgres(folder, report=report, settings=PostgresSettings(durable=durable))
    valkey = EmbeddedValkey(folder, report=report)
    wanted = [server for server, given in ((postgres, database_url), (valkey, redis_url)) if given is None]
    async with AsyncExitStack() as stack:
        for server in wanted:
            stack.push_async_callback(server.stop)
        await _start(wanted)
        yield EmbeddedServers(database_url or postgres.dsn, redis_url or valkey.url, wanted)


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


def _ended(server: ServerProcess) -> EmbeddedError:
    return server.failure("ended by itself")
