"""Loads the sample by the wire, as any operator would: only what is missing, so that changes are kept."""

import asyncio
import uuid
from collections.abc import Collection, Sequence
from dataclasses import replace
from typing import Any

from setpoint_tui.answers import Environment, EnvironmentList, read_answer
from setpoint_tui.demo.sample import ENVIRONMENTS, PROPOSAL, REPAIR, SampleKey
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import all_keys
from setpoint_tui.writing import write

__all__ = ["load_sample"]

_AT_ONCE = 16


async def load_sample(link: HubLink, sample: Sequence[SampleKey]) -> int:
    """Make the keys that are missing and give them their values; return how many were made.

    An environment that has had no change yet gets all values: an earlier load was cut short. Where changes are
    reviewed, an admin breaks the glass for the sample, and one change is left waiting to be looked at.

    Values have grown older the farther they were promoted: the last environment is loaded first. One value is newer
    there, by a repair that nobody has brought back yet.
    """
    present = {(key.namespace, key.key) async for key, _ in all_keys(link, {})}
    missing = [key for key in sample if (key.namespace, key.key) not in present]
    await _make(link, missing)
    found = read_answer(EnvironmentList, await link.request("environment.list", {}))
    environments = {environment.env: environment for environment in found.environments}
    for place, env in reversed(list(enumerate(ENVIRONMENTS))):
        await _set(link, environments[env], place, sample if environments[env].revision == 0 else missing)
    for environment in environments.values():
        if environment.protected and environment.revision == 0:
            await _repair(link, environment.env)
            await _propose(link, environment.env)
    return len(missing)


async def _make(link: HubLink, keys: Collection[SampleKey]) -> None:
    allowed = asyncio.Semaphore(_AT_ONCE)

    async def make(key: SampleKey) -> None:
        async with allowed:
            await link.request("key.create", _description(key))

    await asyncio.gather(*(make(key) for key in keys))


def _description(key: SampleKey) -> dict[str, Any]:
    return {
        "namespace": key.namespace,
        "key": key.key,
        "type": key.type,
        "description": key.description,
        "owner": key.owner,
        "tags": list(key.tags),
    }


async def _set(link: HubLink, environment: Environment, place: int, keys: Sequence[SampleKey]) -> None:
    if not keys:
        return
    changes = [
        {"namespace": key.namespace, "key": key.key, "value": key.values[place], "expected_version": None}
        for key in keys
    ]
    params: dict[str, Any] = {"env": environment.env, "changes": changes, "note": "the sample"}
    if environment.protected:
        params["break_glass"] = True
    await write(link, "set", params, request_id=str(uuid.uuid4()), wait=0)


async def _repair(link: HubLink, env: str) -> None:
    change = {"namespace": REPAIR.namespace, "key": REPAIR.key, "value": REPAIR.value}
    params = {"env": env, "changes": [change], "note": REPAIR.reason, "break_glass": True}
    await write(link, "set", params, request_id=str(uuid.uuid4()), wait=0)


async def _propose(link: HubLink, env: str) -> None:
    """Propose a change as somebody else, so that who looks at the demo may decide on it."""
    asked = {
        "user": PROPOSAL.author,
        "role": "editor",
        "environments": [env],
        "namespaces": [PROPOSAL.namespace],
        "create_user": True,
    }
    given = await link.request("token.create", asked)
    try:
        theirs = replace(link.connection, token=given["token"])
        async with HubLink.open(theirs) as author:
            await author.request("review.create", _proposal(env))
    finally:
        # Nobody has it any more.
        await link.request("token.revoke", {"id": given["id"]})


def _proposal(env: str) -> dict[str, Any]:
    change = {"namespace": PROPOSAL.namespace, "key": PROPOSAL.key, "value": PROPOSAL.value}
    return {"env": env, "changes": [change], "note": PROPOSAL.reason, "ticket": PROPOSAL.ticket}
