"""What the client holds: every update, from wherever it came, goes through here."""

import contextlib
import logging
import time
from collections.abc import Callable
from typing import Literal

from setpoint.changes import difference, everything
from setpoint.content import Content, parse
from setpoint.listeners import Dispatcher
from setpoint.mismatches import Mismatches
from setpoint.protocol.messages import Update
from setpoint.reads import Snapshot
from setpoint.replica import Held, apply, without_secrets
from setpoint.status import Source
from setpoint.wakeups import Signal

__all__ = ["Outcome", "Store", "Validate"]

Outcome = Literal["applied", "refused", "unchanged"]

Validate = Callable[[Snapshot], object]
"""Raises to refuse what it is shown."""

_LONGEST_REASON = 1000

_log = logging.getLogger("setpoint")


def _forget(_: Held) -> None:
    """Keep nothing of what runs."""


class Store:
    """Moves from one content to the next, whole or not at all. Used by the feed's thread alone, but for reading.

    `received` is what the hubs told, `content` is what runs: the two part when a validator refuses. The next update
    then builds on what was received, and is judged as a whole again.
    """

    def __init__(
        self,
        env: str,
        *,
        swap: Callable[[Content], None],
        signal: Signal,
        mismatches: Mismatches,
        dispatcher: Dispatcher,
        keep: Callable[[Held], None] = _forget,
    ) -> None:
        self._swap = swap
        self._signal = signal
        self._mismatches = mismatches
        self._dispatcher = dispatcher
        self._keep = keep
        self.content = parse(Held(env))
        self.received = self.content.held
        self.source: Source = "defaults"
        self.applied_at: float | None = None
        """When the content became visible, on the monotonic clock."""
        self.validators: list[Validate] = []
        self.refusal: str | None = None
        """Why what was received does not run; None when it does."""
        self.refusals = 0
        self._barred: Held | None = None
        self._barred_because = ""

    def begin(self, held: Held, source: Literal["disk", "bootstrap"]) -> bool:
        """Take in what there is before any hub has answered; say whether it runs, or a validator refuses it."""
        candidate = parse(held)
        if self._refuse(candidate) is not None:
            return False
        self.received = held
        self._run(candidate, source)
        return True

    def bar(self, held: Held, reason: str) -> None:
        """Refuse this content from now on, whatever revision it comes as; any other is taken as always."""
        self._barred, self._barred_because = held, reason
        self.refusal = reason
        self.refusals += 1

    def after_fork(self, content: Content) -> None:
        """Go on, in a forked child, from what is visible: the parent may have been in the middle of an update."""
        self.content, self.received = content, content.held

    def resume(self) -> Held:
        """Return what runs, to watch from: what was refused is asked for, and judged, again."""
        self.received = self.content.held
        return self.received

    def apply(self, update: Update, source: Literal["push", "poll"]) -> Outcome:
        """Take an update in. Raises what `setpoint.replica.apply` raises; nothing has changed then."""
        received = apply(self.received, update)
        if received == self.received:
            return "unchanged"
        self.received = received
        candidate = parse(received, self.content)
        # The same object when only the revision moves: then there is nothing to judge.
        if received.namespaces is not self.content.held.namespaces:
            self.refusal = self._refuse(candidate)
            if self.refusal is not None:
                self.refusals += 1
                return "refused"
        self._run(candidate, source)
        self._keep(received)
        return "applied"

    def _run(self, content: Content, source: Source) -> None:
        before = self.content
        self.source = source
        self.refusal = None
        # With this assignment readers see the whole update; a moment before, nothing of it.
        self._swap(content)
        self.content = content
        self.applied_at = time.monotonic()
        self._signal.notify()
        if before.has_data:
            self._dispatcher.publish(difference(before, content), first=False)
        else:
            self._dispatcher.publish(everything(content), first=True)

    def _refuse(self, candidate: Content) -> str | None:
        """Return why the candidate must not run: it is barred, or the reason of the first validator that refuses it."""
        if self._barred is not None and _is_same(candidate.held, self._barred):
            return self._barred_because
        secrets = any(entry.secret for entries in candidate.held.namespaces.values() for entry in entries.values())
        for validate in self.validators:
            try:
                validate(Snapshot(candidate, self._mismatches))
            except (Exception, SystemExit) as error:  # noqa: BLE001 the user's function may raise anything
                name = getattr(validate, "__qualname__", type(validate).__name__)
                # Not the error's text, which may hold a value; status and hub get it, logs do not.
                _log.warning(
                    "revision %d is refused: the validator %s raised %s",
                    candidate.held.revision, name, type(error).__name__,
                )  # fmt: skip
                reason = f"{name}: {_text(error)}"[:_LONGEST_REASON]
                # It is told to the hub, which stores and shows it, and what it says may hold any value that it saw.
                return f"{name}: {type(error).__name__} (said no more: there are secrets)" if secrets else reason
        return None


def _is_same(held: Held, barred: Held) -> bool:
    """Say whether two contents are one, where the barred one comes from disk and so lacks the values of secrets."""
    bare = without_secrets(held)
    return (bare.namespaces, bare.withheld) == (barred.namespaces, barred.withheld)


def _text(error: BaseException) -> str:
    with contextlib.suppress(Exception):
        text = f"{type(error).__name__}: {error}"
        # It travels as JSON in UTF-8 and ends in a PostgreSQL text.
        return text.replace("\x00", "").encode(errors="replace").decode()
    return type(error).__name__
