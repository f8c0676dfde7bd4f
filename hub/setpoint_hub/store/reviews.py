"""Reviews as the database holds them: listing them, and what is decided about them."""

from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from datetime import datetime
from typing import Final

from setpoint.protocol.strict_json import dumps
from setpoint_hub.audit import About, Event
from setpoint_hub.database import Connection, Database, Row
from setpoint_hub.review import Edits, Review, State, Stored, checks_of, diff_hash, refuse_nothing_left
from setpoint_hub.store.audit import append
from setpoint_hub.store.guard import Guard, Passed
from setpoint_hub.store.intents import Author
from setpoint_hub.store.review_rows import find_review, lock_review, read_reviews, step_of
from setpoint_hub.turns import Turns

__all__ = [
    "Decision",
    "DueReview",
    "Judge",
    "Reviews",
    "Whole",
    "record_application",
    "touch",
]

_IDS: Final = """
    SELECT review_id FROM Review
    WHERE ($1::text IS NULL OR env = $1) AND ($2::text IS NULL OR state = $2) AND review_id < $3
    ORDER BY review_id DESC LIMIT $4
"""

_EDITS: Final = """
    SELECT k.key_id, k.namespace, k.key, k.value_type, k.secret, k.constraints,
           x.version_id, x.value, x.wrapped_key, x.master_key, x.is_new,
           x.base_version_id, b.value AS base_value, v.version_id AS now, v.value AS now_value
    FROM ReviewEdit x
    JOIN Review r ON r.review_id = x.review_id
    JOIN ConfigKey k ON k.key_id = x.key_id
    LEFT JOIN ConfigVersion b ON b.version_id = x.base_version_id
    LEFT JOIN ConfigVersion v ON v.env = r.env AND v.key_id = x.key_id AND v.is_active
    WHERE x.review_id = $1
    ORDER BY k.namespace, k.key
"""

_DECISIONS: Final = """
    SELECT d.kind, d.decided_by, a.name AS decided_by_name, d.decided_at, d.text, d.diff_hash,
           t.revoked_at IS NOT NULL AS revoked
    FROM ReviewDecision d JOIN Account a ON a.user_id = d.decided_by JOIN Token t ON t.token_id = d.token_id
    WHERE d.review_id = $1 ORDER BY d.decision_id DESC LIMIT $2
"""

_DECIDE: Final = """
    INSERT INTO ReviewDecision (review_id, kind, decided_by, token_id, text, diff_hash)
    SELECT review_id, $2, $3, $4, $5, diff_hash FROM Review WHERE review_id = $1
    ON CONFLICT DO NOTHING
    RETURNING diff_hash
"""

# The counter is the last thing that a transaction takes: its lock orders the commits that hubs are told of.
_TOUCH: Final = """
    WITH counter AS (
        UPDATE Installation SET review_revision = review_revision + 1 RETURNING review_revision
    )
    UPDATE Review SET touched = review_revision FROM counter WHERE review_id = $1
"""

_SETTLE: Final = "UPDATE Review SET state = $2 WHERE review_id = $1"
_APPLIED: Final = "UPDATE Review SET state = 'applied', applied_revision = $2 WHERE review_id = $1"
_SCHEDULE: Final = "UPDATE Review SET apply_at = $2, scheduled_by = $3, scheduled_token = $4 WHERE review_id = $1"

_REBASE_EDITS: Final = """
    UPDATE ReviewEdit x SET base_version_id = read.base_version_id
    FROM unnest($2::uuid[], $3::uuid[]) AS read (key_id, base_version_id)
    WHERE x.review_id = $1 AND x.key_id = read.key_id
"""
_REBASE: Final = "UPDATE Review SET base_revision = $2, diff_hash = $3, checks = $4 WHERE review_id = $1"

_TOUCHED: Final = "SELECT review_id, touched FROM Review WHERE touched > $1 ORDER BY touched LIMIT $2"

_DUE: Final = """
    SELECT r.review_id, r.scheduled_by, r.scheduled_token, r.apply_at, t.role,
           CASE WHEN t.revoked_at IS NOT NULL THEN 'has been revoked'
                WHEN t.expires_at <= clock_timestamp() THEN 'has expired' END AS invalid
    FROM Review r JOIN Token t ON t.token_id = r.scheduled_token
    WHERE r.state = 'open' AND r.apply_at <= clock_timestamp()
    ORDER BY r.apply_at, r.review_id LIMIT 100 + $1
"""

