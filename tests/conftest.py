"""Fixtures for all tests: real servers, databases of their own, and a check that no task leaks."""

import asyncio
from collections.abc import AsyncGenerator, Iterator
from contextlib import AsyncExitStack
from pathlib import Path

import pytest

from support.databases import apply_schema, database_name, hub_user, temporary_database
from support.hubs import Hubs, RunningHub, issue_token
from support.servers import held_by_thread, postgres_source, redis_source

SCHEMA = Path(__file__).parents[1] / "schema.sql"

_GRACE_SECONDS = 0.5


def pytest_report_header() -> list[str]:
    """Say which servers the tests talk to."""
    return [f"PostgreSQL: {postgres_source().origin}", f"Redis: {redis_source().origin}"]


@pytest.fixture(scope="session")
def postgres_url() -> Iterator[str]:
    """The session's PostgreSQL server, started by the first test that asks; its own database is not used."""
    with postgres_source().start() as url, held_by_thread(hub_user(url)):
        yield url


@pytest.fixture(scope="session")
def redis_url() -> Iterator[str]:
    """The session's Redis server. Shared: hubs tell their installation's hints from others by the epoch."""
    with redis_source().start() as url:
        yield url


@pytest.fixture(scope="session")
async def template_database(postgres_url: str) -> AsyncGenerator[str]:
    """The name of a database with the schema applied, which tests clone in milliseconds."""
    async with temporary_database(postgres_url, prefix="setpoint_template") as url:
        await apply_schema(url, SCHEMA.read_text())
        yield database_name(url)


@pytest.fixture
async def database_url(postgres_url: str, template_database: str) -> AsyncGenerator[str]:
    """A database of the test's own, with the schema."""
    async with temporary_database(postgres_url, template=template_database) as url:
        yield url


@pytest.fixture
async def bare_database_url(postgres_url: str) -> AsyncGenerator[str]:
    """A database of the test's own, empty."""
    async with temporary_database(postgres_url) as url:
        yield url


@pytest.fixture
async def admin_token(database_url: str) -> str:
    """A token of the test's database that may do everything."""
    return (await issue_token(database_url))[0]


@pytest.fixture
async def hubs(database_url: str, redis_url: str, admin_token: str) -> AsyncGenerator[Hubs]:
    """Start any number of real hubs, in this process, on the test's database: `await hubs.start()`."""
    async with AsyncExitStack() as stack:
        yield Hubs(database_url, redis_url, admin_token, stack)


@pytest.fixture
async def hub(hubs: Hubs) -> RunningHub:
    """A real hub on a port of its own, ready, with quick settings."""
    return await hubs.start()


@pytest.fixture(autouse=True)
async def no_leaked_tasks() -> AsyncGenerator[None]:
    """Fail a test that leaves tasks running: with one loop for the session they would haunt the next ones.

    Being the first fixture set up, it looks after all others are torn down.
    """
    before = asyncio.all_tasks()
    yield
    # This generator's own steps run in tasks that differ from the one that made it.
    leaked = asyncio.all_tasks() - before - {asyncio.current_task()}
    if leaked:
        # Those that are about to end are no leak.
        _, leaked = await asyncio.wait(leaked, timeout=_GRACE_SECONDS)
    for task in leaked:
        task.cancel()
    await asyncio.gather(*leaked, return_exceptions=True)
    assert not leaked, f"the test left tasks running: {leaked}"
