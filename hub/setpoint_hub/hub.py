"""One hub, put together: what depends on what stands here and nowhere else."""

import asyncio
import logging
import time
from collections.abc import AsyncGenerator, Iterator
from contextlib import asynccontextmanager
from functools import partial
from typing import Any
from uuid import UUID, uuid4

from setpoint.protocol.jsonrpc import Call
from setpoint.version import __version__
from setpoint_hub.access import Access, Principal
from setpoint_hub.activity import Activity
from setpoint_hub.admin_token import register_admin
from setpoint_hub.admission import Admission
from setpoint_hub.applying import Applying
from setpoint_hub.checker import Checker
from setpoint_hub.database import Database, open_database
from setpoint_hub.database_users import HUB_ROLE, may_alter_history
from setpoint_hub.errors import DatabaseUnavailable
from setpoint_hub.fanout import FanOut
from setpoint_hub.fleet import Fleet
from setpoint_hub.follower import Follower
from setpoint_hub.hints import Listener, Publisher
from setpoint_hub.http_api import HttpApi
from setpoint_hub.judging import Judge
from setpoint_hub.refusals import Refusals
from setpoint_hub.reverting import Reverting
from setpoint_hub.roles import powers
from setpoint_hub.rpc.accounts import AccountMethods
from setpoint_hub.rpc.auditing import AuditMethods
from setpoint_hub.rpc.keys import KeyMethods
from setpoint_hub.rpc.present import time_text
from setpoint_hub.rpc.promoting import PromotingMethods
from setpoint_hub.rpc.reading import ReadingMethods
from setpoint_hub.rpc.registry import Registry
from setpoint_hub.rpc.revealing import RevealMethods
from setpoint_hub.rpc.reviewing import ReviewingMethods
from setpoint_hub.rpc.temporary import TemporaryMethods
from setpoint_hub.rpc.writing import WritingMethods
from setpoint_hub.schema import check_schema
from setpoint_hub.server import Door
from setpoint_hub.session import Session
from setpoint_hub.settings import HubSettings
from setpoint_hub.store.accounts import Accounts
from setpoint_hub.store.audit import Audit
from setpoint_hub.store.audit_log import AuditLog
from setpoint_hub.store.chains import Chains
from setpoint_hub.store.comparing import Comparisons
from setpoint_hub.store.deadlines import Deadlines
from setpoint_hub.store.environments import Environments
from setpoint_hub.store.guard import Guard
from setpoint_hub.store.history import History
from setpoint_hub.store.keyrings import Keyrings
from setpoint_hub.store.keys import Keys
from setpoint_hub.store.log import Log
from setpoint_hub.store.proposals import Proposals
from setpoint_hub.store.reviews import Reviews
from setpoint_hub.store.secrets import SecretValues
from setpoint_hub.store.watches import Watches
from setpoint_hub.store.writer import Writer
from setpoint_hub.timetable import Timetable
from setpoint_hub.token_use import TokenUse
from setpoint_hub.tracking import Tracking
from setpoint_hub.vault import Vault, master_keys
from setpoint_hub.watching import Watching

__all__ = ["Hub", "open_hub"]

log = logging.getLogger(__name__)

LAGGING_SECONDS = 0.1
IDLE_SECONDS = 1.0