MOST_DECISIONS: Final = 1000
"""What was said about a review, of which the newest is shown."""
TOLD_AT_ONCE: Final = 1000
"""Reviews that are read at once to tell of them."""
READ_AT_ONCE: Final = 200
"""Reviews that are read at least, however few are asked for: what is looked for may be rare among them."""

_SETTLED_BY: Final[Mapping[str, Stored]] = {"reject": "rejected", "withdraw": "withdrawn"}

Judge = Callable[[Review], None]
"""Decides, under the review's lock, whether something may be done with it; raises the answer when it refuses."""


@dataclass(frozen=True, slots=True)
class Decision:
    """What somebody says or does about a review."""

    kind: str
    by: Author
    text: str = ""


@dataclass(frozen=True, slots=True)
class Whole:
    """A review, what it does to each key with its value at the base and now, and the latest said of it, in order."""

    review: Review
    edits: list[Row]
    decisions: list[Row]


@dataclass(frozen=True, slots=True)
class DueReview:
    """A review whose time has come, and on whose account it is applied."""

    id: int
    by: Author
    role: str
    invalid: str | None
    """What became of the token that scheduled it, if it is not valid any more."""
    at: datetime

    def stands(self, review: Review) -> bool:
        """Say whether this is still the time at which the review is to be applied, on the account that said so."""
        schedule = review.schedule
        return schedule is not None and (schedule.at, schedule.token_id) == (self.at, self.by.token_id)


