"""Keeps a client's content on disk: read once at the start, written after each apply, on a thread of its own."""

import atexit
import logging
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from typing import TypeVar

from setpoint.boots import MOST_FAILURES, Boots, booted, ended, is_alive, lasted, this_process
from setpoint.forks import forked
from setpoint.replica import Held
from setpoint.snapshot_file import Encoded, Record, SnapshotFile, UnusableSnapshot, decode, encode

__all__ = ["Disk", "Loaded", "is_failure"]

T = TypeVar("T")

_EXIT_SECONDS = 1.0

_log = logging.getLogger("setpoint")


@dataclass(frozen=True, slots=True)
class Loaded:
    """What the disk had. `barred` is the content that must not run, because three starts on it did not last."""

    held: Held
    age_seconds: float
    barred: Held | None = None


class Disk:
    """Owns the thread. Nothing of it raises, whatever the disk does; a failure is logged once.

    `healthy_after` is how many seconds a process runs on a content before it is known to be a good one; `spacing` how
    many pass between two writes at least. `clock` is the monotonic one.
    """

    def __init__(
        self,
        file: SnapshotFile,
        identity: tuple[str, ...],
        *,
        healthy_after: float,
        spacing: float,
        quiet: bool,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._file = file
        self._identity = identity
        self._healthy_after = healthy_after
        self._spacing = spacing
        # A directory that nobody asked for may be missing or read-only: that is no news.
        self._trouble_level = logging.DEBUG if quiet else logging.WARNING
        self._clock = clock
        self._condition = threading.Condition()
        self._thread: threading.Thread | None = None
        self._is_read = False
        self._loaded: Loaded | None = None
        self._wanted: Held | None = None
        """What is to be written next."""
        self._stopping = False
        self._in_order = False
        self._starting = not forked()
        """Whether this process has yet to settle on the first content of its start. Forked workers are not counted:
        their parent ends them as it likes, mid-work, and that is no crash."""
        self._running_digest = ""
        self._healthy_at: float | None = None

    def load(self, timeout: float) -> Loaded | None:
        """Start the thread, and return what the disk has, if it tells in time."""
        self.start()
        atexit.register(self._at_exit)
        with self._condition:
            self._condition.wait_for(lambda: self._is_read, timeout)
            return self._loaded

    def start(self) -> None:
        """Start the thread, which reads what is there unless that has been done."""
        self._thread = threading.Thread(target=self._run, name="setpoint-disk", daemon=True)
        self._thread.start()

    def keep(self, held: Held) -> None:
        """Have what now runs written. Returns at once."""
        with self._condition:
            self._wanted = held
            self._condition.notify_all()

    def look_again(self) -> None:
        """Have the clock looked at."""
        with self._condition:
            self._condition.notify_all()

    def stop(self, timeout: float, *, in_order: bool = True) -> None:
        """Write what waits, end the thread, and wait for that, no longer than the timeout.

        `in_order` says that the program ends because it wants to, not because of an error.
        """
        atexit.unregister(self._at_exit)
        with self._condition:
            self._stopping, self._in_order = True, in_order
            self._condition.notify_all()
        thread = self._thread
        if thread is not None and thread.is_alive() and thread is not threading.current_thread():
            thread.join(timeout)

    def after_fork(self) -> None:
        """Forget, in a forked child, the thread of the parent."""
        self._condition = threading.Condition()
        self._thread = None
        self._starting = False

    def _at_exit(self) -> None:
        # Set when an exception ended the main thread. The code of a sys.exit() cannot be seen from here.
        self.stop(_EXIT_SECONDS, in_order=not is_failure(getattr(sys, "last_value", None)))

    def _run(self) -> None:
        if not self._is_read:
            loaded = self._attempt(self._read)
            with self._condition:
                self._loaded, self._is_read = loaded, True
                self._condition.notify_all()
        while self._work():
            pass

    def _work(self) -> bool:
        """Do what is due, or wait for it; say whether to go on."""
        with self._condition:
            self._condition.wait_for(
                lambda: self._stopping or self._wanted is not None or self._is_due(), self._patience()
            )
            held, self._wanted = self._wanted, None
            stopping, due = self._stopping, self._is_due()
        if held is not None:
            self._attempt(lambda: self._write(held))
        if due:
            self._healthy_at, self._starting = None, False
            self._attempt(lambda: self._amend(lambda _: lasted()))
        if stopping:
            if self._in_order:
                self._attempt(self._end_in_order)
            return False
        if held is not None:
            with self._condition:
                self._condition.wait_for(lambda: self._stopping, self._spacing)
        return True

    def _is_due(self) -> bool:
        return self._healthy_at is not None and self._clock() >= self._healthy_at

    def _patience(self) -> float | None:
        return None if self._healthy_at is None else max(0.0, self._healthy_at - self._clock())

    def _read(self) -> Loaded | None:
        record = self._file.read()
        if record is None:
            return None
        current = decode(record.current)
        if self._starting and not record.boots.healthy:
            # Without it, as on a disk that takes no writes any more, what was read still serves.
            record = self._attempt(self._boot) or record
            current = decode(record.current)
        age = max(0.0, time.time() - record.saved_at)
        if record.boots.failures >= MOST_FAILURES and record.previous is not None:
            return Loaded(decode(record.previous), age, barred=current)
        self._settle(record.digest)
        return Loaded(current, age)

    def _boot(self) -> Record | None:
        """Note this start in the file, and return what it says then."""
        with self._file.locked():
            record = self._file.read()
            if record is not None and not record.boots.healthy:
                record = replace(record, boots=booted(record.boots, this_process(), is_alive))
                self._file.write(record)
            return record

    def _write(self, held: Held) -> None:
        new = encode(held, lambda: time.sleep(0))
        first, self._starting = self._starting, False
        with self._file.locked():
            record = self._present()
            if record is None or not _is_past(record, new):
                self._file.write(self._record(record, new, first=first))
        self._settle(new.digest)

    def _record(self, record: Record | None, new: Encoded, *, first: bool) -> Record:
        """Return what follows the present record when the new content runs."""
        boots, previous, previous_healthy = Boots(), None, False
        if record is not None and record.digest == new.digest:
            boots, previous, previous_healthy = record.boots, record.previous, record.previous_healthy
        elif record is not None and _is_way_back(record):
            previous, previous_healthy = record.current, record.boots.healthy
        elif record is not None:
            previous, previous_healthy = record.previous, record.previous_healthy
        if first:
            boots = booted(boots, this_process(), is_alive)
        return Record(
            identity=self._identity,
            epoch=new.epoch,
            revision=new.revision,
            digest=new.digest,
            saved_at=time.time(),
            boots=boots,
            previous_healthy=previous_healthy,
            current=new.line,
            previous=previous,
        )

    def _amend(self, change: Callable[[Boots], Boots]) -> None:
        """Change what the file says of the content that this process runs, if it is the file's."""
        with self._file.locked():
            record = self._present()
            if record is None or record.digest != self._running_digest:
                return
            boots = change(record.boots)
            if boots != record.boots:
                self._file.write(replace(record, boots=boots))

    def _end_in_order(self) -> None:
        if self._running_digest:
            self._amend(lambda boots: ended(boots, this_process()))

    def _present(self) -> Record | None:
        try:
            return self._file.read()
        except UnusableSnapshot:
            # It was told of at the start; the next write makes it good.
            return None

    def _settle(self, digest: str) -> None:
        if digest != self._running_digest:
            self._running_digest = digest
            self._healthy_at = self._clock() + self._healthy_after

    def _attempt(self, work: Callable[[], T]) -> T | None:
        try:
            return work()
        except UnusableSnapshot as error:
            _log.warning("the snapshot %s is ignored: %s", self._file.path, error)
        except Exception as error:  # noqa: BLE001 the thread's root: no disk may harm a service
            level, self._trouble_level = self._trouble_level, logging.DEBUG
            _log.log(level, "the snapshot %s cannot be used: %s", self._file.path, error)
        return None


def is_failure(error: BaseException | None) -> bool:
    """Say whether a program that ends with this exception has failed."""
    if isinstance(error, SystemExit):
        return error.code not in (None, 0)
    return isinstance(error, Exception)


def _is_way_back(record: Record) -> bool:
    """Say whether the record's present content, rather than its previous one, is what to go back to from a newer one.

    What did not last is none while there is something that did, and what was given up is never one.
    """
    boots = record.boots
    return boots.healthy or (boots.failures < MOST_FAILURES and not record.previous_healthy)


def _is_past(record: Record, new: Encoded) -> bool:
    return record.epoch == new.epoch and record.revision > new.revision
