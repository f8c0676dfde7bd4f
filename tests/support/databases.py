"""Databases of their own for tests, on whatever PostgreSQL server the session uses."""

import secrets
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Final
from urllib.parse import urlsplit

import asyncpg

_HUB_USER: Final = f"setpoint_test_{secrets.token_hex(6)}"
_HUB_PASSWORD: Final = secrets.token_hex(16)

_MAKE_HUB_USER: Final = f"""
    DO $$ BEGIN
        CREATE ROLE setpoint_hub NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$;
    CREATE ROLE {_HUB_USER} LOGIN PASSWORD '{_HUB_PASSWORD}' IN ROLE setpoint_hub;
"""


def as_hub(owner_url: str) -> str:
    """Give the URL of the same database for a hub: as a user who owns nothing and has the rights of a hub."""
    parts = urlsplit(owner_url)
    place = parts.netloc.rpartition("@")[2]
    return parts._replace(netloc=f"{_HUB_USER}:{_HUB_PASSWORD}@{place}").geturl()


@asynccontextmanager
async def hub_user(server_url: str) -> AsyncGenerator[None]:
    """Make the user of `as_hub` on a server; drop it afterwards, when the databases that let it in are gone."""
    await _execute(server_url, _MAKE_HUB_USER)
    try:
        yield
    finally:
        await _execute(server_url, f"DROP ROLE {_HUB_USER}")


@asynccontextmanager
async def temporary_database(
    server_url: str, *, prefix: str = "setpoint_test", template: str = "template1"
) -> AsyncGenerator[str]:
    """Make a database from `template`, give its URL, drop it afterwards whoever is still connected."""
    # Random, since two test sessions may share a server that was given by URL.
    name = f"{prefix}_{secrets.token_hex(6)}"
    await _execute(server_url, f'CREATE DATABASE "{name}" TEMPLATE "{template}"')
    try:
        yield urlsplit(server_url)._replace(path=f"/{name}").geturl()
    finally:
        await _execute(server_url, f'DROP DATABASE "{name}" WITH (FORCE)')


def database_name(url: str) -> str:
    """Give the name of the database in a URL."""
    return urlsplit(url).path.removeprefix("/")


async def apply_schema(database_url: str, schema: str) -> None:
    """Run the statements of a schema file, and leave nobody connected."""
    await _execute(database_url, schema)


async def _execute(url: str, statements: str) -> None:
    connection = await asyncpg.connect(url, timeout=10, command_timeout=60)
    try:
        await connection.execute(statements)
    finally:
        await connection.close(timeout=5)
