"""Reading an environment for a file, planning against it, and carrying a plan out."""

import asyncio
from collections.abc import Collection, Sequence
from typing import Any

from setpoint.errors import RequestFailed
from setpoint.protocol.messages import Full, decode_snapshot
from setpoint_tui.as_code.document import EnvironmentFile
from setpoint_tui.as_code.planning import Action, Plan, changed_between, make_plan
from setpoint_tui.errors import Conflict, InvalidFile
from setpoint_tui.formatting import format_revision
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import all_keys, require_environment

__all__ = ["create_keys", "plan_file", "read_environment", "read_without_secrets"]

_AT_ONCE = 16
"""Requests in flight; a hub takes 32 of one connection."""

_MOST_NAMED = 5


async def read_environment(
    link: HubLink, env: str, namespaces: Sequence[str] | None = None, *, at: int | str | None = None
) -> Full:
    """Return what an environment holds, now or at a revision or a time, less its secrets. Raises NotFound."""
    return (await read_without_secrets(link, env, namespaces, at=at))[0]


async def read_without_secrets(
    link: HubLink, env: str, namespaces: Sequence[str] | None = None, *, at: int | str | None = None
) -> tuple[Full, list[tuple[str, str]]]:
    """Return what an environment holds, and the names of the secrets that are left out. Raises NotFound."""
    await require_environment(link, env)
    params = {"env": env, "namespaces": namespaces, "at": at}
    asked = {name: value for name, value in params.items() if value is not None}
    raw = await link.request("snapshot", asked, timeout=60)
    held: dict[str, dict[str, Any]] = raw["namespaces"]
    secrets = [(name, key) for name, keys in held.items() for key, entry in keys.items() if entry.get("secret") is True]
    for name, key in secrets:
        del held[name][key]
    return decode_snapshot(raw), secrets


async def plan_file(link: HubLink, file: EnvironmentFile, *, prune: bool, since: int | None) -> Plan:
    """Plan what makes the environment as the file says.

    Raises Conflict, naming them, when keys that the plan looks at have changed since the revision `since`.
    """
    namespaces = list(file.namespaces)
    now = await read_environment(link, file.env, namespaces)
    if since is not None:
        before = await read_environment(link, file.env, namespaces, at=since)
        changed = changed_between(file, before, now, prune=prune)
        if changed:
            more = " and more" if len(changed) > _MOST_NAMED else ""
            raise Conflict(
                f"{', '.join(changed[:_MOST_NAMED])}{more} changed in {file.env} since {format_revision(since)}: "
                "plan again, then decide"
            )
    return make_plan(file, now, await _types_of_the_others(link, file, now), prune=prune)


async def create_keys(link: HubLink, actions: Collection[Action]) -> list[str]:
    """Make the keys that the actions need and that do not exist; return their names."""
    allowed = asyncio.Semaphore(_AT_ONCE)

    async def create(action: Action) -> str:
        async with allowed:
            await link.request("key.create", {"namespace": action.namespace, "key": action.key, "type": action.type})
        return f"{action.namespace}/{action.key}"

    return list(await asyncio.gather(*(create(action) for action in actions if action.key_is_new)))


async def _types_of_the_others(link: HubLink, file: EnvironmentFile, now: Full) -> dict[tuple[str, str], str]:
    """Return the types of keys that exist in namespaces where the file names more keys than have a value."""
    found: dict[tuple[str, str], str] = {}
    for namespace, settings in file.namespaces.items():
        if settings.keys() <= now.namespaces.get(namespace, {}).keys():
            continue
        try:
            async for key, _ in all_keys(link, {"namespace": namespace}):
                found[key.namespace, key.key] = key.type
                if key.secret and key.key in settings:
                    raise InvalidFile(
                        f"{namespace}/{key.key} is a secret, which no file holds: "
                        f"take it out, and use `setpoint set {namespace} {key.key}`",
                        settings[key.key].line,
                    )
        except RequestFailed as error:
            # A namespace comes to be with its first key.
            if error.kind != "not_found":
                raise
    return found
