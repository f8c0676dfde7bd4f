"""From a commit to its receipt: hints go out, the fleet is asked, the answer says who runs it."""

import asyncio
from collections.abc import Callable
from typing import Any, Final

from setpoint_hub.fleet import Fleet
from setpoint_hub.follower import Follower
from setpoint_hub.hints import Publisher, hints_of
from setpoint_hub.instance import Told, judge
from setpoint_hub.receipts import Receipt, make_receipt
from setpoint_hub.replica import ChangeSet
from setpoint_hub.rpc.visible import narrowed, narrowed_fleet
from setpoint_hub.scopes import Scope
from setpoint_hub.session import Session
from setpoint_hub.store.writer import Committed

__all__ = ["Tracking"]

LOOK_ELSEWHERE_SECONDS: Final = 0.3
HELD_WITHIN_SECONDS: Final = 1.0
JUDGED_PER_SECOND: Final = 20_000
"""Instances of a large fleet acknowledge one by one; judging all of them at each would cost its square."""


class Tracking:
    """Follows a change set into the fleet."""

    def __init__(self, follower: Follower, fleet: Fleet, publisher: Publisher, *, clock: Callable[[], float]) -> None:
        self._follower = follower
        self._fleet = fleet
        self._publisher = publisher
        self._clock = clock

    async def after_commit(self, session: Session, committed: Committed, wait: float | None) -> dict[str, Any] | None:
        """Make a commit known to every hub; return its receipt when the caller waits for one."""
        await self.announce(committed)
        return None if wait is None else await self._wait(session, committed.change_set, wait)

    async def announce(self, committed: Committed) -> None:
        """Make a commit known to every hub."""
        change_set = committed.change_set
        epoch = self._follower.epoch
        # This hub reads the log like the others, only sooner.
        self._follower.hint(change_set.env, change_set.revision, epoch)
        self._publisher.publish(hints_of(change_set, epoch))
        await self._held_here(change_set)

    async def receipt(self, change_set: ChangeSet, namespaces: Scope) -> dict[str, Any]:
        """Return the receipt of a change set as of now, for who is shown these namespaces."""
        told = _together(self._fleet.told(change_set.env), await self._fleet.told_elsewhere(change_set.env))
        return self._judge(narrowed(change_set, namespaces), told, namespaces).as_json()

    async def fleet(self, env: str | None, namespaces: Scope) -> list[tuple[Told, str, int]]:
        """Return the live instances that watch any of the namespaces, each as `rpc.visible` narrows it, with its
        state and the revision that it should run.
        """
        told = _together(self._fleet.told(env), await self._fleet.told_elsewhere(env))
        seen = map(self._stand, narrowed_fleet(told, namespaces))
        return sorted(seen, key=lambda found: (found[1] == "current", found[0].client_id))

    async def _held_here(self, change_set: ChangeSet) -> None:
        """Let who was told of a commit find it in what this hub serves, unless the log cannot be read just now."""
        try:
            async with asyncio.timeout(HELD_WITHIN_SECONDS):
                await self._follower.reached(change_set.env, change_set.revision)
        except TimeoutError:
            return

    async def _wait(self, session: Session, change_set: ChangeSet, wait: float) -> dict[str, Any]:
        deadline = self._clock() + wait
        elsewhere = await self._fleet.told_elsewhere(change_set.env)
        looked = self._clock()
        while True:
            told = _together(self._fleet.told(change_set.env), elsewhere)
            receipt = self._judge(change_set, told, session.principal.namespaces)
            left = deadline - self._clock()
            if receipt.settled or left <= 0 or session.gone.is_set():
                return receipt.as_json()
            await self._fleet.changed(within=min(left, LOOK_ELSEWHERE_SECONDS))
            await asyncio.sleep(min(left, len(told) / JUDGED_PER_SECOND))
            # Other hubs are asked only while there is somebody to ask about.
            if elsewhere and self._clock() - looked >= LOOK_ELSEWHERE_SECONDS:
                elsewhere = await self._fleet.told_elsewhere(change_set.env)
                looked = self._clock()

    def _judge(self, change_set: ChangeSet, told: list[Told], namespaces: Scope) -> Receipt:
        return make_receipt(
            change_set.env,
            change_set.revision,
            self._follower.epoch,
            {change.namespace for change in change_set.changes},
            narrowed_fleet(told, namespaces),
            silent_after=self._fleet.silent_after,
        )

    def _stand(self, told: Told) -> tuple[Told, str, int]:
        replica = self._follower.replicas.get(told.env)
        target = 0 if replica is None else replica.touched(told.namespaces)
        epoch = self._follower.epoch
        return told, judge(told, epoch=epoch, target=target, silent_after=self._fleet.silent_after), target


def _together(here: list[Told], elsewhere: list[Told]) -> list[Told]:
    """Return all instances, each once: of one that is held elsewhere, what was said there. Pure."""
    held = {told.client_id for told in elsewhere}
    return [told for told in here if told.client_id not in held] + elsewhere
