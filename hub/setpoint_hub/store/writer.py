"""The one way in which values change: a change set, written whole in one transaction, or not at all."""

import logging
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Final, NamedTuple
from uuid import UUID, uuid4

import asyncpg

from setpoint.protocol.chain import ChainedChangeSet, link
from setpoint.protocol.names import Revision
from setpoint_hub.chain import HASH_FORM, chained
from setpoint_hub.database import Connection, Database, Row
from setpoint_hub.errors import DatabaseUnavailable, conflict, not_found, unavailable
from setpoint_hub.plan import Active, Step
from setpoint_hub.replica import ChangeSet
from setpoint_hub.store import deadlines
from setpoint_hub.store.guard import Guard, Warned
from setpoint_hub.store.intents import BY_REVIEW, Author, Gate, Held, Intent, Locked, SeenBefore
from setpoint_hub.store.log import Log
from setpoint_hub.store.proposals import Proposals, Proposed, held_as
from setpoint_hub.turns import Turns

__all__ = ["Author", "Committed", "Intent", "Look", "Plan", "Writer", "active_versions", "held_versions"]

log = logging.getLogger(__name__)

# First of all, and held until the commit: the order of revisions is the order of commits.
_TAKE_REVISION: Final = """
    UPDATE Environment SET revision = revision + 1 WHERE env = $1
    RETURNING revision, head_hash, clock_timestamp() AS now, protected, required_approvals
"""

_ACTIVE: Final = """
    SELECT key_id, version_id, value FROM ConfigVersion WHERE env = $1 AND key_id = ANY ($2::uuid[]) AND is_active
"""

# The keys are locked, too: their constraints stay those that the values are judged by.
_HELD: Final = """
    SELECT k.key_id, k.constraints, v.version_id, v.value
    FROM ConfigKey k LEFT JOIN ConfigVersion v ON v.key_id = k.key_id AND v.env = $1 AND v.is_active
    WHERE k.key_id = ANY ($2::uuid[])
    ORDER BY k.key_id
    FOR SHARE OF k
"""

# Before the new ones: the index that allows one active version per key is checked row by row.
_DEACTIVATE: Final = "UPDATE ConfigVersion SET is_active = false WHERE version_id = ANY ($1::uuid[])"
_REACTIVATE: Final = "UPDATE ConfigVersion SET is_active = true WHERE version_id = ANY ($1::uuid[])"
_ADD: Final = """
    INSERT INTO ConfigVersion (version_id, key_id, value, wrapped_key, master_key,
                               env, is_active, changed_by, change_note, created_at)
    SELECT version_id, key_id, value, wrapped_key, master_key, $6, true, $7, $8, $9
    FROM unnest($1::uuid[], $2::uuid[], $3::text[], $4::bytea[], $5::text[])
         AS added (version_id, key_id, value, wrapped_key, master_key)
"""

_RECORD: Final = """
    WITH change_set AS (
        INSERT INTO ChangeSet (change_set_id, env, revision, how, changed_by, token_id, note, created_at,
                               request_id, request_hash, previous_hash, hash, from_address, from_tool, hash_form)
        VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $16, $17, $18)
    ), head AS (
        UPDATE Environment SET head_hash = $12 WHERE env = $2
    )
    INSERT INTO Change (env, revision, key_id, version_id, previous_version_id)
    SELECT $2, $3, key_id, version_id, previous_version_id
    FROM unnest($13::uuid[], $14::uuid[], $15::uuid[]) AS changed (key_id, version_id, previous_version_id)
"""

# A request became a change set, or a review, or nothing.
_REQUEST: Final = """
    SELECT env, revision, change_set_id, changed_by, request_hash, NULL::bigint AS review_id
    FROM ChangeSet WHERE request_id = $1
    UNION ALL
    SELECT env, NULL, NULL, author, request_hash, review_id FROM Review WHERE request_id = $1
"""

# Waits for a commit that may still be under way on a connection that we have lost.
_SETTLE: Final = "SELECT revision FROM Environment WHERE env = $1 FOR UPDATE"

Plan = Callable[[Mapping[UUID, Active]], list[Step]]
"""Decides, under the environment's lock, from what is active now; raises the answer when it refuses."""

Look = Callable[[Connection], Awaitable[None]]
"""Reads, in the write's own transaction, what its plan needs beside what is active in the environment."""


@dataclass(frozen=True, slots=True)
class Committed:
    """A change set that stands; `repeated` when the same request had been carried out before."""

    change_set: ChangeSet
    repeated: bool
    warnings: tuple[Warned, ...] = ()


