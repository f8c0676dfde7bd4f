"""Real hubs for tests, in this process: on a port of their own, over a database of the test's own."""

import asyncio
import socket
from collections.abc import AsyncGenerator, Sequence
from contextlib import AbstractAsyncContextManager, AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from uuid import UUID

import asyncpg

from setpoint_hub.access import hash_token, new_token
from setpoint_hub.hub import Hub, open_hub
from setpoint_hub.settings import HubSettings
from support.databases import as_hub
from support.waiting import eventually
from support.wire import HttpReply, Wire, http, open_wire, stalled_reader

__all__ = ["Hubs", "RunningHub", "issue_token", "running_hub"]

_FAST: dict[str, object] = {
    "host": "127.0.0.1",
    "port": 0,
    "poll_seconds": 0.2,
    "watch_flush_seconds": 0.05,
    "shutdown_seconds": 1,
    "database_pool": 4,
}

_ISSUE = """
    WITH account AS (
        INSERT INTO Account (name) VALUES ($1) ON CONFLICT (name) DO UPDATE SET name = $1 RETURNING user_id
    ), changed AS (
        UPDATE Installation SET access_revision = access_revision + 1
    )
    INSERT INTO Token (user_id, token_hash, role, environments, namespaces)
    SELECT user_id, $2, $3, $4, $5 FROM account RETURNING token_id
"""


@dataclass(frozen=True)
class RunningHub:
    """A hub that runs, with a token that it takes."""

    hub: Hub
    settings: HubSettings
    token: str
    owner_url: str
    """Its database, as the owner: the hub itself connects as somebody who can alter no history."""

    @property
    def address(self) -> str:
        """Where it listens, as `http://127.0.0.1:PORT`."""
        return self.hub.address

    def connect(self, token: str | None = None) -> AbstractAsyncContextManager[Wire]:
        """Open a raw connection, with the admin's token unless given another."""
        return open_wire(self.address, token or self.token)

    @asynccontextmanager
    async def connect_once_known(self, token: str) -> AsyncGenerator[Wire]:
        """Open a raw connection with a token that was stored just now, as soon as the hub has heard of it."""
        await eventually(lambda: self.hub._access.principal(token, now=datetime.now(UTC)))
        async with self.connect(token) as wire:
            yield wire

    def stall(self) -> AbstractAsyncContextManager[socket.socket]:
        """Open a connection that watches `payments` and never reads."""
        return stalled_reader(self.address, self.token)

    async def get(self, path: str, **others: Any) -> HttpReply:
        """Ask for a path over HTTP, with the admin's token."""
        return await http(self.address, path, token=self.token, **others)

    def revision(self, env: str = "staging") -> int:
        """Return the revision that this hub holds in memory."""
        held = self.hub._follower.replicas.get(env)
        return 0 if held is None else held.revision


@asynccontextmanager
async def running_hub(
    database_url: str, redis_url: str, token: str, *, wait_until_ready: bool = True, **settings: object
) -> AsyncGenerator[RunningHub]:
    """Run a hub, without its owner's rights, with quick settings and any others given; stop it in order."""
    given = {"database_url": as_hub(database_url), "redis_url": redis_url}
    asked = HubSettings.model_validate({**_FAST, **given, **settings})
    async with open_hub(asked) as hub:
        running = RunningHub(hub, asked, token, database_url)
        serving = asyncio.create_task(hub.run())
        try:
            if wait_until_ready:
                await eventually(lambda: hub.trouble is None or serving.done())
            if serving.done():
                serving.result()
            yield running
            assert not serving.done(), "the hub ended by itself"
        finally:
            serving.cancel()
            await asyncio.wait([serving])


async def issue_token(
    database_url: str,
    *,
    name: str = "admin",
    role: str = "admin",
    environments: Sequence[str] = ("*",),
    namespaces: Sequence[str] = ("*",),
) -> tuple[str, UUID]:
    """Store a token as the hub would, an admin's for everything unless told otherwise; return it, and its id."""
    token = new_token()
    connection = await asyncpg.connect(database_url, timeout=10)
    try:
        token_id = await connection.fetchval(
            _ISSUE, name, hash_token(token), role, list(environments), list(namespaces)
        )
    finally:
        await connection.close(timeout=5)
    return token, UUID(str(token_id))


class Hubs:
    """Starts any number of hubs on one database; they stop with the test, or by `stop`."""

    def __init__(self, database_url: str, redis_url: str, token: str, stack: AsyncExitStack) -> None:
        self.database_url = database_url
        self.redis_url = redis_url
        self.token = token
        self._stack = stack

    async def start(self, **settings: Any) -> RunningHub:
        """Start a hub with quick settings, and any others given."""
        given = {"database_url": self.database_url, "redis_url": self.redis_url, "token": self.token}
        return await self._stack.enter_async_context(running_hub(**{**given, **settings}))

    async def stop(self) -> None:
        """Stop all of them now."""
        await self._stack.aclose()

    async def start_many(self, number: int, **settings: Any) -> Sequence[RunningHub]:
        """Start several hubs alike."""
        return [await self.start(**settings) for _ in range(number)]
