"""The schema: where schema.sql is, applying it, and refusing a database that has another one."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Final

import asyncpg

from setpoint_hub.database import Database
from setpoint_hub.errors import DatabaseUnavailable, SchemaMismatch, StartRefused

__all__ = ["SCHEMA_VERSION", "apply_schema", "check_schema", "owner_connection", "schema_text"]

SCHEMA_VERSION: Final = 2
"""The version that schema.sql says of itself; a test keeps the two in step."""


def schema_text() -> str:
    """Return schema.sql: beside the package when installed, at the project's root in a checkout."""
    here = Path(__file__).parent
    for place in (here / "schema.sql", here.parent.parent / "schema.sql"):
        if place.is_file():
            return place.read_text(encoding="utf-8")
    raise StartRefused("schema.sql is missing from this installation: install setpoint again")


async def apply_schema(owner_url: str) -> None:
    """Apply schema.sql as the user who owns the tables, or will; harmless when it is applied already.

    Raises DatabaseUnavailable, or StartRefused with PostgreSQL's own word when it refuses.
    """
    async with owner_connection(owner_url) as connection:
        try:
            await connection.execute(schema_text())
        except asyncpg.PostgresError as error:
            raise StartRefused(f"PostgreSQL refused schema.sql: {error}") from error


@asynccontextmanager
async def owner_connection(owner_url: str) -> AsyncGenerator["asyncpg.Connection[asyncpg.Record]"]:
    """Connect as the tables' owner. Raises DatabaseUnavailable and StartRefused."""
    try:
        connection = await asyncpg.connect(owner_url, timeout=5)
    except (OSError, TimeoutError, asyncpg.PostgresConnectionError, asyncpg.CannotConnectNowError) as error:
        raise DatabaseUnavailable(str(error) or "no answer in time") from error
    except (ValueError, asyncpg.InterfaceError, asyncpg.PostgresError) as error:
        raise StartRefused(f"the database cannot be used: {error}") from error
    try:
        yield connection
    finally:
        await connection.close(timeout=5)


async def check_schema(database: Database) -> None:
    """Raise SchemaMismatch, saying what to do, unless the database has the schema of this hub."""
    try:
        row = await database.row("SELECT schema_version FROM Installation")
    except asyncpg.UndefinedTableError as error:
        raise SchemaMismatch("this database has no Setpoint schema: run `setpoint schema apply` on it once") from error
    except asyncpg.InsufficientPrivilegeError as error:
        raise StartRefused(
            f"the hub's database user may not use Setpoint's tables ({error}): let it in with GRANT setpoint_hub TO it"
        ) from error
    except asyncpg.PostgresError as error:
        raise StartRefused(f"the database cannot be used: {error}") from error
    except ValueError as error:
        # A URL whose parts cannot be read; asyncpg looks at them as it connects.
        raise StartRefused(f"SETPOINT_DATABASE_URL is not usable: {error}") from error
    found = 0 if row is None else int(row["schema_version"])
    if found < SCHEMA_VERSION:
        raise SchemaMismatch(
            f"this database has schema version {found}, this hub needs {SCHEMA_VERSION}: run `setpoint schema apply`"
        )
    if found > SCHEMA_VERSION:
        raise SchemaMismatch(
            f"this database has schema version {found}, this hub knows {SCHEMA_VERSION}: use the newer Setpoint"
        )