class _Recorded(NamedTuple):
    """What a change set got when it was recorded."""

    id: UUID
    hash: bytes


class _NeedsReview(Exception):
    """The gate holds the write: the transaction is left without a trace."""

    def __init__(self, proposed: Proposed) -> None:
        super().__init__()
        self.proposed = proposed


class Writer:
    """Writes change sets, or makes reviews of those that their gate holds.

    Within this hub the writers of one environment take turns without holding a connection.
    """

    def __init__(self, database: Database, log_reader: Log, guard: Guard, proposals: Proposals) -> None:
        self._database = database
        self._log = log_reader
        self._guard = guard
        self._proposals = proposals
        self._turns = Turns()

    async def write(
        self,
        intent: Intent,
        key_ids: Sequence[UUID],
        plan: Plan,
        gate: Gate = BY_REVIEW,
        *,
        look: Look | None = None,
    ) -> Committed:
        """Carry out a write once, whatever happens to the connection. `look` runs before each run of `plan`.

        Raises the answers of `plan`, of the gate and of the guard, `review_required` (it is a review now), `not_found`
        (environment), `conflict` (the request id belongs to another request) and `unavailable`, whose outcome is
        `unknown` only when the database cannot be asked any more.
        """
        request_id = intent.request_id or uuid4()
        attempt = _Attempt(intent, request_id, key_ids, plan, gate, look)
        try:
            async with self._turns.of(intent.env):
                return await self._once(attempt)
        except _NeedsReview as found:
            made = await self._proposals.propose(intent, request_id, found.proposed)
            raise held_as(made) from None

    async def _once(self, attempt: "_Attempt") -> Committed:
        try:
            return await self._attempt(attempt)
        except DatabaseUnavailable as error:
            log.warning("a write to %s lost its connection: %s", attempt.intent.env, error)
            return await self._after_loss(attempt)

    async def find_request(self, request_id: UUID) -> Row | None:
        """Return the change set, or the review, that a request became, or None when it changed nothing."""
        return await self._database.row(_REQUEST, request_id)

    async def _attempt(self, attempt: "_Attempt") -> Committed:
        intent, gate = attempt.intent, attempt.gate
        try:
            async with self._database.transaction() as connection:
                taken = await connection.row(_TAKE_REVISION, intent.env)
                if taken is None:
                    raise not_found(f"there is no environment {intent.env}")
                # An id that the hub made itself has not been seen.
                if intent.request_id is not None:
                    await _refuse_repetition(connection, attempt.request_id)
                locked = _locked(intent.env, taken)
                verdict = await gate.admit(connection, intent, locked)
                if attempt.look is not None:
                    await attempt.look(connection)
                active, constraints = await held_versions(connection, intent.env, attempt.key_ids)
                steps = attempt.plan(active)
                passed = await self._guard.check(connection, intent.env, steps, constraints, force=intent.force)
                # Also of what only becomes a review: nothing secret is stored in the clear.
                steps = await self._guard.seal(connection, intent.env, steps)
                if isinstance(verdict, Held):
                    raise _NeedsReview(Proposed(locked, steps, verdict.undoes, passed))
                how = passed.describe(verdict.how or intent.how)
                intent = replace(intent, how=how, note=verdict.note or intent.note)
                recorded = await _perform(connection, intent, attempt.request_id, taken, steps)
                await deadlines.begin(connection, intent.env, taken["revision"], taken["now"], intent.terms)
                await gate.record(connection, taken["revision"])
        except SeenBefore as seen:
            return await self._repeated(intent, seen.row)
        except asyncpg.UniqueViolationError:
            # The same id in another environment this very moment: the lock of ours did not hold that one up.
            row = await self.find_request(attempt.request_id)
            if row is None:
                raise
            return await self._repeated(intent, row)
        return Committed(_change_set(intent, taken, recorded, steps), repeated=False, warnings=passed.warnings)

    async def _after_loss(self, attempt: "_Attempt") -> Committed:
        try:
            async with self._database.transaction() as connection:
                await connection.row(_SETTLE, attempt.intent.env)
                row = await connection.row(_REQUEST, attempt.request_id)
            if row is not None:
                return await self._repeated(attempt.intent, row)
            # It did not happen, and it cannot happen any more: the lock was free.
            return await self._attempt(attempt)
        except DatabaseUnavailable as error:
            raise unavailable(
                f"the database cannot be reached ({error}); whether the change was made is not known: "
                "ask again with the same request_id",
                outcome="unknown",
                request_id=attempt.request_id,
            ) from error

    async def _repeated(self, intent: Intent, row: Row) -> Committed:
        if row["request_hash"] != intent.fingerprint or row["changed_by"] != intent.author.user_id:
            raise conflict("this request_id was used for another request: make a new one for a new change")
        if row["review_id"] is not None:
            raise held_as(await self._proposals.made(row["review_id"]))
        change_set = await self._log.change_set(row["env"], row["revision"])
        assert change_set is not None
        return Committed(change_set, repeated=True)


