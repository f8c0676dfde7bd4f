"""The client that a service embeds: its life, and the composition of its parts. The reads are in `reads`."""

import inspect
import logging
import threading
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import replace
from functools import partial
from os import PathLike
from types import TracebackType
from typing import TYPE_CHECKING, Any, Self, TypeVar

from setpoint.bootstrap import Bootstrap
from setpoint.changes import everything
from setpoint.content import parse
from setpoint.daemon_threads import in_daemon_thread
from setpoint.detail import Reason, reason_of
from setpoint.disk import Disk, is_failure
from setpoint.errors import NotReady
from setpoint.feed import Feed
from setpoint.first_data import begin_with_bootstrap, begin_with_disk, open_disk
from setpoint.following import Following
from setpoint.forks import Trap, forked, watch_forks
from setpoint.listeners import Listen
from setpoint.reads import Snapshot
from setpoint.replica import Held
from setpoint.settings import Identity, Settings, Timing, Token, instance_id, resolve_addresses, resolve_token
from setpoint.status import Links, State, Status, state_of
from setpoint.store import Store, Validate

if TYPE_CHECKING:
    from setpoint.testing import LocalConfig

__all__ = ["ConfigClient"]

TIMING = Timing()

_log = logging.getLogger("setpoint")

ListenT = TypeVar("ListenT", bound=Listen)
ValidateT = TypeVar("ValidateT", bound=Validate)


