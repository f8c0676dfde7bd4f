"""Making a review of a write that has to wait."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from setpoint.errors import RequestFailed
from setpoint.protocol.strict_json import dumps
from setpoint_hub.audit import About, Event
from setpoint_hub.database import Connection, Database
from setpoint_hub.errors import DatabaseUnavailable, conflict, invalid_params, review_required, unavailable
from setpoint_hub.plan import Step
from setpoint_hub.review import Edits, approvals_needed, checks_of, diff_hash
from setpoint_hub.sealing import Wrapped
from setpoint_hub.store.audit import append
from setpoint_hub.store.guard import Passed
from setpoint_hub.store.intents import Intent, Locked
from setpoint_hub.store.keyrings import current_master_key
from setpoint_hub.store.reviews import touch

__all__ = ["Made", "Proposals", "Proposed", "held_as"]

_ADD: Final = """
    INSERT INTO Review (env, how, author, token_id, reason, ticket, request_id, request_hash, undoes,
                        expires_in, confirm_within, base_revision, diff_hash, checks,
                        apply_at, scheduled_by, scheduled_token, touched)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14,
            $15, CASE WHEN $15::timestamptz IS NOT NULL THEN $3::bigint END,
            CASE WHEN $15::timestamptz IS NOT NULL THEN $4::uuid END, 0)
    RETURNING review_id
"""

_ADD_EDITS: Final = """
    INSERT INTO ReviewEdit (review_id, key_id, version_id, value, wrapped_key, master_key, is_new, base_version_id)
    SELECT $1, key_id, version_id, value, wrapped_key, master_key, is_new, base_version_id
    FROM unnest($2::uuid[], $3::uuid[], $4::text[], $5::bytea[], $6::text[], $7::boolean[], $8::uuid[])
        AS added (key_id, version_id, value, wrapped_key, master_key, is_new, base_version_id)
"""

_OF_REQUEST: Final = "SELECT review_id, author, request_hash FROM Review WHERE request_id = $1"

_MADE: Final = """
    SELECT r.review_id, r.env, r.state, r.applied_revision, e.protected, e.required_approvals,
           coalesce(r.undoes = e.revision, false) AS takes_back
    FROM Review r JOIN Environment e ON e.env = r.env WHERE r.review_id = $1
"""


@dataclass(frozen=True, slots=True)
class Proposed:
    """What a write would have done under the environment's lock, its secrets sealed.

    `undoes` is the newest change when it takes that back; `passed` is what the guard said of it.
    """

    locked: Locked
    steps: Sequence[Step]
    undoes: int | None
    passed: Passed


@dataclass(frozen=True, slots=True)
class Made:
    """A review that was made of a write."""

    id: int
    env: str
    protected: bool
    needed: int
    state: str
    """As it is stored: open, applied, rejected or withdrawn; a request that comes again may find any."""
    applied_revision: int | None


class Proposals:
    """Makes reviews, each request's once."""

    def __init__(self, database: Database, *, on_made: Callable[[], None]) -> None:
        self._database = database
        self._on_made = on_made

    async def propose(self, intent: Intent, request_id: UUID, proposed: Proposed) -> Made:
        """Make a review of what a write would have done. Asked again with its request id, it is the same one.

        Raises -32602 when no reason is given, `conflict` when the request id belongs to another request, and
        `unavailable`, whose outcome is `unknown`.
        """
        if not intent.note.strip():
            raise invalid_params(f"note: a change of {intent.env} is reviewed by others, so say why it is wanted")
        try:
            review_id = await self._add_once(intent, request_id, proposed)
            self._on_made()
            return await self.made(review_id)
        except DatabaseUnavailable as error:
            raise unavailable(
                f"the database cannot be reached ({error}); whether the review was made is not known: "
                "ask again with the same request_id",
                outcome="unknown",
                request_id=request_id,
            ) from error

    async def made(self, review_id: int) -> Made:
        """Return what a review that exists waits for."""
        row = await self._database.row(_MADE, review_id)
        assert row is not None
        needed = approvals_needed(
            protected=row["protected"], required=row["required_approvals"], takes_back_newest=row["takes_back"]
        )
        return Made(row["review_id"], row["env"], row["protected"], needed, row["state"], row["applied_revision"])

    async def _add_once(self, intent: Intent, request_id: UUID, proposed: Proposed) -> int:
        try:
            try:
                return await self._add(intent, request_id, proposed)
            except DatabaseUnavailable:
                # Its request id keeps a commit that did happen from happening twice.
                return await self._add(intent, request_id, proposed)
        except asyncpg.UniqueViolationError:
            row = await self._database.row(_OF_REQUEST, request_id)
            if row is None or row["request_hash"] != intent.fingerprint or row["author"] != intent.author.user_id:
                raise conflict(
                    "this request_id was used for another request: make a new one for a new change"
                ) from None
            return int(row["review_id"])

    async def _add(self, intent: Intent, request_id: UUID, proposed: Proposed) -> int:
        steps, head, passed = proposed.steps, proposed.locked.head, proposed.passed
        edits: Edits = [(step, step.before.version if step.before else None) for step in steps]
        seals = [step.after.wrapped if step.after else None for step in steps]
        hashed = diff_hash(intent.env, edits, intent.terms)
        async with self._database.transaction() as connection:
            await _check_master_key(connection, seals)
            row = await connection.row(
                _ADD,
                intent.env,
                passed.describe(intent.how),
                intent.author.user_id,
                intent.author.token_id,
                intent.note,
                intent.ticket,
                request_id,
                intent.fingerprint,
                proposed.undoes,
                intent.terms.expires_in,
                intent.terms.confirm_within,
                head,
                hashed,
                dumps(checks_of(intent.env, edits, head, warnings=passed.sentences, forced=passed.forced)),
                intent.apply_at,
            )
            assert row is not None
            await connection.run(
                _ADD_EDITS,
                row["review_id"],
                [step.key.id for step in steps],
                [step.after.version if step.after else None for step in steps],
                [step.after.text if step.after else None for step in steps],
                [seal.key if seal else None for seal in seals],
                [seal.master_key if seal else None for seal in seals],
                [step.is_new for step in steps],
                [base for _, base in edits],
            )
            await touch(connection, row["review_id"])
            about: dict[str, About] = {"review": row["review_id"], "diff": hashed.hex(), "text": intent.note}
            if intent.ticket:
                about["ticket"] = intent.ticket
            await append(connection, Event("review.create", intent.author.actor, env=intent.env, about=about))
            return int(row["review_id"])


async def _check_master_key(connection: Connection, seals: Iterable[Wrapped | None]) -> None:
    """Refuse what was sealed under another master key than the current one: a rotation would not find it any more."""
    used = {seal.master_key for seal in seals if seal is not None}
    if used and used != {await current_master_key(connection)}:
        raise unavailable("the master key of secrets was changed just now, and the review was not made: ask again")


def held_as(made: Made) -> RequestFailed:
    """Return the answer to a write that became a review."""
    said = _waiting(made) if made.state == "open" else _settled(made)
    return review_required(said, review=made.id, env=made.env, required_approvals=made.needed)


def _waiting(made: Made) -> str:
    waits = {0: "needs no approval: apply it", 1: "waits for 1 approval"}.get(
        made.needed, f"waits for {made.needed} approvals"
    )
    why = f"{made.env} is protected: this is now" if made.protected else "this is now"
    return f"{why} review {made.id} and {waits}"


def _settled(made: Made) -> str:
    where = "" if made.applied_revision is None else f" as revision {made.applied_revision} of {made.env}"
    return f"this is review {made.id}, which was {made.state}{where}"