@dataclass(frozen=True, slots=True)
class _Attempt:
    """All that one write is made of."""

    intent: Intent
    request_id: UUID
    key_ids: Sequence[UUID]
    plan: Plan
    gate: Gate
    look: Look | None


def _locked(env: str, taken: Row) -> Locked:
    return Locked(env, taken["revision"] - 1, taken["protected"], taken["required_approvals"])


async def _refuse_repetition(connection: Connection, request_id: UUID) -> None:
    row = await connection.row(_REQUEST, request_id)
    if row is not None:
        raise SeenBefore(row)


async def active_versions(connection: Connection, env: str, key_ids: Sequence[UUID]) -> dict[UUID, Active]:
    """Return what is active now in an environment, of these keys."""
    rows = await connection.rows(_ACTIVE, env, key_ids)
    return {row["key_id"]: Active(row["version_id"], row["value"]) for row in rows}


async def held_versions(
    connection: Connection, env: str, key_ids: Sequence[UUID]
) -> tuple[dict[UUID, Active], dict[UUID, str]]:
    """Return what is active of each key, and the constraints of those that have some."""
    rows = await connection.rows(_HELD, env, key_ids)
    active = {row["key_id"]: Active(row["version_id"], row["value"]) for row in rows if row["version_id"] is not None}
    return active, {row["key_id"]: row["constraints"] for row in rows if row["constraints"] is not None}


async def _perform(
    connection: Connection, intent: Intent, request_id: UUID, taken: Row, steps: Sequence[Step]
) -> _Recorded:
    by, at = intent.author.user_id, taken["now"]
    replaced = [step.before.version for step in steps if step.before is not None]
    added = [(step.key.id, step.after) for step in steps if step.after is not None and step.is_new]
    revived = [step.after.version for step in steps if step.after is not None and not step.is_new]
    if replaced:
        await connection.run(_DEACTIVATE, replaced)
    if added:
        ids, keys = [after.version for _, after in added], [key_id for key_id, _ in added]
        texts, wrapped = [after.text for _, after in added], [after.wrapped for _, after in added]
        seals = [seal and seal.key for seal in wrapped], [seal and seal.master_key for seal in wrapped]
        await connection.run(_ADD, ids, keys, texts, *seals, intent.env, by, intent.note, at)
    if revived:
        await connection.run(_REACTIVATE, revived)
    return await _record(connection, intent, request_id, taken, steps)


async def _record(
    connection: Connection, intent: Intent, request_id: UUID, taken: Row, steps: Sequence[Step]
) -> _Recorded:
    record = ChainedChangeSet(
        form=HASH_FORM,
        id=uuid4(),
        env=intent.env,
        revision=taken["revision"],
        how=intent.how,
        by_id=intent.author.user_id,
        token_id=intent.author.token_id,
        note=intent.note,
        at=taken["now"],
        origin=intent.author.origin,
        request_id=request_id,
        request_hash=intent.fingerprint,
        changes=tuple(chained(step.as_change(), is_new=step.is_new and step.after is not None) for step in steps),
    )
    previous: bytes = taken["head_hash"]
    recorded = _Recorded(record.id, link(previous, record))
    await connection.run(
        _RECORD,
        record.id,
        record.env,
        record.revision,
        record.how,
        record.by_id,
        record.token_id,
        record.note,
        record.at,
        record.request_id,
        record.request_hash,
        previous,
        recorded.hash,
        [step.key.id for step in steps],
        [step.after.version if step.after else None for step in steps],
        [step.before.version if step.before else None for step in steps],
        record.origin.address,
        record.origin.tool,
        record.form,
    )
    return recorded


def _change_set(intent: Intent, taken: Row, recorded: _Recorded, steps: Sequence[Step]) -> ChangeSet:
    return ChangeSet(
        env=intent.env,
        revision=Revision(taken["revision"]),
        id=recorded.id,
        how=intent.how,
        by_id=intent.author.user_id,
        by_name="",
        note=intent.note,
        at=taken["now"],
        hash=recorded.hash,
        changes=tuple(step.as_change() for step in steps),
    )