class ConfigClient(Following):
    """One service's settings in one environment, kept fresh in the background.

    Constructing stores the arguments and does nothing else. Reads work in every state, closed included: they give what
    is held, or the default. Nothing that a hub or a network does is raised to the caller; `status()` tells it.

    - `url`: one or several hubs, tried in turn; http, https, ws and wss, with a path prefix if need be. SETPOINT_URL
      when not given, then http://127.0.0.1:8430.
    - `token`: a token, or a function that gives the present one. SETPOINT_TOKEN when not given.
    - `client_id`: names the instance in the fleet; unique. Made of service, host and process when not given.
    - `labels`: what else to say of the instance, such as its region; the fleet's view shows it.
    - `snapshot_dir`: where what runs is kept for the next start, when no hub may answer; "auto" is the user's cache
      directory, None keeps nothing.
    - `bootstrap`: values by namespace and key, or the path of a JSON file with them, for when there is nothing else.
    - `poll_interval`: seconds between polls while push is down.
    - `stale_after`: seconds without a word from any hub after which the state is `stale`.
    - `start_timeout`: seconds that `start` waits for data when it is not told how long.
    - `required`: `start` raises NotReady when there is no data by then.
    """

    def __init__(  # noqa: PLR0913 the one constructor of the public surface
        self,
        service_name: str,
        env: str,
        namespaces: Iterable[str],
        *,
        url: str | Iterable[str] | None = None,
        token: Token = None,
        client_id: str | None = None,
        labels: Mapping[str, str] | None = None,
        start_timeout: float = 5.0,
        required: bool = False,
        snapshot_dir: str | PathLike[str] | None = "auto",
        bootstrap: Bootstrap = None,
        poll_interval: float = 10.0,
        stale_after: float = 60.0,
    ) -> None:
        super().__init__(parse(Held(env)))
        self._service_name = service_name
        self._env = env
        # One namespace given as a text is meant as one, not as its letters.
        self._namespaces = (namespaces,) if isinstance(namespaces, str) else tuple(namespaces)
        self._url = url
        self._token = token
        self._client_id = client_id
        self._poll_interval = poll_interval
        self._stale_after = stale_after
        self._start_timeout = start_timeout
        self._required = required
        self._labels = dict(labels or {})
        self._snapshot_dir = snapshot_dir
        self._bootstrap = bootstrap
        self._links = Links()
        self._store = Store(
            env,
            swap=self._swap,
            signal=self._signal,
            mismatches=self._mismatches,
            dispatcher=self._dispatcher,
            keep=self._keep,
        )
        self._store.validators.append(self._prepare())
        self._disk: Disk | None = None
        self._is_in_order = True
        """Whether the program ends because it wants to, not because of an error."""
        self._feed: Feed | None = None
        # Re-entrant, so that a signal's function may close while the same thread starts or closes.
        self._lock = threading.RLock()
        self._is_inherited = False
        """Whether this is a forked child in which nothing follows yet."""
        watch_forks(self, ConfigClient._forked)

    @classmethod
    def for_testing(
        cls, values: Mapping[str, Mapping[str, Any]] | None = None, *, env: str = "testing"
    ) -> "LocalConfig":
        """Return a client for tests, with these values by namespace and key: no thread, no network.

        `publish(payments={"max_retries": 5})` changes values as a hub would, `fail("stale")` fails as one would.
        """
        from setpoint.testing import LocalConfig  # noqa: PLC0415 services do not load it, and it imports this module

        return LocalConfig(values, env=env)

    @property
    def namespaces(self) -> tuple[str, ...]:
        """The namespaces that it follows."""
        return self._namespaces

    def start(self, wait: float | None = None) -> State:
        """Start the background thread and wait for data, `wait` seconds at most; return the state.

        Returns early when the token is refused. To start again does nothing but wait. Raises NotReady if the client is
        `required` and there is no data; it then goes on trying in the background.
        """
        self._launch()
        self._signal.wait(self._is_settled, self._start_timeout if wait is None else wait)
        return self._started()

    async def astart(self, wait: float | None = None) -> State:
        """Do what `start` does without blocking the event loop that calls it."""
        try:
            await in_daemon_thread(self._launch, name="setpoint-start")
        except RuntimeError:
            # No thread to be had, which `_launch` notes.
            self._launch()
        await self._signal.wait_async(self._is_settled, self._start_timeout if wait is None else wait)
        return self._started()

    def wait_ready(self, timeout: float) -> bool:
        """Wait for data; say whether there is any."""
        self.after_fork()
        self._signal.wait(lambda: self._base.has_data or self._closed, timeout)
        return self._base.has_data

    def wait_revision(self, revision: int, timeout: float) -> bool:
        """Wait until the client runs that revision or a later one, such as a write of one's own; say whether it does.

        Revisions that touch none of the watched namespaces are not told to the client, so do not wait for one.
        """
        self.after_fork()
        self._signal.wait(lambda: self._content.held.revision >= revision or self._closed, timeout)
        return self._content.held.revision >= revision

    def close(self, timeout: float = 2.0) -> None:
        """Stop following, wait for the threads no longer than the timeout. Reads go on giving what is held.

        Optional: the threads hold up no program's end. A closed client cannot be started again.
        """
        deadline = time.monotonic() + timeout
        with self._lock:
            self._closed = True
            feed, disk = self._feed, self._disk
        self._signal.notify()
        if feed is not None:
            feed.stop(timeout)
            self._dispatcher.stop(max(0.0, deadline - time.monotonic()))
        if disk is not None:
            disk.stop(max(0.0, deadline - time.monotonic()), in_order=self._is_in_order)

    async def aclose(self, timeout: float = 2.0) -> None:
        """Do what `close` does without blocking the event loop that calls it."""
        await in_daemon_thread(partial(self.close, timeout), name="setpoint-close")

    def after_fork(self) -> None:
        """Follow the hub again in a forked child. Optional, for the first read of any value does the same.

        Does nothing where nothing was forked, or not started.
        """
        if self._is_inherited:
            self._launch()

    def __enter__(self) -> Self:
        try:
            self.start()
        except NotReady:
            self.close()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_in_order = not is_failure(error)
        self.close()

    async def __aenter__(self) -> Self:
        try:
            await self.astart()
        except NotReady:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._is_in_order = not is_failure(error)
        await self.aclose()

    def snapshot(self) -> Snapshot:
        """Return the present revision, for reading many keys that belong together."""
        if self._is_inherited:
            self._launch()
        return Snapshot(self._content, self._mismatches)

    def status(self) -> Status:
        """Return how the client is doing."""
        self.after_fork()
        links, store, held = self._links, self._store, self._content.held
        return Status(
            state=self._state(),
            source=store.source,
            epoch=held.epoch,
            revision=held.revision,
            age_seconds=links.age(time.monotonic()),
            reconnects=max(0, links.connections - 1),
            last_error=store.refusal or links.trouble,
            refusals=store.refusals,
            mismatches=self._mismatches.count,
            listener_errors=self._dispatcher.errors,
        )

    def on_change(self, namespace: str, pattern: str = "*", *, replay: bool = False) -> Callable[[ListenT], ListenT]:
        """Register a function that is called with a Change for each changed key that the shell pattern matches.

        Listeners run one at a time on one thread of their own; changes of a key that meanwhile come on top are merged.
        The first data are no change, but with `replay` the function hears of every value that is there already,
        or of the first data when they come.
        """

        def register(listener: ListenT) -> ListenT:
            _refuse_coroutine(listener)
            present = everything(self._content)
            self._dispatcher.add(listener, namespace, pattern, present=present, replay=replay)
            return listener

        return register

    def validator(self, validate: ValidateT) -> ValidateT:
        """Register a function that is shown the Snapshot of each change before it runs, and raises to refuse it.

        A refused change is refused as a whole: what was held stays, `status()` and the fleet's view say why. The
        function runs on the client's own thread, so it must be quick. What is held already is not judged.
        """
        _refuse_coroutine(validate)
        self._store.validators.append(validate)
        return validate

    def _launch(self) -> None:
        with self._lock:
            if self._is_inherited:
                self._is_inherited = False
                self._release()
                self._swap(self._store.content)
            if self._feed is not None or self._closed:
                return
            addresses, problem = resolve_addresses(self._url)
            if problem is not None:
                self._links.trouble = problem
                _log.error("%s", problem)
            client_id = instance_id(self._client_id, self._service_name, forked=forked())
            identity = Identity(client_id, self._service_name, self._env, self._namespaces, self._labels)
            settings = Settings(
                identity=identity,
                addresses=addresses,
                token=resolve_token(self._token),
                poll_interval=self._poll_interval,
                timing=TIMING,
            )
            feed = Feed(settings, self._store, self._links, self._signal)
            try:
                self._load_first(settings)
                feed.start()
                self._dispatcher.start()
            except RuntimeError as error:
                # No more threads to be had: the service goes on with its defaults.
                self._links.trouble = str(error)
                _log.error("the client cannot start its threads: %s", error)
            self._feed = feed

    def _load_first(self, settings: Settings) -> None:
        """Run what there is before any hub answers; in a forked child there is what the parent had."""
        if self._disk is not None:
            self._disk.start()
            return
        self._disk = disk = open_disk(self._snapshot_dir, settings.identity, settings.addresses, settings.timing)
        if disk is None or not begin_with_disk(disk, self._store, self._links, settings.timing):
            begin_with_bootstrap(self._bootstrap, settings.identity, self._store)

    def _forked(self) -> None:
        """Called in a forked child, before any other code runs: none of the parent's threads is here."""
        self._lock, self._declaring = threading.RLock(), threading.RLock()
        self._signal.after_fork()
        self._dispatcher.after_fork()
        if self._disk is not None:
            self._disk.after_fork()
        feed, self._feed = self._feed, None
        if feed is None:
            return
        content = self._base
        self._links = Links(contact=self._links.contact, written=self._links.written)
        self._store.after_fork(content)
        self._is_inherited = True
        shown = self._content
        self._content = replace(shown, values=Trap(shown.values, self.after_fork))
        self._trap(self.after_fork)
        # Last, since it alone may fail, for want of a descriptor.
        feed.let_go()

    def _keep(self, held: Held) -> None:
        if self._disk is not None:
            self._disk.keep(held)

    def _started(self) -> State:
        if self._required and not self._base.has_data:
            raise NotReady(self.status().last_error or "no hub answered in time")
        return self._state()

    def _is_settled(self) -> bool:
        return self._state() != "starting"

    def _state(self) -> State:
        if self._closed:
            return "closed"
        if self._feed is None:
            return "new"
        return state_of(
            self._links,
            has_data=self._base.has_data,
            stale_after=self._stale_after,
            now=time.monotonic(),
        )

    def _reason(self) -> Reason:
        return reason_of(self._state(), self._store.source)


def _refuse_coroutine(function: Callable[..., object]) -> None:
    if inspect.iscoroutinefunction(function):
        raise TypeError("a plain function is needed here: nothing would await a coroutine function")
