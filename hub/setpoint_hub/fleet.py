"""The fleet as this hub hears of it: heartbeats taken in memory, written to ConfigWatch in batches."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterable
from datetime import timedelta
from typing import Final
from uuid import UUID

from setpoint.protocol.names import Revision
from setpoint.protocol.params import HeartbeatParams
from setpoint_hub.database import Row
from setpoint_hub.errors import DatabaseUnavailable
from setpoint_hub.follower import CommitClock
from setpoint_hub.instance import GONE_AFTER_HEARTBEATS, SILENT_AFTER_HEARTBEATS, Instance, Told
from setpoint_hub.metrics import DELAY
from setpoint_hub.settings import HubSettings
from setpoint_hub.store.watches import Watches

__all__ = ["Fleet"]

log = logging.getLogger(__name__)

FORGET_SECONDS: Final = 3600.0
LARGEST_BATCH: Final = 5000


class Fleet:
    """Every instance that talks to this hub. `clock` gives seconds that never go back."""

    def __init__(
        self,
        watches: Watches,
        commits: CommitClock,
        *,
        hub_id: UUID,
        settings: HubSettings,
        clock: Callable[[], float],
    ) -> None:
        self._watches = watches
        self._commits = commits
        self._hub_id = str(hub_id)
        self._settings = settings
        self._clock = clock
        self._instances: dict[str, Instance] = {}
        self._unwritten: set[str] = set()
        self._changed = asyncio.Event()
        self.on_superseded: Callable[[str], None] = lambda _: None
        """Called with a client id that another hub has taken over."""

    @property
    def silent_after(self) -> float:
        """Seconds without a word after which an instance is silent."""
        return SILENT_AFTER_HEARTBEATS * self._settings.heartbeat_seconds

    def join(self, instance: Instance) -> None:
        """Take an instance that began to watch, or that polled."""
        self._instances[instance.client_id] = instance
        self._note(instance)

    def find(self, client_id: str) -> Instance | None:
        """Return an instance by its client id."""
        return self._instances.get(client_id)

    def hear(self, instance: Instance, beat: HeartbeatParams) -> None:
        """Take a heartbeat. One that says nothing new is not written."""
        now = self._clock()
        instance.heard = now
        said = (Revision(beat.revision), beat.status, beat.source, beat.error)
        if said == (instance.revision, instance.status, instance.source, instance.error):
            return
        if beat.status == "applied" and beat.revision != instance.revision:
            instance.applied_ms = self._applied_ms(instance.env, beat, now)
        instance.revision, instance.status, instance.source, instance.error = said
        self._note(instance)

    def leave(self, instance: Instance, *, goodbye: bool) -> None:
        """Take that an instance's connection has ended; without a goodbye it is silent, not gone."""
        if self._instances.get(instance.client_id) is not instance:
            return
        instance.connected = False
        instance.left = goodbye
        self._note(instance)

    def told(self, env: str | None = None) -> list[Told]:
        """Return what this hub's live instances said."""
        now = self._clock()
        return [
            instance.told(self._hub_id, now)
            for instance in self._instances.values()
            if not instance.left and (env is None or instance.env == env)
        ]

    async def told_elsewhere(self, env: str | None = None) -> list[Told]:
        """Return what the live instances of other hubs said, as those hubs wrote it, and that are not with us now."""
        # A row is refreshed only now and then, so its age alone does not make an instance silent.
        within = timedelta(seconds=self._gone_after + self._settings.watch_refresh_seconds)
        rows = await self._watches.elsewhere(env, within=within)
        grace = self._settings.watch_refresh_seconds + self._settings.watch_flush_seconds
        return [_told(row, grace) for row in rows if not self._is_ours(row)]

    def _is_ours(self, row: Row) -> bool:
        # Who is connected elsewhere as another user stays there, whoever uses the name here until that is written.
        ours = self._instances.get(row["client_id"])
        return ours is not None and not (row["connected"] and row["user_id"] not in (None, ours.user_id))

    async def changed(self, *, within: float) -> None:
        """Wait until an instance says something new, or for so many seconds."""
        try:
            async with asyncio.timeout(within):
                await self._changed.wait()
        except TimeoutError:
            return

    async def run(self) -> None:
        """Write batches for ever, and now and then remove what is long gone."""
        forget_at = self._clock() + FORGET_SECONDS
        look_at = self._clock()
        while True:
            await asyncio.sleep(self._settings.watch_flush_seconds)
            try:
                await self.flush()
                if self._clock() >= look_at:
                    look_at = self._clock() + self._settings.heartbeat_seconds
                    await self._let_go()
                if self._clock() >= forget_at:
                    forget_at = self._clock() + FORGET_SECONDS
                    await self._watches.forget()
            except DatabaseUnavailable as error:
                log.debug("heartbeats wait: %s", error)
            except Exception:  # The root of a task: what the fleet says must never end the hub.
                log.exception("heartbeats were not written")

    async def flush(self) -> None:
        """Write what is new, and what was not written for long although it was heard: one statement, or none."""
        now = self._clock()
        due = [instance for instance in self._instances.values() if self._is_due(instance, now)][:LARGEST_BATCH]
        self._drop_gone(now)
        if not due:
            return
        batch = {instance.client_id for instance in due}
        self._unwritten -= batch
        try:
            superseded = await self._watches.write(due, now=now)
        except Exception:
            self._unwritten |= batch
            raise
        for instance in due:
            instance.written = now
        self._supersede(superseded)

    async def _let_go(self) -> None:
        """Find out who has connected to another hub since: until then two connections would stand for one client."""
        connected = [instance for instance in self._instances.values() if instance.connected]
        if connected:
            self._supersede(await self._watches.taken_over(connected))

    def _supersede(self, client_ids: Iterable[str]) -> None:
        for client_id in client_ids:
            log.info("%s talks to another hub now", client_id)
            self._instances.pop(client_id, None)
            self.on_superseded(client_id)

    @property
    def _gone_after(self) -> float:
        return GONE_AFTER_HEARTBEATS * self._settings.heartbeat_seconds

    def _is_due(self, instance: Instance, now: float) -> bool:
        if instance.client_id in self._unwritten or instance.written is None:
            return True
        refresh_at = instance.written + self._settings.watch_refresh_seconds
        return instance.heard > instance.written and now >= refresh_at

    def _drop_gone(self, now: float) -> None:
        for client_id, instance in list(self._instances.items()):
            written = client_id not in self._unwritten and instance.written is not None
            gone = instance.left or (not instance.connected and now - instance.heard > self._gone_after)
            if written and gone:
                del self._instances[client_id]

    def _applied_ms(self, env: str, beat: HeartbeatParams, now: float) -> float | None:
        committed = self._commits.moment(env, beat.revision)
        if committed is None or beat.applied_ms_ago is None:
            return None
        seconds = max(0.0, now - beat.applied_ms_ago / 1000 - committed)
        DELAY.observe(seconds)
        return seconds * 1000

    def _note(self, instance: Instance) -> None:
        self._unwritten.add(instance.client_id)
        changed, self._changed = self._changed, asyncio.Event()
        changed.set()


def _told(row: Row, grace: float) -> Told:
    namespaces: Iterable[str] = row["namespaces"]
    return Told(
        client_id=row["client_id"],
        service=row["service"],
        env=row["env"],
        namespaces=frozenset(namespaces),
        sdk=row["sdk"],
        labels=json.loads(row["labels"]),
        epoch=str(row["epoch"]),
        revision=row["current_version"],
        status=row["status"],
        source=row["source"],
        error=row["error"],
        applied_ms=row["applied_ms"],
        connected=row["connected"],
        silent_seconds=max(0.0, row["silent_seconds"] - (grace if row["connected"] else 0.0)),
        hub=str(row["hub_id"]),
    )
