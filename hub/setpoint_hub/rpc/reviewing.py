"""Methods of reviews: proposing, looking, deciding, applying."""

from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Any, Final

from setpoint.errors import RequestFailed
from setpoint_hub.access import Principal
from setpoint_hub.applying import Applying
from setpoint_hub.errors import conflict, invalid_params
from setpoint_hub.review import Action, Review, refusal
from setpoint_hub.roles import Operation
from setpoint_hub.rpc import present_review, reaches
from setpoint_hub.rpc.committing import AfterCommit, answer_of, asker_of, author_of, check_glass
from setpoint_hub.rpc.params import (
    ApplyParams,
    ApproveParams,
    CreateReviewParams,
    ListReviewsParams,
    ReviewParams,
    ReviewTextParams,
)
from setpoint_hub.rpc.present import time_text
from setpoint_hub.rpc.registry import Method
from setpoint_hub.rpc.writing import WritingMethods
from setpoint_hub.session import Session
from setpoint_hub.store.history import LATEST
from setpoint_hub.store.intents import Propose
from setpoint_hub.store.review_rows import no_review
from setpoint_hub.store.reviews import Decision, Judge, Reviews

__all__ = ["ReviewingMethods"]

LONGEST_SCHEDULE: Final = timedelta(days=366)

Run = Callable[[Session, ReviewTextParams], Awaitable[object]]


