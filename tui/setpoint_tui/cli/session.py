"""One command's conversation with the hub."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import TypeVar

from setpoint_tui.connection import Connection, find_connection
from setpoint_tui.link import HubLink
from setpoint_tui.settings import read_settings

__all__ = ["connection", "with_link"]

T = TypeVar("T")


def connection() -> Connection:
    """Return the hub that is meant and the token for it. Raises InvalidSettings."""
    return find_connection(read_settings(os.environ))


def with_link(operation: Callable[[HubLink], Awaitable[T]]) -> T:
    """Connect, run `operation`, disconnect."""

    async def run() -> T:
        async with HubLink.open(connection()) as link:
            return await operation(link)

    return asyncio.run(run())
