"""Following the log: woken by a hint or by the clock, it reads what came after and relays it.

The only way in which a change reaches this hub's replicas, also when this hub wrote it itself.
"""

import asyncio
import logging
import random
from collections import deque
from collections.abc import Awaitable, Callable
from typing import Final

from setpoint.protocol.names import Epoch, Revision
from setpoint_hub.errors import DatabaseUnavailable, LogGap, PlaceUnreadable
from setpoint_hub.fanout import FanOut
from setpoint_hub.metrics import CHANGE_SETS, REVISION
from setpoint_hub.replica import ChangeSet, Replica
from setpoint_hub.store.log import Log, Positions, Tail

__all__ = ["CommitClock", "Follower"]

log = logging.getLogger(__name__)

Clock = Callable[[], float]

REMEMBERED_COMMITS: Final = 2000
RETRY_SECONDS: Final = (0.01, 0.03, 0.1, 0.3)
"""Between reads of a log that does not show a hinted revision yet, as a standby's may not."""


class CommitClock:
    """When recent change sets were committed, on this hub's own clock: the database's is translated on reading."""

    def __init__(self) -> None:
        self._moments: dict[tuple[str, int], float] = {}
        self._order: deque[tuple[str, int]] = deque()

    def note(self, change_set: ChangeSet, moment: float) -> None:
        """Remember when a change set was committed."""
        key = (change_set.env, change_set.revision)
        self._moments[key] = moment
        self._order.append(key)
        if len(self._order) > REMEMBERED_COMMITS:
            self._moments.pop(self._order.popleft(), None)

    def moment(self, env: str, revision: int) -> float | None:
        """Return when a change set was committed, or None when it is not known any more."""
        return self._moments.get((env, revision))


