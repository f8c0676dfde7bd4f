"""Refused attempts on record, bounded in rate: a flood of them is one row that counts them. The budget is pure."""

import asyncio
import logging
from collections import deque
from collections.abc import Callable, Generator, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, replace
from typing import Final, cast
from urllib.parse import parse_qs
from uuid import UUID

from setpoint.errors import RequestFailed
from setpoint.protocol.jsonrpc import Call
from setpoint_hub.audit import Actor, Event
from setpoint_hub.errors import DatabaseUnavailable
from setpoint_hub.session import Session
from setpoint_hub.store.audit import Audit

__all__ = ["REFUSED", "RefusalBudget", "Refusals", "actor_of", "attempt", "refused_request"]

log = logging.getLogger(__name__)

REFUSED: Final = "refused"
"""The kind of an event that is a refused attempt, or that counts further ones."""

RECORDED_KINDS: Final = frozenset({"forbidden", "unauthorised"})
"""Errors that refuse somebody. Others refuse what is asked, whoever asks, and tell nothing of the asker."""

ROWS_A_MINUTE: Final = 10
WINDOW_SECONDS: Final = 60.0
MOST_WAITING: Final = 1000
"""Events that wait for a database that is away; further ones are lost, and the hub's log says so."""


@dataclass(slots=True)
class _Window:
    began: float
    rows: int
    uncounted: int
    last: Event


class RefusalBudget:
    """Decides which refusals get a row of their own: per token the first of each minute. The clock is passed in."""

    def __init__(self) -> None:
        self._windows: dict[UUID | None, _Window] = {}

    def take(self, event: Event, *, now: float) -> list[Event]:
        """Take a refusal; return the rows to be written because of it."""
        token = event.actor.token_id
        due = self._close(token, now) if token in self._windows else []
        window = self._windows.setdefault(token, _Window(now, 0, 0, event))
        window.last = event
        if window.rows < ROWS_A_MINUTE:
            window.rows += 1
            return [*due, event]
        window.uncounted += 1
        return due

    def due(self, *, now: float) -> list[Event]:
        """Return the counting rows of the windows that have ended."""
        return [event for token in list(self._windows) for event in self._close(token, now)]

    def _close(self, token: UUID | None, now: float) -> list[Event]:
        window = self._windows[token]
        if now - window.began < WINDOW_SECONDS:
            return []
        del self._windows[token]
        if not window.uncounted:
            return []
        return [replace(window.last, about={**window.last.about, "further": window.uncounted})]


class Refusals:
    """Notes refused attempts without keeping anybody waiting, and has them written."""

    def __init__(self, audit: Audit, *, clock: Callable[[], float]) -> None:
        self._audit = audit
        self._clock = clock
        self._budget = RefusalBudget()
        self._waiting: deque[Event] = deque()
        self._lost = 0
        self._noted = asyncio.Event()

    @contextmanager
    def noted(self, session: Session, call: Call) -> Generator[None]:
        """Note a call that is refused inside."""
        try:
            yield
        except RequestFailed as error:
            if error.kind in RECORDED_KINDS:
                self.note(attempt(actor_of(session), call, error.kind))
            raise

    def note(self, event: Event) -> None:
        """Note a refused attempt."""
        self._queue(self._budget.take(event, now=self._clock()))

    async def run(self) -> None:
        """Write what is noted, for ever; what cannot be written now is written later."""
        while True:
            try:
                async with asyncio.timeout(1):
                    await self._noted.wait()
            except TimeoutError:
                self._queue(self._budget.due(now=self._clock()))
            self._noted.clear()
            try:
                await self.flush()
                continue
            except DatabaseUnavailable as error:
                log.warning("refused attempts wait to be recorded: %s", error)
            except Exception:  # The root of a task: what strangers are refused must never end the hub.
                log.exception("refused attempts were not recorded: trying again")
            await asyncio.sleep(1)
            self._noted.set()

    async def flush(self) -> None:
        """Write what is noted. Raises DatabaseUnavailable."""
        if self._lost:
            log.warning("%d refused attempts were not recorded: the database was away for too long", self._lost)
            self._lost = 0
        while self._waiting:
            batch = [self._waiting[place] for place in range(min(len(self._waiting), 50))]
            await self._audit.record(*batch)
            for _ in batch:
                self._waiting.popleft()

    def _queue(self, events: list[Event]) -> None:
        room = MOST_WAITING - len(self._waiting)
        self._waiting.extend(events[:room])
        self._lost += len(events[room:])
        if events:
            self._noted.set()


def actor_of(session: Session) -> Actor:
    """Return who speaks in a session, as the audit names them."""
    return Actor(session.principal.user_id, session.principal.token_id, session.origin)


def attempt(actor: Actor, call: Call, kind: str) -> Event:
    """Return a refused call as an event: what it asked for, as far as that has a name."""
    params: dict[str, object] = call.params
    env = params.get("env", params.get("target"))
    namespaces = list(dict.fromkeys(_namespaces(params)))
    return Event(
        REFUSED,
        actor,
        env=env if isinstance(env, str) else None,
        namespace=namespaces[0] if len(namespaces) == 1 else None,
        about={
            "method": call.method[:60],
            "error": kind,
            **({"review": review} if isinstance(review := params.get("review"), int) else {}),
            **({"namespaces": namespaces} if len(namespaces) > 1 else {}),
        },
    )


def refused_request(actor: Actor, path: str, error: str) -> Event:
    """Return a refused HTTP request, or handshake, as an event."""
    place, _, query = path.partition("?")
    try:
        asked = parse_qs(query, max_num_fields=10)
    except ValueError:
        asked = {}
    return Event(
        REFUSED,
        actor,
        env=next(iter(asked.get("env", ())), None),
        namespace=next(iter(asked.get("namespace", ())), None),
        about={"method": f"GET {place[:100]}", "error": error},
    )


def _namespaces(params: dict[str, object]) -> Iterator[str]:
    for found in (params.get("namespace"), params.get("namespaces"), params.get("changes"), params.get("keys")):
        listed = cast("list[object]", found) if isinstance(found, list) else [found]
        for one in listed:
            name = cast("dict[str, object]", one).get("namespace") if isinstance(one, dict) else one
            if isinstance(name, str):
                yield name
