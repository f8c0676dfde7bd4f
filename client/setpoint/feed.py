"""Keeps a client's content fresh: one daemon thread with its own loop, that follows a hub and polls meanwhile."""

import asyncio
import contextlib
import logging
import threading
import time
from random import Random, SystemRandom

from setpoint.backoff import Backoff
from setpoint.daemon_threads import DaemonLoop
from setpoint.endings import Ended, why_ended
from setpoint.errors import SetpointError
from setpoint.forks import let_go
from setpoint.poll import Polled, poll
from setpoint.protocol.names import Epoch, Revision
from setpoint.push import Push
from setpoint.settings import Settings
from setpoint.status import Links
from setpoint.store import Store
from setpoint.tokens import read_token
from setpoint.wakeups import Signal

__all__ = ["Feed"]

_log = logging.getLogger("setpoint")


class Feed:
    """Owns the thread. Notes in `links` how it goes, and tells `signal` whenever that or the content changed."""

    def __init__(self, settings: Settings, store: Store, links: Links, signal: Signal) -> None:
        self._settings = settings
        self._store = store
        self._links = links
        self._signal = signal
        self._random: Random = SystemRandom()
        self._thread = threading.Thread(target=self._run, name="setpoint-feed", daemon=True)
        self._runner = asyncio.Runner(loop_factory=self._make_loop)
        self._made: DaemonLoop | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._stopped = threading.Event()
        self._logged_kind: str | None = None
        self._tag: tuple[str, Epoch, Revision] | None = None
        """The last poll's ETag, and what was received with it: sent along only while nothing newer was received."""

    def start(self) -> None:
        """Start the thread."""
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread, and wait for that, but no longer than the timeout."""
        self._stopped.set()
        loop = self._loop
        if loop is not None:
            # A loop that is closed already has nothing left to end.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(self._end.set)
        if self._thread.is_alive() and self._thread is not threading.current_thread():
            self._thread.join(timeout)

    def let_go(self) -> None:
        """Give up, in a forked child, what is the parent's: its connection goes on, as if there were no child."""
        let_go(self, () if self._made is None else self._made.descriptors())

    def _run(self) -> None:
        with self._runner as runner:
            runner.run(self._main())

    def _make_loop(self) -> DaemonLoop:
        self._made = DaemonLoop()
        return self._made

    async def _main(self) -> None:
        self._end = asyncio.Event()
        self._live = asyncio.Event()
        self._down = asyncio.Event()
        self._down.set()
        self._tried = asyncio.Event()
        self._loop = asyncio.get_running_loop()
        # Set in this order, and looked at in the other one by `stop`: none misses the other.
        if self._stopped.is_set() or not self._settings.addresses:
            return
        async with asyncio.TaskGroup() as tasks:
            ways = [tasks.create_task(self._keep_pushing()), tasks.create_task(self._keep_polling())]
            await self._end.wait()
            for way in ways:
                way.cancel()

    async def _keep_pushing(self) -> None:
        settings = self._settings
        push = Push(settings.identity, self._store, settings.timing, self._random, self._note_live)
        backoff = Backoff(settings.timing.backoff, self._random)
        turn = 0
        while True:
            began = time.monotonic()
            ended = await self._push(push, turn)
            self._note_push_ended(ended)
            if ended.kind == "superseded":
                return
            if ended.kind != "gap":
                turn += 1
            await asyncio.sleep(backoff.delay_after(ended, lasted=time.monotonic() - began))

    async def _push(self, push: Push, turn: int) -> Ended:
        settings = self._settings
        try:
            token = await read_token(settings.token, timeout=settings.timing.token)
            if isinstance(token, Ended):
                return token
            return await push.follow(settings.addresses[turn % len(settings.addresses)], token)
        except Exception as error:  # noqa: BLE001 the task's root: the next attempt may do better
            _log.exception("push failed in a way that was not foreseen")
            return Ended("lost", f"push failed: {type(error).__name__}")

    async def _keep_polling(self) -> None:
        # The hub after the one that push begins with: a first hub that is silent then costs a start nothing.
        turn = 1
        while True:
            await self._down.wait()
            delay = await self._first_poll_delay()
            while not await self._is_live_within(delay):
                answer = await self._poll(turn)
                # Push may have come up meanwhile: then this answer is the older one, of an older history perhaps.
                if self._live.is_set():
                    break
                if isinstance(answer, Ended):
                    turn += 1
                self._note_polled(answer)
                delay = self._next_poll_delay(answer)

    async def _first_poll_delay(self) -> float:
        """Without a hub's data, poll as soon as push has failed or takes too long; with it, let push come back."""
        if self._links.contact is not None:
            return self._settings.poll_interval * self._random.uniform(0.5, 1.0)
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(self._settings.timing.first_poll):
                await self._tried.wait()
        return self._random.uniform(0.0, 0.1)

    def _next_poll_delay(self, answer: Polled | Ended) -> float:
        if isinstance(answer, Ended) and answer.kind == "denied":
            return self._random.uniform(*self._settings.timing.backoff.denied)
        return self._settings.poll_interval * self._random.uniform(0.9, 1.1)

    async def _is_live_within(self, seconds: float) -> bool:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(seconds):
                await self._live.wait()
        return self._live.is_set()

    async def _poll(self, turn: int) -> Polled | Ended:
        settings, store = self._settings, self._store
        try:
            token = await read_token(settings.token, timeout=settings.timing.token)
            if isinstance(token, Ended):
                return token
            return await poll(
                settings.addresses[turn % len(settings.addresses)],
                token,
                settings.identity,
                # Superseded, this client's id is another's now.
                revision=None if self._links.push == "superseded" else store.content.held.revision,
                etag=self._present_tag(),
                deadline=settings.timing.poll,
            )
        except Exception as error:  # noqa: BLE001 the task's root: the next attempt may do better
            _log.exception("a poll failed in a way that was not foreseen")
            return Ended("lost", f"a poll failed: {type(error).__name__}")

    def _present_tag(self) -> str | None:
        received = self._store.received
        if self._tag is None or self._tag[1:] != (received.epoch, received.revision):
            return None
        return self._tag[0]

    def _note_live(self) -> None:
        links = self._links
        links.contact = time.monotonic()
        links.push, links.poll, links.trouble = "live", "idle", None
        links.connections += 1
        self._logged_kind = None
        self._down.clear()
        self._live.set()
        self._signal.notify()
        _log.info("live at revision %d", self._store.content.held.revision)

    def _note_push_ended(self, ended: Ended) -> None:
        links = self._links
        if links.push == "live":
            links.contact = time.monotonic()
        links.push = "trying" if ended.kind == "lost" or ended.kind == "gap" else ended.kind  # noqa: PLR1714 narrows
        links.trouble = ended.reason
        self._live.clear()
        self._down.set()
        self._tried.set()
        self._signal.notify()
        self._log_once(ended)

    def _note_polled(self, answer: Polled | Ended) -> None:
        links, store = self._links, self._store
        if isinstance(answer, Polled):
            answer = self._take(answer)
        if isinstance(answer, Ended):
            links.poll = "denied" if answer.kind == "denied" else "failed"
            links.trouble = answer.reason
            self._log_once(answer)
        else:
            links.poll, links.contact = "answered", time.monotonic()
            _log.debug("polled; at revision %d", store.content.held.revision)
        self._signal.notify()

    def _take(self, answer: Polled) -> Polled | Ended:
        """Take a poll's update in, and keep its tag if it stands for what was received."""
        store, update = self._store, answer.update
        if update is None:
            return answer
        try:
            store.apply(update, "poll")
        except SetpointError as error:
            return why_ended(error)
        received = store.received
        self._tag = None
        if answer.etag is not None and (update.epoch, update.revision) == (received.epoch, received.revision):
            self._tag = (answer.etag, update.epoch, update.revision)
        return answer

    def _log_once(self, ended: Ended) -> None:
        """Log the first of a row of equal failures for operators, the others for us."""
        level = logging.DEBUG if ended.kind == self._logged_kind else logging.WARNING
        self._logged_kind = ended.kind
        _log.log(level, "%s; what is held keeps being served", ended.reason)
