"""A feed and its model without a screen, and what a hub holds to compare it with."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from setpoint_tui.connection import Connection
from setpoint_tui.feed import Feed, Pace
from setpoint_tui.model.model import Model
from support.waiting import eventually
from support.wire import Wire

__all__ = ["ENVIRONMENTS", "QUICK", "following", "hub_holds", "model_holds", "same_as"]

ENVIRONMENTS = ("development", "staging", "production")

QUICK = Pace(first_delay=0.001, longest_delay=0.02, refused_delay=0.05, beat=0.05)


@asynccontextmanager
async def following(connection: Connection, *, pace: Pace = QUICK) -> AsyncGenerator[Feed]:
    """Run a feed; it must not end by itself."""
    feed = Feed(Model(), connection, pace=pace)
    running = asyncio.create_task(feed.run())
    try:
        yield feed
        assert not running.done(), running
    finally:
        running.cancel()
        await asyncio.wait([running])


async def hub_holds(wire: Wire, env: str) -> tuple[int, dict[tuple[str, str], tuple[Any, str]]]:
    """Return an environment's revision, and value and version of each key, as the hub says."""
    found = await wire.ask("snapshot", env=env)
    return found["revision"], {
        (namespace, key): (entry["value"], entry["version"])
        for namespace, keys in found["namespaces"].items()
        for key, entry in keys.items()
    }


def model_holds(model: Model, env: str) -> tuple[int, dict[tuple[str, str], tuple[Any, str]]]:
    """Return the same of the model."""
    place = model.places[env]
    return place.revision, {key: (held.value, held.version) for key, held in place.held.items()}


async def same_as(wire: Wire, model: Model) -> None:
    """Wait until every environment of the model is what the hub holds, and every key known."""
    for env in ENVIRONMENTS:

        async def is_same(env: str = env) -> bool:
            assert model_holds(model, env) == await hub_holds(wire, env)
            return True

        await eventually(is_same)
        held = model.places[env]
        assert +held.counts == +type(held.counts)(key[0] for key in held.held)
    listed = (await wire.ask("key.list", limit=1000))["keys"]
    await eventually(lambda: {(key["namespace"], key["key"]) for key in listed} <= model.facts.keys())
