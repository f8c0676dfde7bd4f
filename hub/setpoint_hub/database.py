"""PostgreSQL as the hub uses it: one pool, every statement bounded, foreign errors translated once."""

import asyncio
import logging
from collections.abc import AsyncGenerator, Awaitable, Callable
from contextlib import asynccontextmanager
from typing import Any, Final, Literal, TypeAlias, TypeVar

import asyncpg
from asyncpg.pool import PoolConnectionProxy
from asyncpg.transaction import Transaction

from setpoint_hub.errors import DatabaseUnavailable, StartRefused
from setpoint_hub.metrics import STATEMENTS
from setpoint_hub.settings import HubSettings

__all__ = ["LONG_READ_SECONDS", "Connection", "Database", "Row", "open_database"]

log = logging.getLogger(__name__)

Row: TypeAlias = asyncpg.Record
Result = TypeVar("Result")
LONG_READ_SECONDS: Final = 60
"""For loading an environment whose log has millions of changes."""

Isolation = Literal["read_committed", "repeatable_read"]

# What asyncpg raises when the connection is at fault, not the statement. Which of them a killed server gives varies.
_UNREACHABLE: Final = (
    asyncpg.PostgresConnectionError,
    asyncpg.InterfaceError,
    asyncpg.InternalClientError,
    asyncpg.CannotConnectNowError,
    asyncpg.AdminShutdownError,
    asyncpg.CrashShutdownError,
    asyncpg.TooManyConnectionsError,
    asyncpg.LockNotAvailableError,
    asyncpg.DeadlockDetectedError,
    asyncpg.QueryCanceledError,
    asyncpg.ReadOnlySQLTransactionError,
    OSError,
    TimeoutError,
)


class Connection:
    """One borrowed connection; each method is one statement."""

    def __init__(self, borrowed: "PoolConnectionProxy[Row]") -> None:
        self._borrowed = borrowed

    async def rows(self, statement: str, *values: object, timeout: float | None = None) -> list[Row]:
        """Run a statement and return its rows; `timeout` in seconds, where the usual one is too short."""
        STATEMENTS.inc()
        return await self._borrowed.fetch(statement, *values, timeout=timeout)

    async def row(self, statement: str, *values: object) -> Row | None:
        """Run a statement and return its first row."""
        STATEMENTS.inc()
        return await self._borrowed.fetchrow(statement, *values)

    def transaction(self, *, isolation: Isolation = "read_committed", readonly: bool = False) -> Transaction:
        """Return a transaction to be entered on this connection."""
        return self._borrowed.transaction(isolation=isolation, readonly=readonly)

    async def run(self, statement: str, *values: object) -> None:
        """Run a statement for its effect."""
        STATEMENTS.inc()
        await self._borrowed.execute(statement, *values)


class Database:
    """Statements and transactions, each bounded in time; a lost connection is DatabaseUnavailable."""

    def __init__(self, pool: "asyncpg.Pool[Row]", *, timeout: float) -> None:
        self._pool = pool
        self._timeout = timeout

    async def rows(self, statement: str, *values: object) -> list[Row]:
        """Run one statement on its own. It is tried again once on a fresh connection: use it for reads."""
        return await self._twice(lambda connection: connection.rows(statement, *values))

    async def row(self, statement: str, *values: object) -> Row | None:
        """Run one statement on its own and return its first row; as `rows` otherwise."""
        return await self._twice(lambda connection: connection.row(statement, *values))

    async def write(self, statement: str, *values: object) -> list[Row]:
        """Run one statement that writes, once, and return its rows."""
        async with self.borrow() as connection:
            return await connection.rows(statement, *values)

    @asynccontextmanager
    async def borrow(self, *, seconds: float | None = None) -> AsyncGenerator[Connection]:
        """Lend a connection for statements of their own, by default for three times the timeout of one."""
        # A server that died silently can cost a statement, its cancellation and a reconnect, each up to the timeout.
        with _Translated():
            async with asyncio.timeout(seconds or 3 * self._timeout), self._pool.acquire() as borrowed:
                yield Connection(borrowed)

    @asynccontextmanager
    async def transaction(self) -> AsyncGenerator[Connection]:
        """Lend a connection inside a READ COMMITTED transaction; an exception rolls it back."""
        async with self.borrow() as connection, connection.transaction():
            yield connection

    @asynccontextmanager
    async def snapshot(self) -> AsyncGenerator[Connection]:
        """Lend a connection whose statements all see one moment, cannot write, and may take a minute each."""
        async with (
            self.borrow(seconds=2 * LONG_READ_SECONDS) as connection,
            connection.transaction(isolation="repeatable_read", readonly=True),
        ):
            await connection.run(f"SET LOCAL statement_timeout = '{LONG_READ_SECONDS}s'")
            yield connection

    async def _twice(self, run: Callable[[Connection], Awaitable[Result]]) -> Result:
        # After a restart of PostgreSQL the pool still holds dead connections: the first use of one tells.
        try:
            async with self.borrow() as connection:
                return await run(connection)
        except DatabaseUnavailable:
            async with self.borrow() as connection:
                return await run(connection)


class _Translated:
    """Turn what asyncpg raises for a lost connection into DatabaseUnavailable; other errors pass.

    A URL that cannot be one is found only now, as the pool connects when it is first used: StartRefused.
    """

    def __enter__(self) -> None:
        return None

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None, trace: object) -> None:
        if isinstance(error, asyncpg.ClientConfigurationError):
            raise StartRefused(f"SETPOINT_DATABASE_URL is not usable: {error}") from error
        if isinstance(error, _UNREACHABLE):
            raise DatabaseUnavailable(describe(error)) from error


def describe(error: BaseException) -> str:
    """Say what happened to the connection, in words."""
    return str(error) or ("no answer in time" if isinstance(error, TimeoutError) else type(error).__name__)


@asynccontextmanager
async def open_database(settings: HubSettings) -> AsyncGenerator[Database]:
    """Open the pool without connecting yet, and close it at the end, by force if it does not close in time.

    Raises StartRefused for a URL that cannot be one.
    """
    limit = f"{int(settings.database_timeout * 1000)}ms"
    options: dict[str, Any] = {
        "application_name": "setpoint-hub",
        # Set at connect: a pool resets what is set later. PostgreSQL's own defaults are "for ever".
        "statement_timeout": limit,
        "lock_timeout": limit,
        "idle_in_transaction_session_timeout": "10s",
    }
    if not settings.database_url.startswith(("postgresql://", "postgres://")):
        raise StartRefused("SETPOINT_DATABASE_URL is not usable: it starts with postgresql://")
    try:
        pool = asyncpg.create_pool(
            settings.database_url,
            min_size=0,
            max_size=settings.database_pool,
            timeout=settings.database_timeout,
            command_timeout=settings.database_timeout + 1,
            server_settings=options,
            reset=_keep_session,
        )
        await pool
    except (ValueError, asyncpg.InterfaceError) as error:
        raise StartRefused(f"SETPOINT_DATABASE_URL is not usable: {error}") from error
    try:
        yield Database(pool, timeout=settings.database_timeout)
    finally:
        try:
            async with asyncio.timeout(2):
                await pool.close()
        except (TimeoutError, *_UNREACHABLE):
            pool.terminate()


async def _keep_session(_: "asyncpg.Connection[Row]") -> None:
    """Reset nothing between uses: the hub changes no session state, and a reset is a round trip."""
