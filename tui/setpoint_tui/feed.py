"""Keeps a model current: connects, loads, follows the log, and connects again, for as long as the console runs."""

import asyncio
import logging
import random
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, cast

from setpoint.errors import HubUnreachable, ProtocolError, RequestFailed, SetpointError
from setpoint.protocol.jsonrpc import Call
from setpoint_tui.answers import (
    ActivityGap,
    EnvironmentList,
    HubStatus,
    PastChangeSet,
    Positions,
    WhoAmI,
    read_answer,
)
from setpoint_tui.connection import Connection
from setpoint_tui.link import HubLink
from setpoint_tui.loading import Loader
from setpoint_tui.mailbox import Missed
from setpoint_tui.model.link_state import CatchingUp, Connecting, Live, Offline, Refused, Stalled
from setpoint_tui.model.model import Model
from setpoint_tui.model.notices import Severity

__all__ = ["Feed", "Pace"]

log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How soon the feed does things, in seconds."""

    first_delay: float = 0.5
    """The most that is waited after the first loss; each further one doubles it."""
    longest_delay: float = 10.0
    refused_delay: float = 30.0
    """Between two attempts with a token that the hub does not take."""
    stable: float = 10.0
    """A connection that lasted this long starts the delays anew."""
    beat: float = 2.0
    """How often the hub is asked how it is; the answer shows the round trip, and where the environments stand."""

    @property
    def stalled(self) -> float:
        """Silence after which what is on the screen may no longer be what holds."""
        return 2 * self.beat + 1


_RELOAD_EVERY_BEATS = 5
"""Beats between two looks at how many keys there are, since nothing tells of one that was made and never set."""


class Feed:
    """One console's connection. It never gives up, and nothing that a hub sends ends it."""

    def __init__(
        self,
        model: Model,
        connection: Connection,
        *,
        clock: Callable[[], float] = time.monotonic,
        pace: Pace = Pace(),
    ) -> None:
        self.model = model
        self.connection = connection
        self._clock = clock
        self._pace = pace
        self._opened: HubLink | None = None
        self._link: HubLink | None = None
        self._loader: Loader | None = None
        self._retry = asyncio.Event()
        self._epoch: str | None = None
        self._going_over = False
        self._delay = pace.first_delay
        self._why = ""
        """What keeps us from the hub, as it was said last."""

    # -- for the console

    async def run(self) -> None:
        """Follow the hub until cancelled."""
        while True:
            began = self._clock()
            if self._going_over:
                # What the former hub still said while its connection ended is not of this one.
                self._start_over()
            try:
                async with HubLink.open(self.connection) as link:
                    self._opened = link
                    await self._live(link)
            except* Exception as errors:  # noqa: BLE001  # judged below; what is no expected error is logged there
                self._ended_by(_weightiest(errors), began)
            finally:
                self._opened = self._link = self._loader = None
            await self._pause()

    def retry_now(self) -> None:
        """Do not wait for the next attempt."""
        self._retry.set()

    def use(self, connection: Connection) -> None:
        """Go over to another hub; what is held of this one is dropped."""
        self.connection = connection
        self._start_over()
        self._going_over = True
        self._retry.set()
        if self._opened is not None:
            self._opened.abandon()

    @property
    def link(self) -> HubLink:
        """The open connection. Raises HubUnreachable when there is none."""
        if self._link is None:
            raise HubUnreachable("there is no connection to the hub now")
        return self._link

    async def request(self, method: str, params: dict[str, Any], *, timeout: float = 10.0) -> Any:
        """Ask the hub something that changes nothing. Raises SetpointError."""
        return await self.link.request(method, params, timeout=timeout)

    async def resync(self) -> None:
        """Load everything that is on show anew."""
        if self._loader is None:
            raise HubUnreachable("there is no connection to the hub now")
        await self._loader.reload_all()

    async def load(self, env: str) -> None:
        """See to it that an environment is loaded: now, or as soon as there is a connection."""
        if env in self.model.places:
            self.model.places[env].wanted = True
        if self._loader is not None:
            await self._loader.load(env)

    # -- one connection

    async def _live(self, link: HubLink) -> None:
        if self._going_over:
            # The console went to another hub while this connection was being opened.
            return
        # Registered before anything is read: what commits from here on comes as a notification, and waits in the link.
        watched = read_answer(Positions, await link.request("activity.watch", {}))
        await self._introduce(link)
        self.model.set_link(CatchingUp())
        loader = Loader(self.model, link)
        async with asyncio.TaskGroup() as tasks:
            tasks.create_task(self._listen(link, loader))
            self._link, self._loader = link, loader
            await loader.catch_up(watched.environments)
            self.model.expire_reviews()
            self.model.temporary.is_behind = True
            self._heard(0.0)
            tasks.create_task(self._beat(link, loader))

    async def _introduce(self, link: HubLink) -> None:
        whoami, status, environments = await asyncio.gather(
            link.request("whoami", {}), link.request("hub.status", {}), link.request("environment.list", {})
        )
        self.model.whoami = read_answer(WhoAmI, whoami)
        self.model.status = read_answer(HubStatus, status)
        if self._epoch not in (None, self.model.status.epoch):
            self.model.begin_new_history()
        self._epoch = self.model.status.epoch
        self.model.set_environments(read_answer(EnvironmentList, environments).environments)

    async def _listen(self, link: HubLink, loader: Loader) -> None:
        async for notification in link.notifications():
            if isinstance(notification, Missed):
                await loader.reload_all()
                continue
            try:
                await self._take(notification, loader)
            except ProtocolError as error:
                # One notification that cannot be read: what it said is found again by looking.
                log.warning("a notification is not understood: %s", error)
                self._say_once(f"the hub sent something that is not understood: {error}")

    async def _take(self, call: Call, loader: Loader) -> None:
        self._note_time()
        match call.method:
            case "activity":
                change_set = read_answer(PastChangeSet, call.params)
                self._check_epoch(change_set.epoch)
                await loader.take(change_set)
            case "activity.gap":
                gap = read_answer(ActivityGap, call.params)
                await loader.fill_gap(gap.env, gap.revision)
            case "review":
                self.model.expire_reviews()
            case _:
                # Hubs newer than this console may tell of more.
                pass

    async def _beat(self, link: HubLink, loader: Loader) -> None:
        beats = 0
        while True:
            await asyncio.sleep(self._pace.beat)
            asked = self._clock()
            try:
                found = await link.request("hub.status", {}, timeout=self._pace.stalled)
            except HubUnreachable:
                # Not answered in time: either the connection is gone, or the hub stands still.
                if self._clock() - link.heard_at >= self._pace.stalled:
                    self.model.set_link(Stalled(since=link.heard_at))
                continue
            self.model.status = read_answer(HubStatus, found)
            self._check_epoch(self.model.status.epoch)
            self._heard(self._clock() - asked)
            await loader.compare_revisions(self.model.status)
            beats += 1
            if beats % _RELOAD_EVERY_BEATS == 0:
                await loader.look_for_new_keys()
                await loader.retry_failed()

    def _check_epoch(self, epoch: str | None) -> None:
        if epoch not in (None, self._epoch):
            raise HubUnreachable("the hub's database was restored from a backup: everything is loaded anew")

    def _heard(self, latency: float) -> None:
        self.model.set_link(Live(latency))
        self._why = ""
        self._note_time()

    def _note_time(self) -> None:
        self.model.data_as_of = datetime.now(UTC).astimezone()

    def _start_over(self) -> None:
        self._going_over = False
        self._epoch = None
        self._delay = self._pace.first_delay
        self.model.begin_new_history()
        self.model.environments = {}
        self.model.places = {}
        self.model.whoami = self.model.status = None
        self.model.data_as_of = None
        self.model.set_link(Connecting())

    # -- between connections

    def _lost(self, reason: str, began: float) -> None:
        now = self._clock()
        if now - began > self._pace.stable:
            self._delay = self._pace.first_delay
        pause = random.uniform(self._delay / 2, self._delay)  # noqa: S311 - spreads reconnects, guards nothing
        self._delay = min(self._delay * 2, self._pace.longest_delay)
        self.model.set_link(Offline(self._since(now), now + pause, reason))
        self._say_why(f"the hub is not reached: {reason}")

    def _ended_by(self, error: BaseException, began: float) -> None:
        if self._going_over:
            # We ended it ourselves, and what was taken from under it may have failed.
            return
        match error:
            case RequestFailed(kind="unauthorised" | "forbidden"):
                now = self._clock()
                self.model.set_link(Refused(self._since(now), now + self._pace.refused_delay, str(error)))
                self._say_why(f"the hub does not take this token: {error}")
            case SetpointError():
                self._lost(str(error), began)
            case _:
                # A mistake of ours must not end the console: it is told, and the connection made anew.
                log.error("the feed failed", exc_info=error)
                self._lost(f"internal error: {error!r}", began)

    def _since(self, now: float) -> float:
        """Return when the trouble began: attempts that fail one after another are one outage."""
        match self.model.link:
            case Offline(since=since) | Refused(since=since) | Stalled(since=since):
                return since
            case _:
                return now

    async def _pause(self) -> None:
        match self.model.link:
            case Offline(retry_at=at) | Refused(retry_at=at):
                with suppress(TimeoutError):
                    await asyncio.wait_for(self._retry.wait(), max(0.0, at - self._clock()))
            case _:
                pass
        self._retry.clear()

    def _say_why(self, text: str) -> None:
        """Say what keeps us from the hub, as often as it is another reason."""
        if text != self._why:
            self._why = text
            self.model.say(datetime.now(UTC).astimezone(), text, Severity.ERROR)

    def _say_once(self, text: str) -> None:
        self.model.say(datetime.now(UTC).astimezone(), text)


def _weightiest(errors: BaseExceptionGroup[BaseException]) -> BaseException:
    """Return the error of a group that says most: a refusal, else a mistake of ours, else a lost connection."""
    found = list(_leaves(errors))
    refusals = [error for error in found if isinstance(error, RequestFailed)]
    mistakes = [error for error in found if not isinstance(error, SetpointError)]
    return (refusals or mistakes or found)[0]


def _leaves(error: BaseException) -> Iterator[BaseException]:
    if isinstance(error, BaseExceptionGroup):
        for inner in cast("BaseExceptionGroup[BaseException]", error).exceptions:
            yield from _leaves(inner)
    else:
        yield error
