"""Names from the hub for the shell's completion: quick, and silent when there is no hub."""

import asyncio
import os
from collections.abc import Awaitable, Callable
from typing import Any, cast

import typer

from setpoint.errors import SetpointError
from setpoint_tui.answers import KeyPage, NamespaceList, read_answer
from setpoint_tui.connection import find_connection
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import environment_names
from setpoint_tui.settings import read_settings

__all__ = [
    "complete_environment",
    "complete_key",
    "complete_namespace",
    "complete_words",
]

_SECONDS = 1.5
"""A person waits at the prompt for this."""


def complete_environment(incomplete: str) -> list[str]:
    """Offer the environments."""
    return _matching(incomplete, environment_names)


def complete_namespace(incomplete: str) -> list[str]:
    """Offer the namespaces."""
    return _matching(incomplete, _namespaces)


def complete_key(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer the keys of the namespace that was typed."""
    return _keys_of(ctx.params.get("namespace"), incomplete)


def complete_words(ctx: typer.Context, incomplete: str) -> list[str]:
    """Offer namespaces for the first word of a list of words, and keys for the others."""
    words = cast("list[str]", ctx.params.get("words") or [])
    return _keys_of(words[0], incomplete) if words else complete_namespace(incomplete)


def _keys_of(namespace: str | None, incomplete: str) -> list[str]:
    async def keys(link: HubLink) -> list[str]:
        found = await link.request("key.list", {"namespace": namespace})
        return [key.key for key in read_answer(KeyPage, found).keys]

    return _matching(incomplete, keys) if namespace else []


async def _namespaces(link: HubLink) -> list[str]:
    found: Any = await link.request("namespace.list", {})
    return [one.namespace for one in read_answer(NamespaceList, found).namespaces]


def _matching(incomplete: str, names: Callable[[HubLink], Awaitable[list[str]]]) -> list[str]:
    async def ask() -> list[str]:
        connection = find_connection(read_settings(os.environ))
        async with asyncio.timeout(_SECONDS), HubLink.open(connection) as link:
            return await names(link)

    try:
        return [name for name in asyncio.run(ask()) if name.startswith(incomplete)]
    except (SetpointError, OSError):
        # What a completion prints lands in the middle of the line that a person is typing.
        return []
