"""Constraints that take their time hold up who asks for them, and nobody who does not."""

import asyncio
from collections.abc import AsyncGenerator

import pytest

from support.hubs import RunningHub
from support.tokens import token_of
from support.waiting import eventually
from support.wire import Refused, Wire

SLOW = {"pattern": "^(a+)+$"}
KEYS = range(4)
"""As many as the hub has connections to its database."""


@pytest.fixture
async def careless(hub: RunningHub, wire: Wire) -> AsyncGenerator[Wire]:
    """A connection of an editor who reaches `search` in development alone, where values are slow to check by SLOW."""
    await wire.ask("key.update", namespace="payments", key="max_retries", constraints={"maximum": 100})
    async with hub.connect(await token_of(hub, "editor", ["development"], ["search"])) as editor:
        for number in KEYS:
            await editor.create_key(f"k{number}", "string", "search")
            await editor.set("a" * 40 + "!", f"k{number}", namespace="search", env="development")
        yield editor


async def test_slow_constraints_of_one_namespace_hold_up_no_other(hub: RunningHub, wire: Wire, careless: Wire) -> None:
    await wire.set(1)
    slow = [
        asyncio.create_task(careless.refusal("key.update", namespace="search", key=f"k{number}", constraints=SLOW))
        for number in KEYS
    ]
    await eventually(hub.hub._defining._turn.locked)
    for value in (2, 3):
        await wire.set(value)
    found = await wire.ask("key.get", namespace="payments", key="max_retries")
    assert found["environments"]["staging"]["value"] == 3
    assert not all(task.done() for task in slow)
    refused = await asyncio.gather(*slow)
    assert all("more than 1 s" in one.message for one in refused)


async def test_reviews_that_are_slow_to_check_hold_up_no_other_environment(
    hub: RunningHub, wire: Wire, careless: Wire
) -> None:
    await wire.set(1)
    numbers = []
    for number in KEYS:
        change = {"namespace": "search", "key": f"k{number}", "value": "a" * 40 + "?"}
        made = await careless.ask("review.create", env="development", changes=[change], note="why")
        numbers.append(made["id"])
        await careless.ask("key.update", namespace="search", key=f"k{number}", constraints=SLOW, force=True)
    slow = [asyncio.create_task(rebased(careless, number)) for number in numbers]
    await eventually(hub.hub._defining._turn.locked)
    with pytest.raises(Refused) as held:
        await wire.set(2, env="production", note="why")
    assert (await wire.ask("review.get", review=held.value.data["review"]))["state"] == "open"
    await wire.set(2)
    assert not all(task.done() for task in slow)
    assert {*await asyncio.gather(*slow)} == {"invalid_value"}


async def rebased(wire: Wire, number: int) -> str | None:
    return (await wire.refusal("review.rebase", review=number)).kind
