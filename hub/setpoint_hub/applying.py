"""Applying a review: one change set that says which review it came from."""

from typing import Final
from uuid import UUID

from setpoint_hub.chain import request_fingerprint
from setpoint_hub.database import Connection
from setpoint_hub.errors import conflict
from setpoint_hub.review import Asker, Review, approvals_needed, plan_application, refusal
from setpoint_hub.store.intents import Admitted, Author, Held, Intent, Locked, SeenBefore
from setpoint_hub.store.review_rows import lock_review, step_of
from setpoint_hub.store.reviews import Decision, DueReview, Reviews, record_application
from setpoint_hub.store.writer import Committed, Writer

__all__ = ["Applying"]

_APPLIED: Final = """
    SELECT env, revision, change_set_id, changed_by, request_hash, NULL::bigint AS review_id
    FROM ChangeSet WHERE env = $1 AND revision = $2 AND changed_by = $3
"""

LONGEST_NOTE: Final = 2000


class Applying:
    """Applies reviews, whoever asks for it: a person now, or a hub at the time that a person named."""

    def __init__(self, reviews: Reviews, writer: Writer) -> None:
        self._reviews = reviews
        self._writer = writer

    async def apply(
        self,
        review_id: int,
        by: Author,
        asker: Asker,
        *,
        request_id: UUID | None = None,
        glass: str | None = None,
        due: DueReview | None = None,
    ) -> Committed:
        """Apply a review, once; `glass` is the reason for doing it without its approvals, `due` the time that has come.

        Approvals and bases are looked at again under the locks of environment and review. Raises what `refusal`
        gives, and what the writer raises. Applied before by the same person, it gives the same answer.
        """
        review = await self._reviews.find(review_id)
        edits = [(step_of(row), row["base_version_id"]) for row in await self._reviews.edits(review_id)]
        intent = Intent(
            review.env,
            f"review {review_id}",
            review.reason if glass is None else f"{glass} ({review.reason})"[:LONGEST_NOTE],
            by,
            request_id,
            request_fingerprint("review.apply", review_id),
            terms=review.terms,
            # How much it changes was for its author to force, and for its approvers to see.
            force=True,
        )
        return await self._writer.write(
            intent,
            [step.key.id for step, _ in edits],
            lambda active: plan_application(review, edits, active),
            _Application(review_id, by, asker, may_break_glass=glass is not None, due=due),
        )


class _Application:
    """The gate of a review: it stands open, is approved, and its bases have not moved, or the glass is broken."""

    def __init__(
        self, review_id: int, by: Author, asker: Asker, *, may_break_glass: bool, due: DueReview | None
    ) -> None:
        self._review_id = review_id
        self._by = by
        self._asker = asker
        self._may_break_glass = may_break_glass
        self._due = due

    async def admit(self, connection: Connection, intent: Intent, locked: Locked) -> Admitted | Held:
        """Lock the review and look again whether it may be applied."""
        review = await lock_review(connection, self._review_id)
        await self._refuse_repetition(connection, review)
        if self._due is not None and not self._due.stands(review):
            raise conflict(f"review {review.id} is to be applied at another time now, or by somebody")
        why = refusal("apply", review, self._asker, needed=_needed(review, locked))
        if why is None:
            return Admitted()
        if not self._may_break_glass:
            raise why
        why = refusal("break_glass", review, self._asker)
        if why is not None:
            raise why
        return Admitted(f"break glass: {intent.how}")

    async def record(self, connection: Connection, revision: int) -> None:
        """Settle the review with the change set."""
        await record_application(connection, self._review_id, revision, Decision("apply", self._by, f"r{revision}"))

    async def _refuse_repetition(self, connection: Connection, review: Review) -> None:
        if review.applied_revision is None:
            return
        row = await connection.row(_APPLIED, review.env, review.applied_revision, self._by.user_id)
        if row is not None:
            raise SeenBefore(row)


def _needed(review: Review, locked: Locked) -> int:
    # The environment's row has taken the next revision already, in this transaction: its head is in `locked`.
    return approvals_needed(
        protected=locked.protected,
        required=locked.required_approvals,
        takes_back_newest=review.undoes is not None and review.undoes == locked.head,
    )