class Hub:
    """A running hub. Use `open_hub`."""

    def __init__(self, settings: HubSettings, database: Database) -> None:
        clock = time.monotonic
        self.id: UUID = uuid4()
        self._settings = settings
        self._database = database
        self._started = clock()
        self._clock = clock
        self._access = Access()
        self._accounts = Accounts(database)
        self._reading_tokens = asyncio.Lock()
        self._vault = Vault(master_keys(settings))
        # Writes wait for checks with their environment locked: who keeps the others busy does not hold them up.
        self._checker, self._defining, self._comparing = Checker(), Checker(), Checker()
        self._log = Log(database, self._vault)
        self._fanout = FanOut(acks_per_second=settings.acks_per_second)
        self._activity = Activity()
        self._follower = Follower(
            self._log,
            self._fanout,
            poll_seconds=settings.poll_seconds,
            on_access_change=self._reload_access,
            on_change_set=self._activity.tell,
            on_reviews=self._tell_of_reviews,
            clock=clock,
        )
        self._fleet = Fleet(
            Watches(database, self.id), self._follower.commits, hub_id=self.id, settings=settings, clock=clock
        )
        self._publisher = Publisher(settings.redis_url)
        self._listener = Listener(settings.redis_url, on_hint=self._follower.hint, on_subscribed=self._heard_redis)
        self._was_subscribed = False
        self._waits = False
        self._tracking = Tracking(self._follower, self._fleet, self._publisher, clock=clock)
        self._watching = Watching(
            self._follower,
            self._fanout,
            self._fleet,
            heartbeat_seconds=settings.heartbeat_seconds,
            clock=clock,
        )
        self._keys = Keys(database)
        guarded = partial(Guard, self._vault, largest_share=settings.largest_share, share_from=settings.share_from)
        guard = guarded(Judge(self._vault, self._checker))
        self._reviews = Reviews(database, guarded(Judge(self._vault, self._defining)))
        self._deadlines = Deadlines(database)
        self._writer = Writer(database, self._log, guard, Proposals(database, on_made=self._follower.look))
        self._applying = Applying(self._reviews, self._writer)
        self._timetable = Timetable(
            self._deadlines,
            self._reviews,
            Reverting(self._deadlines, self._keys, self._log, self._writer),
            self._applying,
            announce=self._tracking.announce,
            after_review=self._follower.look,
            clock=clock,
        )
        self._audit = Audit(database)
        self._refusals = Refusals(self._audit, clock=clock)
        self._registry = self._make_registry()
        http_api = HttpApi(self._follower, trouble=lambda: self.trouble, polled=self._watching.poll)
        self._token_use = TokenUse(self._accounts, every=settings.token_use_seconds, connected=self._connected_tokens)
        admission = Admission(self._access, http_api, on_use=self._token_use.note, settings=settings)
        self._door = Door(
            self._access, admission, self, on_end=self._end, on_refusal=self._refusals.note, settings=settings
        )

    @property
    def address(self) -> str:
        """Where the hub listens, as a URL."""
        return self._door.address

    @property
    def trouble(self) -> str | None:
        """Why the hub is not ready; None when it is."""
        if not self._follower.loaded or self._follower.trouble is not None:
            return self._follower.trouble or "the environments are not loaded yet"
        if not self._was_subscribed:
            return f"Redis cannot be reached: {self._listener.last_error or 'not connected yet'}"
        return None

    @property
    def waits(self) -> bool:
        """Whether something that the hub needs has been found missing, rather than not been looked at yet."""
        return self._waits or bool(self._listener.last_error)

    async def answer(self, session: Session, call: Call) -> object:
        """Answer a request of people and tools."""
        with self._refusals.noted(session, call):
            return await self._registry.answer(session, call)

    def watch(self, session: Session, call: Call) -> None:
        """Begin a watch."""
        with self._refusals.noted(session, call):
            self._watching.watch(session, call)

    def notify(self, session: Session, call: Call) -> None:
        """Take a notification."""
        self._watching.notify(session, call)

    async def open(self) -> None:
        """Begin to listen: health and readiness are answered from now on."""
        await self._door.open()

    async def run(self) -> None:
        """Run for ever. Raises StartRefused when the database's schema is not ours."""
        await self._wait_for_database()
        async with asyncio.TaskGroup() as tasks:
            for work in (
                self._follower.run,
                self._listener.run,
                self._publisher.run,
                self._fleet.run,
                self._door.sweep,
                self._timetable.run,
                self._token_use.run,
                self._refusals.run,
                self._catch_up,
            ):
                tasks.create_task(work())

    async def close(self) -> None:
        """Send every connection away, then write what the fleet said last, and which tokens were used."""
        await self._door.close()
        for checker in (self._checker, self._defining, self._comparing):
            await checker.close()
        try:
            async with asyncio.timeout(2):
                await self._fleet.flush()
                await self._token_use.flush()
                await self._refusals.flush()
        except (DatabaseUnavailable, TimeoutError) as error:
            log.warning("what was heard last was not written: %s", error)

    def _make_registry(self) -> Registry:
        environments, keys, history = Environments(self._database), self._keys, History(self._database)
        after_commit, look = self._tracking.after_commit, self._follower.look
        writing = WritingMethods(environments, keys, history, self._log, self._writer, self._vault, after_commit, look)
        reviewing = ReviewingMethods(self._reviews, writing, self._applying, after_commit, look)
        judge = Judge(self._vault, self._comparing)
        promoting = PromotingMethods(keys, Comparisons(self._database), judge, self._writer, after_commit)
        temporary = TemporaryMethods(self._deadlines, history, self._log)
        making = KeyMethods(keys, self._defining, self._vault)
        revealing = RevealMethods(keys, SecretValues(self._database, self._vault), self._audit.record)
        reading = ReadingMethods(
            environments,
            keys,
            history,
            self._log,
            receipt=self._tracking.receipt,
            fleet=self._tracking.fleet,
            status=self._status,
        )
        accounts = AccountMethods(self._accounts, whoami=self._whoami, after_change=self._read_tokens)
        auditing = AuditMethods(AuditLog(self._database), Chains(self._database))
        groups = (writing, making, promoting, reviewing, temporary, reading, revealing, accounts, auditing)
        own = [method for group in groups for method in group.methods()]
        return Registry([*own, *self._activity.methods(self._follower)])

    async def _wait_for_database(self) -> None:
        pause = 0.2
        while True:
            try:
                await check_schema(self._database)
                await Keyrings(self._database).unlock(self._vault)
                await self._warn_of_owner()
                if self._settings.admin_token_file is not None:
                    await register_admin(self._accounts, self._settings.admin_token_file)
                return
            except DatabaseUnavailable as error:
                self._waits = True
                self._follower.trouble = f"PostgreSQL cannot be reached: {error}"
                log.warning("waiting for PostgreSQL: %s", error)
                await asyncio.sleep(pause)
                pause = min(3.0, pause * 2)

    async def _warn_of_owner(self) -> None:
        if await may_alter_history(self._database):
            log.warning(
                "the user of SETPOINT_DATABASE_URL owns the tables, or is a superuser, and could alter history: "
                "give the hub a user of its own, a member of the role %s (docs/deploy.md)",
                HUB_ROLE,
            )

    async def _catch_up(self) -> None:
        while True:
            await asyncio.sleep(LAGGING_SECONDS if self._fanout.any_lagging else IDLE_SECONDS)
            self._fanout.catch_up(self._follower.replicas)
            self._activity.tell_of_gaps()

    async def _reload_access(self) -> None:
        await self._read_tokens()
        await self._door.close_invalid()

    async def _tell_of_reviews(self, seen: int) -> None:
        after: int | None = seen
        while after is not None:
            reviews, after = await self._reviews.touched_after(after)
            for review in reviews:
                self._activity.tell_of_review(review)

    async def _read_tokens(self) -> None:
        # One reading at a time: an older one that ends later would bring back what is gone.
        async with self._reading_tokens:
            self._access.replace(await self._accounts.valid_tokens())

    def _connected_tokens(self) -> Iterator[UUID]:
        return (session.principal.token_id for session in self._door.sessions)

    def _heard_redis(self) -> None:
        self._was_subscribed = True
        # What was published while nobody listened is gone.
        self._follower.look()

    def _end(self, session: Session) -> None:
        self._watching.end(session)
        self._activity.leave(session.outlet)

    def _whoami(self, principal: Principal) -> dict[str, Any]:
        reached = [env for env in sorted(self._follower.replicas) if principal.environments.covers(env)]
        return {
            "user": {"id": principal.user_id, "name": principal.name},
            "token": str(principal.token_id),
            "role": principal.role,
            "environments": principal.environments.patterns,
            "namespaces": principal.namespaces.patterns,
            "expires_at": None if principal.expires_at is None else time_text(principal.expires_at),
            "may": {env: powers(principal.role, protected=env in self._follower.protected) for env in reached},
            "hub": str(self.id),
            "version": __version__,
        }

    def _status(self, session: Session) -> dict[str, Any]:
        principal = session.principal
        replicas = sorted(self._follower.replicas.values(), key=lambda replica: replica.env)
        reached = [replica for replica in replicas if principal.environments.covers(replica.env)]
        watchers = {replica.env: self._fanout.count(replica.env, principal.namespaces) for replica in reached}
        return {
            "hub": str(self.id),
            "version": __version__,
            "epoch": self._follower.epoch,
            "ready": self.trouble is None,
            "reason": self.trouble,
            "redis": "connected" if self._listener.connected else f"lost: {self._listener.last_error}",
            "connections": len(self._door.sessions),
            "watchers": sum(watchers.values()),
            "environments": [
                {"env": replica.env, "revision": replica.revision, "watchers": watchers[replica.env]}
                for replica in reached
            ],
            "uptime_seconds": round(self._clock() - self._started, 1),
        }


@asynccontextmanager
async def open_hub(settings: HubSettings) -> AsyncGenerator[Hub]:
    """Open a hub that listens already; run it with `run`. Raises StartRefused."""
    async with open_database(settings) as database:
        hub = Hub(settings, database)
        await hub.open()
        try:
            yield hub
        finally:
            await hub.close()
