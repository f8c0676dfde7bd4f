"""Relaying change sets to watchers: one frame is encoded per audience and put into every socket of it."""

import asyncio
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Final

from websockets.asyncio.server import broadcast

from setpoint.protocol.names import Epoch, Revision
from setpoint_hub.metrics import CHANGES_SENT, LAGGING, WATCHERS
from setpoint_hub.outlet import Outlet
from setpoint_hub.replica import ChangeSet, KeyChange, Replica
from setpoint_hub.scopes import Scope

__all__ = ["FanOut", "Watcher"]

SLICE: Final = 200
"""Sockets written to before others get a turn on the loop."""


@dataclass(eq=False, slots=True)
class Watcher:
    """One watching connection. `position` is the revision up to which everything was put into its buffer."""

    outlet: Outlet
    env: str
    namespaces: tuple[str, ...]
    epoch: Epoch
    position: Revision
    lagging: bool = False


@dataclass(eq=False, slots=True)
class _Audience:
    """The watchers of the same namespaces of one environment: they get the same frames."""

    env: str
    namespaces: frozenset[str]
    watchers: set[Watcher] = field(default_factory=set[Watcher])


class FanOut:
    """All watchers of this hub, by audience. Nothing here waits for a reader."""

    def __init__(self, *, acks_per_second: float) -> None:
        self._acks_per_second = acks_per_second
        self._audiences: dict[tuple[str, frozenset[str]], _Audience] = {}
        self._lagging: set[Watcher] = set()

    def join(self, watcher: Watcher) -> None:
        """Add a watcher. What it is told at its position must be put into its buffer in the same step of the loop."""
        key = (watcher.env, frozenset(watcher.namespaces))
        self._audiences.setdefault(key, _Audience(*key)).watchers.add(watcher)
        WATCHERS.labels(watcher.env).inc()

    def leave(self, watcher: Watcher) -> None:
        """Remove a watcher; harmless when it has left."""
        key = (watcher.env, frozenset(watcher.namespaces))
        audience = self._audiences.get(key)
        if audience is None or watcher not in audience.watchers:
            return
        audience.watchers.remove(watcher)
        if not audience.watchers:
            del self._audiences[key]
        self._lagging.discard(watcher)
        WATCHERS.labels(watcher.env).dec()

    def count(self, env: str, namespaces: Scope) -> int:
        """Return how many watch any of these namespaces in an environment."""
        return sum(
            len(audience.watchers)
            for audience in self._audiences.values()
            if audience.env == env and any(map(namespaces.covers, audience.namespaces))
        )

    async def relay(self, replica: Replica, change_set: ChangeSet) -> None:
        """Apply the change set to the replica and put it into the buffer of everyone concerned.

        Raises LogGap when the change set does not follow what the replica holds; nothing is sent then.
        """
        touched = replica.apply(change_set)
        for audience in list(self._audiences.values()):
            concerned = audience.namespaces & touched.keys()
            if audience.env != change_set.env or not concerned:
                continue
            before = replica.touched(audience.namespaces - concerned)
            previous = max(before, *(touched[namespace] for namespace in concerned))
            frame = change_frame(
                replica.env,
                replica.epoch,
                previous,
                change_set.revision,
                _changed(change_set.changes, concerned),
                len(audience.watchers) / self._acks_per_second,
            )
            await self._deliver(audience, frame, change_set.revision)

    async def start_over(self, env: str, epoch: Epoch, revision: Revision) -> None:
        """Tell everyone who watches an environment that its history is another one now: they watch again."""
        frame = change_frame(env, epoch, Revision(0), max(revision, Revision(1)), "{}", 0.0)
        for audience in list(self._audiences.values()):
            if audience.env == env:
                await self._deliver(audience, frame, revision)

    def resume(self, env: str) -> None:
        """Have everyone who watches an environment catch up from where each is: its replica was loaded anew."""
        for audience in self._audiences.values():
            if audience.env == env:
                for watcher in audience.watchers:
                    watcher.lagging = True
                    self._lagging.add(watcher)

    def catch_up(self, replicas: dict[str, Replica]) -> None:
        """Send what they missed, merged, to the watchers that lagged and have drained."""
        for watcher in list(self._lagging):
            replica = replicas.get(watcher.env)
            if replica is None or not watcher.outlet.drained:
                continue
            self._lagging.discard(watcher)
            watcher.lagging = False
            position = replica.touched(watcher.namespaces)
            if position > watcher.position:
                changed = replica.since(watcher.position, watcher.namespaces)
                frame = change_frame(replica.env, replica.epoch, watcher.position, position, changed, 0.0)
                watcher.outlet.write(frame)
                watcher.position = position
        LAGGING.set(len(self._lagging))

    @property
    def any_lagging(self) -> bool:
        """Whether anybody waits for `catch_up`."""
        return bool(self._lagging)

    async def _deliver(self, audience: _Audience, frame: bytes, revision: Revision) -> None:
        # A watcher that joins from here on is at this revision already, by what it was told when it joined.
        waiting = [watcher for watcher in audience.watchers if not watcher.lagging]
        for start in range(0, len(waiting), SLICE):
            if start:
                await asyncio.sleep(0)
            self._write(waiting[start : start + SLICE], frame, revision)

    def _write(self, watchers: Iterable[Watcher], frame: bytes, revision: Revision) -> None:
        ready: list[Watcher] = []
        for watcher in watchers:
            if watcher.outlet.full:
                watcher.lagging = True
                self._lagging.add(watcher)
            else:
                watcher.position = revision
                ready.append(watcher)
        broadcast((watcher.outlet.connection for watcher in ready), frame, text=True)
        CHANGES_SENT.inc(len(ready))
        LAGGING.set(len(self._lagging))


def change_frame(
    env: str, epoch: Epoch, previous: Revision, revision: Revision, namespaces: str, ack_within: float
) -> bytes:
    """Encode a `change` notification; `namespaces` is JSON already."""
    # Below some tens of watchers spreading would only delay the receipt.
    spread = f',"ack_within_seconds":{ack_within:.3f}' if ack_within >= 0.02 else ""
    return (
        f'{{"jsonrpc":"2.0","method":"change","params":{{"env":"{env}","epoch":"{epoch}",'
        f'"previous":{previous},"revision":{revision},"namespaces":{namespaces}{spread}}}}}'
    ).encode()


def _changed(changes: Iterable[KeyChange], namespaces: Iterable[str]) -> str:
    found: dict[str, list[str]] = {namespace: [] for namespace in namespaces}
    for change in changes:
        if change.namespace in found:
            found[change.namespace].append(f'"{change.key}":{change.entry or "null"}')
    return "{" + ",".join(f'"{name}":{{{",".join(keys)}}}' for name, keys in found.items()) + "}"
