"""Finding the keys and values that a person means, and saying what there is instead when they are not there."""

import asyncio
from collections.abc import AsyncIterator, Sequence
from typing import Any

from setpoint.errors import RequestFailed
from setpoint.protocol.values import ValueType, is_value_type
from setpoint_tui.answers import ActiveValue, EnvironmentList, Key, KeyPage, read_answer
from setpoint_tui.arguments import KeyName, KeyPath, possible_names
from setpoint_tui.errors import InvalidSettings, NotFound
from setpoint_tui.link import HubLink

__all__ = [
    "all_keys",
    "environment_names",
    "find_key",
    "find_keys",
    "is_protected",
    "require_environment",
    "type_of",
    "value_in",
]

_AT_ONCE = 16
"""Requests in flight; a hub takes 32 of one connection."""


async def find_key(link: HubLink, name: KeyName | KeyPath) -> Key:
    """Return a key with its values. Raises NotFound, or InvalidSettings when a path names several keys."""
    names = [name] if isinstance(name, KeyName) else possible_names(name)
    found = [key for key in await asyncio.gather(*(_get(link, one) for one in names)) if key is not None]
    match found:
        case [key]:
            return key
        case []:
            raise NotFound(f"there is no key {_shown(name)}: see `setpoint list`, or make it with `setpoint create`")
        case _:
            meant = " or ".join(f"{key.namespace} {key.key}" for key in found)
            raise InvalidSettings(f"{_shown(name)} can mean {meant}: type namespace and key as two words")


async def find_keys(link: HubLink, names: Sequence[KeyName | KeyPath]) -> list[Key]:
    """Return the keys in the order of their names. Raises as `find_key` does."""
    allowed = asyncio.Semaphore(_AT_ONCE)

    async def find(name: KeyName | KeyPath) -> Key:
        async with allowed:
            return await find_key(link, name)

    return list(await asyncio.gather(*(find(name) for name in names)))


async def all_keys(link: HubLink, params: dict[str, Any]) -> AsyncIterator[tuple[Key, dict[str, Any]]]:
    """Yield every key that `key.list` gives for `params`, page by page, as read and as it came."""
    after: tuple[str, str] | None = None
    while True:
        asked = params if after is None else {**params, "after": list(after)}
        found = await link.request("key.list", asked, timeout=30)
        page = read_answer(KeyPage, found)
        for key, raw in zip(page.keys, found["keys"], strict=True):
            yield key, raw
        if page.next is None:
            return
        after = page.next


async def environment_names(link: HubLink) -> list[str]:
    """Return the environments in the order of promotion."""
    found = read_answer(EnvironmentList, await link.request("environment.list", {}))
    return [environment.env for environment in found.environments]


async def is_protected(link: HubLink, env: str) -> bool:
    """Tell whether a change of an environment is reviewed first; not for one that is not there."""
    found = read_answer(EnvironmentList, await link.request("environment.list", {}))
    return any(environment.protected for environment in found.environments if environment.env == env)


async def require_environment(link: HubLink, env: str) -> None:
    """Raise NotFound, naming those that there are, when there is no such environment.

    Raises RequestFailed when the token does not reach it: whether it exists is then not told.
    """
    names = await environment_names(link)
    if env in names:
        return
    try:
        await link.request("namespace.list", {"env": env})
    except RequestFailed as error:
        if error.kind == "forbidden":
            raise
    raise NotFound(f"there is no environment {env[:40]!r}: there are {', '.join(names)}")


async def value_in(link: HubLink, key: Key, env: str) -> ActiveValue:
    """Return the value of a key in an environment. Raises NotFound."""
    found = key.environments.get(env)
    if found is None:
        await require_environment(link, env)
        raise NotFound(f"{key.namespace}/{key.key} has no value in {env}")
    return found


def type_of(key: Key) -> ValueType:
    """Return the key's type. Raises InvalidSettings for one that a newer hub knows and we do not."""
    if not is_value_type(key.type):
        raise InvalidSettings(f"the type {key.type[:40]!r} is not known here: use a newer setpoint")
    return key.type


async def _get(link: HubLink, name: KeyName) -> Key | None:
    try:
        found = await link.request("key.get", {"namespace": name.namespace, "key": name.key})
    except RequestFailed as error:
        if error.kind == "not_found":
            return None
        raise
    return read_answer(Key, found)


def _shown(name: KeyName | KeyPath) -> str:
    return str(name)[:200] if isinstance(name, KeyName) else name.text[:200]
