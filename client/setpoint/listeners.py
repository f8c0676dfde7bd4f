"""Calls the functions that want to hear of changes, on one thread of their own."""

import contextlib
import logging
import threading
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from fnmatch import fnmatchcase
from functools import partial
from queue import Empty, SimpleQueue

from setpoint.changes import Change, merge
from setpoint.mismatches import Mismatch, Misread, OutOfBounds

__all__ = ["Dispatcher", "Listen"]

Listen = Callable[[Change], object]

_log = logging.getLogger("setpoint")


@dataclass(slots=True, eq=False)
class _Listener:
    call: Listen
    namespace: str
    pattern: str
    replay: bool
    pending: dict[str, Change] = field(default_factory=dict[str, Change])
    """The changes that wait for the listener, by key: at most one of each, the later merged into the earlier."""

    def takes(self, change: Change) -> bool:
        return change.namespace == self.namespace and fnmatchcase(change.key, self.pattern)


class Dispatcher:
    """Owns the listeners and the thread that calls them.

    A slow listener holds up other listeners but no read and no update: what it has not heard of yet is merged. An
    exception of a listener is logged and counted, nothing more.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[_Listener] = []
        # Reads post to it: SimpleQueue never blocks the one who puts.
        self._inbox: SimpleQueue[_Listener | Misread | Callable[[], object] | None] = SimpleQueue()
        self._thread: threading.Thread | None = None
        self.errors = 0

    def add(self, call: Listen, namespace: str, pattern: str, *, present: Iterable[Change], replay: bool) -> object:
        """Register a listener; with `replay` it first hears of what is present, as keys that were added.

        What it returns is what `discard` takes.
        """
        listener = _Listener(call, namespace, pattern, replay)
        with self._lock:
            self._listeners.append(listener)
            if replay:
                self._offer(listener, present)
        return listener

    def discard(self, listener: object) -> None:
        """Forget a listener soon. Takes no lock and never blocks: finalisers call it."""
        self._inbox.put(lambda: self._remove(listener))

    def post(self, call: Callable[[], object]) -> None:
        """Have a function called in its turn; its exception is logged and counted."""
        self._inbox.put(call)

    def drain(self) -> None:
        """Deliver what waits in the caller's own thread, for clients that have none."""
        with contextlib.suppress(Empty):
            while True:
                self._take(self._inbox.get_nowait())

    def publish(self, changes: Iterable[Change], *, first: bool) -> None:
        """Tell the listeners; of the first data, only those that asked for a replay."""
        changes = tuple(changes)
        with self._lock:
            for listener in self._listeners:
                if listener.replay or not first:
                    self._offer(listener, changes)

    def note(self, mismatch: Misread) -> None:
        """Log a mismatch, on the dispatcher's thread rather than the reader's."""
        self._inbox.put(mismatch)

    def start(self) -> None:
        """Start the thread."""
        self._thread = threading.Thread(target=self._run, name="setpoint-listeners", daemon=True)
        self._thread.start()

    def stop(self, timeout: float) -> None:
        """End the thread once it has delivered what waits, and wait for that, but no longer than the timeout."""
        self._inbox.put(None)
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(timeout)

    def after_fork(self) -> None:
        """Forget, in a forked child, the parent's lock and thread; keep the listeners and what waits for them."""
        self._lock = threading.Lock()
        self._inbox = SimpleQueue()
        self._thread = None
        for listener in self._listeners:
            if listener.pending:
                self._inbox.put(listener)

    def _offer(self, listener: _Listener, changes: Iterable[Change]) -> None:
        idle = not listener.pending
        for change in filter(listener.takes, changes):
            earlier = listener.pending.get(change.key)
            merged = change if earlier is None else merge(earlier, change)
            if merged is None:
                del listener.pending[change.key]
            else:
                listener.pending[change.key] = merged
        if idle and listener.pending:
            self._inbox.put(listener)

    def _run(self) -> None:
        while (item := self._inbox.get()) is not None:
            self._take(item)

    def _take(self, item: _Listener | Misread | Callable[[], object] | None) -> None:
        match item:
            case None:
                pass
            case _Listener():
                self._deliver(item)
            case Mismatch() | OutOfBounds():
                _log.warning("%s", item)
            case call:
                self._call(call, "a function that follows the client's state")

    def _remove(self, listener: object) -> None:
        with self._lock:
            self._listeners = [each for each in self._listeners if each is not listener]

    def _call(self, call: Callable[[], object], what: str) -> None:
        try:
            call()
        except (Exception, SystemExit):  # noqa: BLE001 its fault must not cost the others their thread
            self.errors += 1
            _log.exception("%s failed", what)

    def _deliver(self, listener: _Listener) -> None:
        with self._lock:
            changes, listener.pending = listener.pending, {}
        for change in changes.values():
            self._call(partial(listener.call, change), f"a listener of {change.namespace}/{change.key}")
