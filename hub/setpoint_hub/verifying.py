"""Verifying the audit in the database: every link recomputed, page by page, beside whatever else the hub does."""

import asyncio
from collections.abc import AsyncGenerator
from contextlib import aclosing
from dataclasses import dataclass

from setpoint.protocol.chain import Link
from setpoint.protocol.verification import Broken, ChainCheck, Head
from setpoint_hub.errors import not_found
from setpoint_hub.store.chains import Chains

__all__ = ["Verdict", "Verifier"]


@dataclass(frozen=True, slots=True)
class Verdict:
    """What became of one chain: of an environment, or, without one, of the events."""

    env: str | None
    verified: int
    """Links that hold, from the first."""
    head: Head
    """Where the database says that the chain stands."""
    broken: Broken | None


class Verifier:
    """Verifies one chain at a time, so that it never takes more than its share of the hub."""

    def __init__(self, chains: Chains) -> None:
        self._chains = chains
        self._turn = asyncio.Lock()

    async def environment(self, env: str, *, known: Head | None = None) -> Verdict:
        """Verify an environment's chain, and that what is active is what it says. Raises the answer `not_found`."""
        async with self._turn:
            check = ChainCheck(known=known)
            broken = None
            while True:
                before = check.at.number
                broken = await _take_all(check, self._chains.change_sets(env, after=before))
                head = (await self._chains.heads(env)).get(env)
                if head is None:
                    raise not_found(f"there is no environment {env[:40]}")
                # What was committed meanwhile is taken too.
                if broken is not None or head.number <= check.at.number or check.at.number == before:
                    break
            broken = broken or check.finish(head) or await self._contradicted(env)
            return Verdict(env, check.at.number, head, broken)

    async def events(self, *, known: Head | None = None) -> Verdict:
        """Verify the chain of events."""
        async with self._turn:
            check = ChainCheck(known=known)
            while True:
                before = check.at.number
                broken = await _take_all(check, self._chains.events(after=before))
                head = await self._chains.event_head()
                if broken is not None or head.number <= check.at.number or check.at.number == before:
                    break
            return Verdict(None, check.at.number, head, broken or check.finish(head))

    async def _contradicted(self, env: str) -> Broken | None:
        row = await self._chains.contradicted(env)
        if row is None:
            return None
        name = f"{row['namespace']}/{row['key']}"
        return Broken(row["revision"], f"{name} does not hold the version that the log made active last")


async def _take_all(check: ChainCheck, links: AsyncGenerator[Link]) -> Broken | None:
    async with aclosing(links):
        async for found in links:
            broken = check.take(found)
            if broken is not None:
                return broken
    return None
