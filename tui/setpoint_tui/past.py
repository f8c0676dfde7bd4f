"""Which version a rollback means: the one before the present one, one by its id, or one by a revision."""

from collections.abc import AsyncIterator
from typing import Any

from setpoint_tui.answers import History, HistoryChange, Key, read_answer
from setpoint_tui.arguments import parse_revision
from setpoint_tui.errors import InvalidSettings, NotFound
from setpoint_tui.formatting import format_revision
from setpoint_tui.link import HubLink

__all__ = ["earlier_version"]

_SHORTEST_ID = 4
"""Characters of a version's id that are taken as its beginning."""


async def earlier_version(link: HubLink, env: str, key: Key, to: str | None) -> str:
    """Return the id of the version that `to` means; None: the one before the present one.

    `to` is a revision (41 or r41: what was active then) or a version's id or its beginning. Raises NotFound
    when there is none, InvalidSettings when a beginning fits several.
    """
    place = {"env": env, "namespace": key.namespace, "key": key.key}
    name = f"{key.namespace}/{key.key}"
    if to is None:
        return await _before_the_present(link, place, name)
    revision = parse_revision(to)
    if revision is not None:
        return await _active_at(link, place, name, revision)
    return await _by_id(link, place, name, to)


async def _before_the_present(link: HubLink, place: dict[str, Any], name: str) -> str:
    found = await _history(link, {**place, "limit": 1})
    if not found.changes:
        raise NotFound(f"{name} never had a value in {place['env']}: there is nothing to roll back")
    before = found.changes[0].previous_version
    if before is None:
        raise NotFound(f"{name} had no value before: `setpoint delete` takes the present one away")
    return before


async def _active_at(link: HubLink, place: dict[str, Any], name: str, revision: int) -> str:
    found = await _history(link, {**place, "limit": 1, "before": revision + 1})
    active = found.changes[0].version if found.changes else None
    if active is None:
        raise NotFound(f"{name} had no value at {format_revision(revision)}: see `setpoint history`")
    return active


async def _by_id(link: HubLink, place: dict[str, Any], name: str, text: str) -> str:
    if len(text) < _SHORTEST_ID:
        raise InvalidSettings(f"{text!r} is too short for a version: see `setpoint history --json`")
    found = {
        change.version
        async for change in _all_changes(link, place)
        if change.version is not None and change.version.startswith(text.lower())
    }
    if not found:
        raise NotFound(f"{name} has no version {text[:40]!r} in {place['env']}: see `setpoint history --json`")
    if len(found) > 1:
        raise InvalidSettings(f"{text[:40]!r} is the beginning of several versions: type more of it")
    return found.pop()


async def _all_changes(link: HubLink, place: dict[str, Any]) -> AsyncIterator[HistoryChange]:
    params: dict[str, Any] = {**place, "limit": 500}
    while True:
        found = await _history(link, params)
        for change in found.changes:
            yield change
        if found.next is None:
            return
        params["before"] = found.next


async def _history(link: HubLink, params: dict[str, Any]) -> History:
    return read_answer(History, await link.request("history", params))