class Reviews:
    """The reviews. Each change of one is a transaction under its lock, and counted so that hubs tell of it."""

    def __init__(self, database: Database, guard: Guard) -> None:
        self._database = database
        self._guard = guard
        # Checks may take their time: of each environment one review at a time is checked, and holds a connection.
        self._turns = Turns()

    async def find(self, review_id: int) -> Review:
        """Return a review as it stands. Raises `not_found`."""
        async with self._database.borrow() as connection:
            return await find_review(connection, review_id)

    async def page(
        self, env: str | None, state: State | None, fits: Callable[[Review], bool], *, before: int, limit: int
    ) -> list[Review]:
        """Return up to `limit` reviews below an id that fit, the newest first; `state` is theirs, if asked."""
        stored = "open" if state in ("open", "approved", "stale") else state
        at_once = max(limit, READ_AT_ONCE)
        found: list[Review] = []
        async with self._database.borrow() as connection:
            # What stands open is told apart by what it is based on, and reach by its keys: read on until enough fit.
            while len(found) < limit:
                ids = [row["review_id"] for row in await connection.rows(_IDS, env, stored, before, at_once)]
                reviews = await read_reviews(connection, ids)
                found += filter(fits, reviews)
                if len(ids) < at_once:
                    break
                before = ids[-1]
        return found[:limit]

    async def edits(self, review_id: int) -> list[Row]:
        """Return what a review does to each key, with its value at the base and now."""
        return await self._database.rows(_EDITS, review_id)

    async def whole(self, review_id: int) -> Whole:
        """Return all of a review as of one moment: the diff that is shown is the one that its hash is of."""
        async with self._database.snapshot() as connection:
            return Whole(
                await find_review(connection, review_id),
                await connection.rows(_EDITS, review_id),
                (await connection.rows(_DECISIONS, review_id, MOST_DECISIONS))[::-1],
            )

    async def decide(self, review_id: int, decision: Decision, judge: Judge) -> None:
        """Add a decision; one that rejects or withdraws settles the review. Raises what `judge` raises."""
        settled = _SETTLED_BY.get(decision.kind)
        async with self._database.transaction() as connection:
            review = await lock_review(connection, review_id)
            judge(review)
            if settled is not None:
                await connection.run(_SETTLE, review_id, settled)
            await _decide(connection, review, decision)

    async def approve(self, review_id: int, decision: Decision, judge: Judge) -> None:
        """Add an approval, if the values keep today's constraints. Raises what `judge` raises, and `invalid_value`."""
        async with self._turn(review_id), self._database.transaction() as connection:
            review = await lock_review(connection, review_id)
            judge(review)
            # Constraints may be others now than when it was proposed.
            await self._check(connection, review.env, await connection.rows(_EDITS, review_id))
            await _decide(connection, review, decision)

    async def rebase(self, review_id: int, decision: Decision, judge: Judge) -> None:
        """Base a review on what is active now: a new diff, which nobody has approved. Raises what `judge` raises."""
        async with self._turn(review_id), self._database.transaction() as connection:
            review = await lock_review(connection, review_id)
            judge(review)
            head = await connection.row("SELECT revision FROM Environment WHERE env = $1", review.env)
            assert head is not None
            rows = await connection.rows(_EDITS, review_id)
            edits: Edits = [(step_of(row), row["now"]) for row in rows]
            refuse_nothing_left(review, edits)
            keys, bases = [row["key_id"] for row in rows], [row["now"] for row in rows]
            await connection.run(_REBASE_EDITS, review_id, keys, bases)
            hashed = diff_hash(review.env, edits, review.terms)
            passed = await self._check(connection, review.env, rows)
            checks = checks_of(review.env, edits, head["revision"], warnings=passed.sentences, forced=passed.forced)
            await connection.run(_REBASE, review_id, head["revision"], hashed, dumps(checks))
            await _decide(connection, review, decision)

    @asynccontextmanager
    async def _turn(self, review_id: int) -> AsyncGenerator[None]:
        async with self._turns.of((await self.find(review_id)).env):
            yield

    async def _check(self, connection: Connection, env: str, rows: Sequence[Row]) -> Passed:
        """Judge a review's values by today's constraints. Raises `invalid_value`."""
        constraints = {row["key_id"]: row["constraints"] for row in rows if row["constraints"] is not None}
        return await self._guard.check(connection, env, [step_of(row) for row in rows], constraints, force=True)

    async def schedule(self, review_id: int, at: datetime, decision: Decision, judge: Judge) -> None:
        """Have a review applied at a time, on the account of who says so. Raises what `judge` raises."""
        async with self._database.transaction() as connection:
            review = await lock_review(connection, review_id)
            judge(review)
            await connection.run(_SCHEDULE, review_id, at, decision.by.user_id, decision.by.token_id)
            await _decide(connection, review, decision)

    async def stop(self, due: DueReview, why: str) -> None:
        """Take a schedule away and say why, unless the review was settled, or given another time, meanwhile."""
        async with self._database.transaction() as connection:
            review = await lock_review(connection, due.id)
            if review.stored != "open" or not due.stands(review):
                return
            await connection.run(_SCHEDULE, due.id, None, None, None)
            await _decide(connection, review, Decision("stop", due.by, f"schedule stopped: {why}"[:2000]))

    async def touched_after(self, review_revision: int) -> tuple[list[Review], int | None]:
        """Return the first reviews that changed after a review_revision, and where to go on; None: that is all."""
        async with self._database.borrow() as connection:
            rows = await connection.rows(_TOUCHED, review_revision, TOLD_AT_ONCE)
            reviews = await read_reviews(connection, [row["review_id"] for row in rows])
            return reviews, rows[-1]["touched"] if len(rows) == TOLD_AT_ONCE else None

    async def due(self, *, beside: int) -> list[DueReview]:
        """Return the open reviews whose time has come, the oldest first: up to a hundred `beside` so many."""
        return [
            DueReview(
                row["review_id"],
                Author(row["scheduled_by"], row["scheduled_token"]),
                row["role"],
                row["invalid"],
                row["apply_at"],
            )
            for row in await self._database.rows(_DUE, beside)
        ]


async def record_application(connection: Connection, review_id: int, revision: int, decision: Decision) -> None:
    """Record, in the transaction that applies a review, that it did; on the audit's record is its change set."""
    await _add_decision(connection, review_id, decision)
    await connection.run(_APPLIED, review_id, revision)
    await touch(connection, review_id)


async def touch(connection: Connection, review_id: int) -> None:
    """Count a change of a review, so that hubs tell of it; before what is put on record, and after all else."""
    await connection.run(_TOUCH, review_id)


async def _decide(connection: Connection, review: Review, decision: Decision) -> None:
    """Put a decision on record, with the review and in the audit, as the last of its transaction."""
    decided = await _add_decision(connection, review.id, decision)
    await touch(connection, review.id)
    # Who approves the same diff twice has said nothing new.
    if decided is not None:
        about: dict[str, About] = {
            "review": review.id,
            "diff": bytes(decided["diff_hash"]).hex(),
            "text": decision.text,
        }
        await append(connection, Event(f"review.{decision.kind}", decision.by.actor, env=review.env, about=about))


async def _add_decision(connection: Connection, review_id: int, decision: Decision) -> Row | None:
    by = decision.by
    return await connection.row(_DECIDE, review_id, decision.kind, by.user_id, by.token_id, decision.text)
