"""What the person wants changed: sent once, followed until it is known what became of it, and never sent again."""

import asyncio
import time
import uuid
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from setpoint.errors import RequestFailed, SetpointError
from setpoint_tui.answers import ChangeSet, Receipt, RequestFate, read_answer
from setpoint_tui.feed import Feed
from setpoint_tui.formatting import format_revision
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.model.model import Model
from setpoint_tui.model.own_writes import OwnWrite, WriteState
from setpoint_tui.writing import NotWritten, OutcomeUnknown, write

__all__ = ["Conflicted", "Done", "Intent", "Intents", "Outcome", "Refused", "SentForReview", "Unknown"]

_REACH_SECONDS = 0.25
_REACH_LONGEST = 120.0
"""Seconds after a write in which its reach is followed."""

_FATE_QUESTIONS = 8
_FATE_SECONDS = 0.4
"""A commit may still be under way while a hub has no record of it."""


@dataclass(frozen=True, slots=True)
class Done:
    """It stands, as this revision."""

    write: OwnWrite
    change_set: ChangeSet


@dataclass(frozen=True, slots=True)
class Conflicted:
    """Somebody changed what it was based on; nothing was changed. `conflicts` is `data.conflicts` of the answer."""

    reason: str
    conflicts: tuple[dict[str, Any], ...]


@dataclass(frozen=True, slots=True)
class SentForReview:
    """The environment is protected: it waits as this review, or could not become one (None)."""

    reason: str
    review: int | None


@dataclass(frozen=True, slots=True)
class Refused:
    """It was not sent, or the hub refused it; nothing was changed."""

    reason: str
    kind: str


@dataclass(frozen=True, slots=True)
class Unknown:
    """Nobody can say now; the hub is asked by the request id as soon as it can be."""

    write: OwnWrite


Outcome = Done | Conflicted | SentForReview | Refused | Unknown


class Intents:
    """Carries out writes, one request each. `on_change` is called whenever one is begun or settled."""

    def __init__(
        self,
        model: Model,
        feed: Feed,
        *,
        on_change: Callable[[], None],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model = model
        self._feed = feed
        self._on_change = on_change
        self._clock = clock

    async def perform(self, intent: Intent) -> Outcome:
        """Carry out a write. It is not to be cancelled: what became of it would not be recorded."""
        refused = writes_refused_because(self._model.link)
        if refused is not None:
            return Refused(refused, "unavailable")
        pending = OwnWrite(str(uuid.uuid4()), intent.env, intent.title, self._clock(), keys=intent.keys)
        self._put(pending)
        try:
            written = await write(self._feed.link, intent.method, intent.params, request_id=pending.request_id, wait=0)
            done = read_answer(ChangeSet, written.result)
        except OutcomeUnknown as error:
            return Unknown(self._put(replace(pending, state=WriteState.UNKNOWN, remark=str(error))))
        except RequestFailed as error:
            return self._refused(pending, error)
        except NotWritten as error:
            return self._not_done(pending, str(error), "unavailable")
        except SetpointError as error:
            return self._not_done(pending, str(error), "unavailable")
        return Done(self._put(replace(pending, state=WriteState.DONE, revision=done.revision)), done)

    async def undo(self, write_to_undo: OwnWrite, *, params: Mapping[str, Any] | None = None) -> Outcome:
        """Take back one of our own writes, as a new revision; without a note in `params` it says what it undoes."""
        assert write_to_undo.revision is not None
        revision = format_revision(write_to_undo.revision)
        asked = {"env": write_to_undo.env, "change_set": write_to_undo.revision, **(params or {})}
        asked["note"] = asked.get("note") or f"undo of {revision}"
        outcome = await self.perform(
            Intent("rollback", asked, write_to_undo.env, f"undo of {revision}", write_to_undo.keys)
        )
        if isinstance(outcome, Done):
            # What took something back is not itself offered for undoing: pressing `u` again must not flip it.
            self._put(replace(outcome.write, undone=True))
            present = self._model.own.get(write_to_undo.request_id)
            if present is not None:
                self._put(replace(present, undone=True))
        return outcome

    async def settle(self) -> list[OwnWrite]:
        """Ask the hub about every write whose outcome is unknown; return those that are known now.

        Nothing is sent again. Without a connection nothing is asked.
        """
        settled: list[OwnWrite] = []
        for unsettled in self._model.own.unsettled:
            try:
                fate = await self._fate(unsettled.request_id)
            except SetpointError:
                break
            if fate.review is not None:
                state = WriteState.IN_REVIEW
                self._model.reviews.wanted = fate.review
                self._model.expire_reviews()
            else:
                state = WriteState.DONE if fate.found else WriteState.NOT_DONE
            known = replace(unsettled, state=state, revision=fate.revision, review=fate.review, remark="")
            settled.append(self._put(known))
        return settled

    async def follow_reach(self) -> None:
        """Ask for the receipts of recent writes until all instances run them. Runs until cancelled."""
        while True:
            await asyncio.sleep(_REACH_SECONDS)
            for reaching in [one for one in self._model.own if self._is_followed(one)]:
                params = {"env": reaching.env, "revision": reaching.revision}
                try:
                    receipt = read_answer(Receipt, await self._feed.request("receipt", params))
                except SetpointError:
                    break
                present = self._model.own.get(reaching.request_id)
                if present is not None and present.receipt != receipt:
                    self._model.put_write(replace(present, receipt=receipt))

    async def _fate(self, request_id: str) -> RequestFate:
        """Return what became of a write; that there is no record of it is believed only after a while."""
        asked = {"request_id": request_id}
        fate = read_answer(RequestFate, await self._feed.request("request.status", asked))
        for _ in range(_FATE_QUESTIONS):
            if fate.found:
                break
            await asyncio.sleep(_FATE_SECONDS)
            fate = read_answer(RequestFate, await self._feed.request("request.status", asked))
        return fate

    def _is_followed(self, one: OwnWrite) -> bool:
        return one.is_reaching and one.revision is not None and self._clock() - one.at < _REACH_LONGEST

    def _refused(self, pending: OwnWrite, error: RequestFailed) -> Outcome:
        if error.kind == "review_required":
            review = error.data.get("review")
            number = review if isinstance(review, int) else None
            state = WriteState.NOT_DONE if number is None else WriteState.IN_REVIEW
            self._put(replace(pending, state=state, review=number, remark=str(error)))
            self._model.reviews.wanted = number
            self._model.expire_reviews()
            return SentForReview(str(error), number)
        self._put(replace(pending, state=WriteState.NOT_DONE, remark=str(error)))
        if error.kind == "conflict":
            return Conflicted(str(error), tuple(error.data.get("conflicts", ())))
        return Refused(str(error), error.kind)

    def _not_done(self, pending: OwnWrite, reason: str, kind: str) -> Refused:
        self._put(replace(pending, state=WriteState.NOT_DONE, remark=reason))
        return Refused(reason, kind)

    def _put(self, changed: OwnWrite) -> OwnWrite:
        self._model.put_write(changed)
        self._on_change()
        return changed
