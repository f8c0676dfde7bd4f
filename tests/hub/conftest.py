"""What most tests of the hub begin with."""

import shutil
import tempfile
from collections.abc import AsyncGenerator, Iterator
from pathlib import Path

import asyncpg
import pytest

from support.databases import temporary_database
from support.hubs import RunningHub, issue_token, running_hub
from support.wire import Wire


@pytest.fixture
def short_folder() -> Iterator[Path]:
    """A folder whose path leaves room for the name of a socket."""
    folder = Path(tempfile.mkdtemp(prefix="setpoint-"))
    yield folder
    shutil.rmtree(folder)


@pytest.fixture
async def wire(hub: RunningHub) -> AsyncGenerator[Wire]:
    """A raw connection to the test's hub, where `payments/max_retries` (int) exists without a value."""
    async with hub.connect() as opened:
        await opened.create_key()
        yield opened


@pytest.fixture(scope="module")
async def shared_hub(postgres_url: str, template_database: str, redis_url: str) -> AsyncGenerator[RunningHub]:
    """A hub with a database of its own for all tests of a module: for the many that change nothing."""
    async with temporary_database(postgres_url, template=template_database) as url:
        token, _ = await issue_token(url)
        async with running_hub(url, redis_url, token) as hub, hub.connect() as wire:
            await wire.create_key()
            for value_type in ("string", "float", "bool", "json"):
                await wire.create_key(f"a_{value_type}", value_type)
            yield hub


@pytest.fixture
async def unharmed(shared_hub: RunningHub) -> AsyncGenerator[Wire]:
    """A connection that misbehaves; afterwards nothing has changed, and the hub still serves it and others."""
    async with shared_hub.connect() as good, shared_hub.connect() as bad:
        await good.watch("good")
        before = await good.ask("key.list", env="staging"), await good.ask("environment.list")
        yield bad
        assert bad.connection.close_code is None
        await bad.ask("whoami")
        assert (await good.ask("key.list", env="staging"), await good.ask("environment.list")) == before
        assert good.notified.empty()
        done = await good.set(True, "a_bool")
        assert done["revision"] == (await good.next())["revision"]


@pytest.fixture
async def database(database_url: str) -> AsyncGenerator["asyncpg.Connection[asyncpg.Record]"]:
    """A connection to the test's database, past the hub."""
    connection = await asyncpg.connect(database_url, timeout=10, command_timeout=10)
    yield connection
    await connection.close(timeout=5)


@pytest.fixture
async def open_production(database: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let changes of production happen at once: how they are reviewed is the subject of other tests."""
    await database.execute("UPDATE Environment SET protected = false WHERE env = 'production'")
