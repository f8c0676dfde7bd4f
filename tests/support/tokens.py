"""Tokens of any role and reach for tests, given by a hub's admin."""

from collections.abc import Sequence
from typing import Any

from support.hubs import RunningHub

__all__ = ["give_token", "token_of"]


async def give_token(hub: RunningHub, role: str, **others: Any) -> dict[str, Any]:
    """Have the hub's admin give a token; of everything, and of a user named after the role, unless told otherwise."""
    asked = {"user": f"the {role}", "environments": ["*"], "namespaces": ["*"], "create_user": True, **others}
    async with hub.connect() as admin:
        given: dict[str, Any] = await admin.ask("token.create", role=role, **asked)
    return given


async def token_of(hub: RunningHub, role: str, environments: Sequence[str], namespaces: Sequence[str]) -> str:
    """Return a token of a role that reaches these environments and namespaces."""
    given = await give_token(hub, role, environments=list(environments), namespaces=list(namespaces))
    return str(given["token"])