class ReviewingMethods:
    """Reviews, as people and tools ask for them. What may be done with one is decided in `review`."""

    def __init__(
        self,
        reviews: Reviews,
        writing: WritingMethods,
        applying: Applying,
        after_commit: AfterCommit,
        after_review: Callable[[], None],
    ) -> None:
        self._reviews = reviews
        self._writing = writing
        self._applying = applying
        self._after_commit = after_commit
        self._after_review = after_review

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        return [
            Method("review.list", Operation.READ, ListReviewsParams, self._list, reach=reaches.environment),
            Method("review.get", Operation.READ, ReviewParams, self._get, reach=reaches.nowhere),
            Method("review.create", Operation.WRITE, CreateReviewParams, self._create, reach=reaches.written),
            Method("review.approve", Operation.APPROVE, ApproveParams, self._approve, reach=reaches.nowhere),
            Method(
                "review.reject", Operation.APPROVE, ReviewTextParams, self._deciding("reject"), reach=reaches.nowhere
            ),
            Method("review.comment", Operation.WRITE, ReviewTextParams, self._comment, reach=reaches.nowhere),
            Method(
                "review.withdraw", Operation.WRITE, ReviewTextParams, self._deciding("withdraw"), reach=reaches.nowhere
            ),
            Method("review.rebase", Operation.WRITE, ReviewTextParams, self._rebase, reach=reaches.nowhere),
            Method("review.apply", Operation.WRITE, ApplyParams, self._apply, reach=reaches.nowhere),
        ]

    async def _list(self, session: Session, asked: ListReviewsParams) -> object:
        before = LATEST if asked.before is None else asked.before

        def fits(review: Review) -> bool:
            return asked.state in (None, review.state) and _reaches(session.principal, review)

        found = await self._reviews.page(asked.env, asked.state, fits, before=before, limit=asked.limit + 1)
        page = found[: asked.limit]
        return {
            "reviews": [present_review.header(review) for review in page],
            "next": page[-1].id if len(found) > asked.limit else None,
        }

    async def _get(self, session: Session, asked: ReviewParams) -> object:
        return await self._shown(session, asked.review)

    async def _create(self, session: Session, asked: CreateReviewParams) -> object:
        if asked.break_glass:
            raise invalid_params("break_glass: a review is the way to change what is protected without breaking it")
        _check_time(session, asked.at)
        try:
            await self._writing.change(session, asked, Propose())
        except RequestFailed as held:
            if held.kind != "review_required":
                raise
            return await self._shown(session, held.data["review"])
        raise conflict("this request_id was used for a change that was made: make a new one for a review")

    async def _approve(self, session: Session, asked: ApproveParams) -> object:
        def judge(review: Review) -> None:
            _allow("approve", session)(review)
            if asked.diff_hash not in (None, review.diff_hash):
                raise conflict(f"review {review.id} is another diff now than the one you looked at: look again")

        await self._reviews.approve(asked.review, Decision("approve", author_of(session), asked.text), judge)
        return await self._changed(session, asked.review)

    def _deciding(self, action: Action) -> Run:
        async def run(session: Session, asked: ReviewTextParams) -> object:
            return await self._decide(session, asked, action, _allow(action, session))

        return run

    async def _comment(self, session: Session, asked: ReviewTextParams) -> object:
        if not asked.text.strip():
            raise invalid_params("text: say something")
        return await self._decide(session, asked, "comment", _allow("comment", session))

    async def _decide(self, session: Session, asked: ReviewTextParams, kind: Action, judge: Judge) -> object:
        await self._reviews.decide(asked.review, Decision(kind, author_of(session), asked.text), judge)
        return await self._changed(session, asked.review)

    async def _rebase(self, session: Session, asked: ReviewTextParams) -> object:
        decision = Decision("rebase", author_of(session), asked.text)
        await self._reviews.rebase(asked.review, decision, _allow("rebase", session))
        return await self._changed(session, asked.review)

    async def _apply(self, session: Session, asked: ApplyParams) -> object:
        if asked.at is not None:
            return await self._schedule(session, asked, asked.at)
        await self._find(session, asked.review)
        glass = None
        if asked.break_glass:
            check_glass(session, asked.note)
            glass = asked.note
        committed = await self._applying.apply(
            asked.review, author_of(session), asker_of(session), request_id=asked.request_id, glass=glass
        )
        self._after_review()
        terms = (await self._reviews.find(asked.review)).terms
        answer = await answer_of(committed, session, self._after_commit, wait=asked.wait, terms=terms)
        return {"review": asked.review, **answer}

    async def _schedule(self, session: Session, asked: ApplyParams, at: datetime) -> object:
        if asked.break_glass:
            raise invalid_params("break_glass: the glass is broken now or not at all; leave out at")
        _check_time(session, at)
        decision = Decision("schedule", author_of(session), at.isoformat())
        await self._reviews.schedule(asked.review, at, decision, _allow("schedule", session))
        return await self._changed(session, asked.review)

    async def _changed(self, session: Session, review_id: int) -> object:
        self._after_review()
        return await self._shown(session, review_id)

    async def _find(self, session: Session, review_id: int) -> Review:
        review = await self._reviews.find(review_id)
        _check_reach(session, review)
        return review

    async def _shown(self, session: Session, review_id: int) -> object:
        shown = await self._reviews.whole(review_id)
        _check_reach(session, shown.review)
        return present_review.whole(shown.review, shown.edits, shown.decisions, asker_of(session))


def _allow(action: Action, session: Session) -> Judge:
    def judge(review: Review) -> None:
        _check_reach(session, review)
        why = refusal(action, review, asker_of(session))
        if why is not None:
            raise why

    return judge


def _reaches(principal: Principal, review: Review) -> bool:
    """Say whether a token reaches all that a review is about: who decides on a diff has to see all of it."""
    return principal.environments.covers(review.env) and principal.namespaces.covers_all(review.namespaces)


def _check_reach(session: Session, review: Review) -> None:
    if not _reaches(session.principal, review):
        # As for one that is none: by its number nobody learns that there is something out of reach.
        raise no_review(review.id)


def _check_time(session: Session, at: datetime | None) -> None:
    now, end = datetime.now(UTC), session.principal.expires_at
    if at is None:
        return
    if not now < at <= now + LONGEST_SCHEDULE:
        raise invalid_params("at: a time between now and a year from now is expected")
    if end is not None and end <= at:
        raise invalid_params(
            f"at: this token expires before, at {time_text(end)}, and nothing is done on its account then: "
            "choose an earlier time, or have somebody else schedule it"
        )
