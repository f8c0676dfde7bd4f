"""What most tests of the hub begin with."""

from collections.abc import AsyncGenerator

import asyncpg
import pytest

from support.hubs import RunningHub
from support.wire import Wire


@pytest.fixture
async def wire(hub: RunningHub) -> AsyncGenerator[Wire]:
    """A raw connection to the test's hub, where `payments/max_retries` (int) exists without a value."""
    async with hub.connect() as opened:
        await opened.create_key()
        yield opened


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to the test's database, past the hub."""
    connection = await asyncpg.connect(database_url, timeout=10, command_timeout=10)
    yield connection
    await connection.close(timeout=5)