class Follower:
    """Keeps a replica of every environment at the head of its log."""

    def __init__(
        self,
        log_reader: Log,
        fanout: FanOut,
        *,
        poll_seconds: float,
        on_access_change: Callable[[], Awaitable[None]],
        on_change_set: Callable[[Epoch, ChangeSet], None],
        on_reviews: Callable[[int], Awaitable[None]],
        clock: Clock,
    ) -> None:
        self._log = log_reader
        self._fanout = fanout
        self._poll_seconds = poll_seconds
        self._on_access_change = on_access_change
        self._on_change_set = on_change_set
        self._on_reviews = on_reviews
        self._clock = clock
        self._woken = asyncio.Event()
        self._hinted: dict[str, Revision] = {}
        self._look_at_all = True
        self._looked = clock()
        self._access_revision = -1
        self._review_revision = 0
        self._moved = asyncio.Event()
        self.replicas: dict[str, Replica] = {}
        self.protected: frozenset[str] = frozenset()
        """The environments that are protected, as of the last look."""
        self.epoch = Epoch("")
        self.commits = CommitClock()
        self.loaded = False
        self.trouble: str | None = "the environments are not loaded yet"
        """Why the log is not being followed; None while it is. It names no key: anybody may be told."""
        self._logged = ""

    def hint(self, env: str, revision: Revision, epoch: str) -> None:
        """Take a hint: there may be something after what is held. One of another installation is ignored."""
        if epoch and self.epoch and epoch != self.epoch:
            return
        if revision > self._hinted.get(env, 0):
            self._hinted[env] = revision
        self._woken.set()

    def look(self) -> None:
        """Look at every environment now, as after a loss of hints."""
        self._look_at_all = True
        self._woken.set()

    async def reached(self, env: str, revision: Revision) -> None:
        """Wait until the replica holds a revision."""
        while (replica := self.replicas.get(env)) is None or replica.revision < revision:
            await self._moved.wait()

    async def run(self) -> None:
        """Follow for ever; what the database's absence costs is time."""
        failures = 0
        while True:
            try:
                await self._step()
                failures = 0
                continue
            except DatabaseUnavailable as error:
                self._say(f"PostgreSQL cannot be reached: {error}")
            except PlaceUnreadable as error:
                # The trouble is told to everybody who asks whether the hub is ready, so it names no key.
                self._say(f"{error.reason} (the hub's log names the key)", logged=str(error))
            except Exception as error:  # The root of a task: a database under repair refuses in many ways.
                log.exception("the log cannot be followed")
                self._say(f"the log cannot be followed: {error}")
            self._look_at_all = True
            failures += 1
            await asyncio.sleep(random.uniform(0.2, min(5.0, 0.4 * 2**failures)))  # noqa: S311  # jitter

    async def _step(self) -> None:
        # Hints name revisions alone: however many come, what else changes, such as tokens, is looked at in time.
        if self._look_at_all or self._pause() <= 0:
            self._look_at_all, self._looked = False, self._clock()
            await self._catch_up_all(await self._log.positions())
        for env, revision in self._take_hints().items():
            await self._catch_up(env, revision)
        if self.trouble is not None:
            log.info("following the log of %s", ", ".join(sorted(self.replicas)) or "no environment yet")
            self.trouble = None
        if not self._hinted and not self._look_at_all:
            await self._wait()

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(self._pause()):
                await self._woken.wait()
        except TimeoutError:
            self._look_at_all = True
        self._woken.clear()

    def _pause(self) -> float:
        """Return the seconds until the next look at everything."""
        return self._looked + self._poll_seconds - self._clock()

    def _take_hints(self) -> dict[str, Revision]:
        hints, self._hinted = self._hinted, {}
        return hints

    def _say(self, trouble: str, *, logged: str | None = None) -> None:
        said = logged or trouble
        if self.trouble is None or self._logged != said:
            log.warning("%s: serving what is held, trying again", said)
        self.trouble, self._logged = trouble, said

    async def _catch_up_all(self, positions: Positions) -> None:
        if positions.access_revision != self._access_revision:
            await self._on_access_change()
            self._access_revision = positions.access_revision
        self.protected = positions.protected
        if positions.epoch != self.epoch:
            await self._load_all(positions)
        for env, revision in positions.revisions.items():
            replica = self.replicas.get(env)
            if replica is None:
                await self._load(env)
            elif revision < replica.revision:
                await self._history_went_back(replica, revision)
                return
            elif revision > replica.revision:
                await self._catch_up(env, revision)
        await self._look_at_reviews(positions.review_revision)
        self.loaded = True

    async def _look_at_reviews(self, review_revision: int) -> None:
        """Tell what changed since the last look, after the change sets; what was before the first is no news."""
        if self.loaded and review_revision > self._review_revision:
            # What is raised here leaves them to the next look.
            await self._on_reviews(self._review_revision)
        self._review_revision = review_revision

    async def _catch_up(self, env: str, hinted: Revision) -> None:
        """Read on until at least the hinted revision is held; give a standby that is behind some time."""
        waits = iter(RETRY_SECONDS)
        while (replica := self.replicas.get(env)) is not None and replica.revision < hinted:
            try:
                tail = await self._log.after(env, replica.revision)
            except PlaceUnreadable as error:
                # A later change set may have put something else in its place: only what holds now has to open.
                log.error("%s: loading the environment anew", error)
                await self._load(env)
                self._fanout.resume(env)
                return
            if tail.change_sets:
                await self._relay(replica, tail)
                continue
            pause = next(waits, None)
            if pause is None:
                log.debug("%s is said to be at %d, but its log ends at %d", env, hinted, replica.revision)
                return
            await asyncio.sleep(pause)
        if replica is None:
            self._look_at_all = True

    async def _relay(self, replica: Replica, tail: Tail) -> None:
        read_at = self._clock()
        try:
            for change_set in tail.change_sets:
                age = (tail.now - change_set.at).total_seconds() if tail.now else 0.0
                self.commits.note(change_set, read_at - max(0.0, age))
                await self._fanout.relay(replica, change_set)
                CHANGE_SETS.labels(replica.env).inc()
                REVISION.labels(replica.env).set(replica.revision)
                self._on_change_set(replica.epoch, change_set)
                self._tell()
        except LogGap as gap:
            log.error("%s: loading the environment anew", gap)
            await self._load(replica.env)
            self._fanout.resume(replica.env)

    async def _load(self, env: str) -> None:
        try:
            replica = await self._log.load(env)
        except KeyError:
            return
        self.replicas[env] = replica
        REVISION.labels(env).set(replica.revision)
        self._tell()
        log.debug("loaded %s at revision %d", env, replica.revision)

    async def _load_all(self, positions: Positions) -> None:
        another = bool(self.epoch)
        if another:
            log.warning("the history is another one now (epoch %s): loading everything anew", positions.epoch)
        self.epoch = positions.epoch
        for env in positions.revisions:
            await self._load(env)
            if another:
                await self._start_over(env)

    async def _start_over(self, env: str) -> None:
        replica = self.replicas[env]
        await self._fanout.start_over(env, replica.epoch, replica.revision)

    async def _history_went_back(self, replica: Replica, revision: Revision) -> None:
        # A restore without a new epoch, or a standby that was promoted without the last commits: revisions that
        # clients hold would be given out again for other changes.
        log.error(
            "%s went back from revision %d to %d: the database was restored, starting a new epoch",
            replica.env,
            replica.revision,
            revision,
        )
        await self._log.start_new_epoch(self.epoch)
        self._look_at_all = True

    def _tell(self) -> None:
        moved, self._moved = self._moved, asyncio.Event()
        moved.set()
