"""What happens at a time: changes that take themselves back, and reviews that are applied when they are due.

Every hub looks; the database decides which of them does it, so it happens once, and also when all were down.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from setpoint.errors import RequestFailed
from setpoint_hub.applying import Applying
from setpoint_hub.errors import DatabaseUnavailable
from setpoint_hub.reverting import Reverting
from setpoint_hub.review import Asker
from setpoint_hub.store.deadlines import Deadlines, Due
from setpoint_hub.store.reviews import DueReview, Reviews
from setpoint_hub.store.writer import Committed

__all__ = ["Timetable"]

log = logging.getLogger(__name__)

LOOK_SECONDS: Final = 1.0
"""The longest time between two looks: another hub may have taken a change that is due sooner than all known here."""
RETRY_SECONDS: Final = 30.0
"""After a failure that is not the database's absence, before the same thing is tried again: one thing a look."""

Subject = Due | int
"""What is due: a deadline, or a review by its number."""
Work = Callable[[], Awaitable[None]]


class Timetable:
    """Does what is due."""

    def __init__(
        self,
        deadlines: Deadlines,
        reviews: Reviews,
        reverting: Reverting,
        applying: Applying,
        *,
        announce: Callable[[Committed], Awaitable[None]],
        after_review: Callable[[], None],
        clock: Callable[[], float],
    ) -> None:
        self._deadlines = deadlines
        self._reviews = reviews
        self._reverting = reverting
        self._applying = applying
        self._announce = announce
        self._after_review = after_review
        self._clock = clock
        self._failed: dict[Subject, float] = {}

    async def run(self) -> None:
        """Look for ever; while the database is away, nothing can be due."""
        while True:
            pause = LOOK_SECONDS
            try:
                pause = await self._look()
            except DatabaseUnavailable as error:
                log.debug("what is due cannot be looked at: %s", error)
            except Exception:  # The root of a task: a database under repair refuses in many ways.
                log.exception("what is due cannot be looked at")
            await asyncio.sleep(pause)

    async def _look(self) -> float:
        """Do what is due, and return for how long to pause."""
        seconds = await self._deadlines.seconds_to_next()
        if seconds is not None and seconds <= 0:
            await self._do_what_is_due()
            seconds = await self._deadlines.seconds_to_next()
        # What fails stays due: the usual pause keeps it from being asked for all the time.
        return LOOK_SECONDS if seconds is None or seconds <= 0 else min(LOOK_SECONDS, seconds)

    async def _do_what_is_due(self) -> None:
        # What failed stays due: it must neither fill the page that is read, nor hold up by its slowness what is new.
        beside = len(self._failed)
        due: dict[Subject, Work] = {
            **{due: partial(self._revert, due) for due in await self._deadlines.due(beside=beside)},
            **{review.id: partial(self._apply, review) for review in await self._reviews.due(beside=beside)},
        }
        self._failed = {subject: until for subject, until in self._failed.items() if subject in due}
        for subject in [one for one in due if one not in self._failed]:
            await self._guarded(subject, due[subject])
        again = min(self._failed, key=self._failed.__getitem__, default=None)
        if again is not None and self._failed[again] <= self._clock():
            await self._guarded(again, due[again])

    async def _guarded(self, subject: Subject, work: Work) -> None:
        """Keep one failure from holding up the rest."""
        try:
            await work()
        except DatabaseUnavailable:
            raise
        except Exception:
            log.exception("what is due could not be done: trying again in %.0f s", RETRY_SECONDS)
            self._failed[subject] = self._clock() + RETRY_SECONDS
        else:
            self._failed.pop(subject, None)

    async def _revert(self, due: Due) -> None:
        committed = await self._reverting.revert(due)
        if committed is not None:
            log.info("%s: took back revision %d (%s)", due.env, due.revision, due.kind)
            await self._announce(committed)

    async def _apply(self, due: DueReview) -> None:
        try:
            if due.invalid is not None:
                await self._reviews.stop(due, f"the token that scheduled it {due.invalid}")
            else:
                committed = await self._applying.apply(due.id, due.by, Asker(due.by.user_id, due.role), due=due)
                log.info("applied review %d as revision %d", due.id, committed.change_set.revision)
                await self._announce(committed)
        except RequestFailed as refused:
            if refused.kind == "unavailable":
                raise
            await self._reviews.stop(due, str(refused))
            log.warning("review %d is not applied: %s", due.id, refused)
        self._after_review()
