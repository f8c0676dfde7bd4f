"""Changes that take themselves back: when each is due, and what became of it."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from setpoint_hub.audit import Actor, Event
from setpoint_hub.database import Connection, Database, Row
from setpoint_hub.errors import conflict, not_found
from setpoint_hub.plan import Active
from setpoint_hub.review import Terms
from setpoint_hub.store.audit import append
from setpoint_hub.store.intents import Author

__all__ = ["Deadlines", "Due", "Kind", "begin", "changed_since", "due_times", "held_before", "how_of", "lock", "settle"]

Kind = Literal["expiry", "confirmation"]

_IS_REVERSAL: Final = "^(expiry of r[0-9]+|r[0-9]+ was not confirmed)(,|$)"
"""What `how_of` makes, and the guard may add to."""

_BEGIN: Final = "INSERT INTO Deadline (env, revision, kind, due_at) VALUES ($1, $2, $3, $4)"

_DUE: Final = """
    SELECT d.env, d.revision, d.kind, s.changed_by, s.token_id, s.note
    FROM Deadline d JOIN ChangeSet s ON s.env = d.env AND s.revision = d.revision
    WHERE d.settled_at IS NULL AND d.due_at <= clock_timestamp()
    ORDER BY d.due_at, d.env, d.revision, d.kind LIMIT 100 + $1
"""

# All that a hub asks while nothing is due: one look at the beginning of each index.
_NEXT: Final = """
    SELECT extract(epoch FROM least(
        (SELECT min(due_at) FROM Deadline WHERE settled_at IS NULL),
        (SELECT min(apply_at) FROM Review WHERE state = 'open' AND apply_at IS NOT NULL)
    ) - clock_timestamp())::float8 AS seconds
"""

_PENDING: Final = """
    SELECT d.env, d.revision, d.kind, d.due_at, extract(epoch FROM d.due_at - clock_timestamp())::float8 AS seconds,
           s.how, s.changed_by, a.name AS changed_by_name, s.note,
           array_agg(k.namespace ORDER BY k.namespace, k.key) AS namespaces,
           array_agg(k.key ORDER BY k.namespace, k.key) AS keys
    FROM Deadline d
    JOIN ChangeSet s ON s.env = d.env AND s.revision = d.revision
    JOIN Account a ON a.user_id = s.changed_by
    JOIN Change c ON c.env = d.env AND c.revision = d.revision
    JOIN ConfigKey k ON k.key_id = c.key_id
    WHERE d.settled_at IS NULL AND ($1::text IS NULL OR d.env = $1)
      AND ($2::timestamptz IS NULL OR (d.due_at, d.env, d.revision, d.kind) > ($2, $3::text, $4::bigint, $5::text))
    GROUP BY d.env, d.revision, d.kind, d.due_at, s.how, s.changed_by, a.name, s.note
    ORDER BY d.due_at, d.env, d.revision, d.kind
    LIMIT $6
"""

MOST_PENDING: Final = 1000
"""Temporary changes that a list shows."""

# Not after its time: whether it is kept must not depend on which hub looks first.
_CONFIRM: Final = """
    UPDATE Deadline SET settled_at = clock_timestamp(), outcome = 'confirmed'
    WHERE env = $1 AND revision = $2 AND kind = 'confirmation' AND settled_at IS NULL AND due_at > clock_timestamp()
    RETURNING settled_at
"""
_OUTCOME: Final = "SELECT outcome FROM Deadline WHERE env = $1 AND revision = $2 AND kind = 'confirmation'"

_LOCK: Final = """
    SELECT due_at FROM Deadline WHERE env = $1 AND revision = $2 AND kind = $3 AND settled_at IS NULL FOR UPDATE
"""
_SETTLE: Final = """
    UPDATE Deadline SET settled_at = clock_timestamp(), outcome = $4
    WHERE env = $1 AND revision = $2 AND kind = $3 AND settled_at IS NULL
"""
# A later change that has taken itself back, to this one, is none.
_SINCE: Final = """
    SELECT mine.key_id
    FROM Change mine
    JOIN LATERAL (
        SELECT c.version_id, s.how FROM Change c JOIN ChangeSet s ON s.env = c.env AND s.revision = c.revision
        WHERE c.env = $1 AND c.key_id = mine.key_id AND c.revision > $2
        ORDER BY c.revision DESC LIMIT 1
    ) last ON true
    WHERE mine.env = $1 AND mine.revision = $2
      AND NOT (last.how ~ $3 AND last.version_id IS NOT DISTINCT FROM mine.version_id)
"""

# From change to change: what one found in its place may have been there for a time only, which is over.
_BEFORE: Final = """
    WITH RECURSIVE back AS (
        SELECT key_id, revision, version_id AS taken_back, previous_version_id FROM Change
        WHERE env = $1 AND revision = $2
        UNION ALL
        SELECT back.key_id, found.revision, back.taken_back, found.previous_version_id
        FROM back
        JOIN LATERAL (
            SELECT c.revision, c.previous_version_id
            FROM Change c JOIN ChangeSet s ON s.env = c.env AND s.revision = c.revision
            WHERE c.env = $1 AND c.key_id = back.key_id AND c.revision < back.revision
              AND c.version_id IS NOT DISTINCT FROM back.previous_version_id AND s.how !~ $3
            ORDER BY c.revision DESC LIMIT 1
        ) found ON EXISTS (
            SELECT FROM Deadline d
            WHERE d.env = $1 AND d.revision = found.revision AND d.outcome IN ('reverted', 'left')
        )
    ), first AS (
        SELECT DISTINCT ON (key_id) key_id, taken_back, previous_version_id AS version_id FROM back
        ORDER BY key_id, revision
    )
    SELECT first.key_id, v.version_id, v.value
    FROM first LEFT JOIN ConfigVersion v ON v.version_id = first.version_id
    WHERE first.version_id IS DISTINCT FROM first.taken_back
"""


@dataclass(frozen=True, slots=True)
class Due:
    """A change set that has to be taken back."""

    env: str
    revision: int
    kind: Kind
    by: Author
    """Who made the change, and so decided that it ends."""
    note: str


def due_times(at: datetime, terms: Terms) -> Mapping[Kind, datetime]:
    """Return when a change made at a moment takes itself back, by each of its terms. Pure."""
    found: dict[Kind, datetime] = {}
    if terms.expires_in is not None:
        found["expiry"] = at + timedelta(seconds=terms.expires_in)
    if terms.confirm_within is not None:
        found["confirmation"] = at + timedelta(seconds=terms.confirm_within)
    return found


async def begin(connection: Connection, env: str, revision: int, at: datetime, terms: Terms) -> None:
    """Record, in the change set's own transaction, when it takes itself back."""
    for kind, due_at in due_times(at, terms).items():
        await connection.run(_BEGIN, env, revision, kind, due_at)


class Deadlines:
    """The deadlines of all environments. Settled ones stay, as a part of what happened."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def due(self, *, beside: int) -> list[Due]:
        """Return what is due by the database's clock, the oldest first: up to a hundred `beside` so many."""
        return [
            Due(row["env"], row["revision"], row["kind"], Author(row["changed_by"], row["token_id"]), row["note"])
            for row in await self._database.rows(_DUE, beside)
        ]

    async def seconds_to_next(self) -> float | None:
        """Return how long it is to the next deadline, or to a review's time; None when there is neither."""
        row = await self._database.row(_NEXT)
        return None if row is None else row["seconds"]

    async def pending(self, env: str | None, fits: Callable[[Row], bool]) -> list[Row]:
        """Return what will take itself back and fits, the soonest first, with its keys: up to MOST_PENDING."""
        found: list[Row] = []
        after: tuple[object, ...] = (None, None, None, None)
        # Reach is told apart by the keys: read on until enough fit.
        while len(found) < MOST_PENDING:
            page = await self._database.rows(_PENDING, env, *after, MOST_PENDING)
            found += filter(fits, page)
            if len(page) < MOST_PENDING:
                break
            last = page[-1]
            after = last["due_at"], last["env"], last["revision"], last["kind"]
        return found[:MOST_PENDING]

    async def confirm(self, env: str, revision: int, *, actor: Actor) -> datetime:
        """Keep a change that waits for it, on record. Raises `not_found`, and `conflict`: it is settled or too late."""
        async with self._database.transaction() as connection:
            confirmed = await connection.row(_CONFIRM, env, revision)
            if confirmed is not None:
                await append(connection, Event("change.confirm", actor, env=env, about={"revision": revision}))
                settled_at: datetime = confirmed["settled_at"]
                return settled_at
        row = await self._database.row(_OUTCOME, env, revision)
        if row is None:
            raise not_found(f"no revision {revision} of {env} waits to be confirmed")
        raise conflict(f"revision {revision} of {env} {_ENDINGS[row['outcome']]}")

    async def leave(self, due: Due) -> None:
        """Settle a deadline that has nothing left to take back."""
        await self._database.write(_SETTLE, due.env, due.revision, due.kind, "left")


_ENDINGS: Final[Mapping[str | None, str]] = {
    None: "was not confirmed in time: it takes itself back now",
    "confirmed": "is confirmed already",
    "reverted": "was not confirmed in time and has been taken back",
    "left": "was not confirmed in time, but its keys had been changed since",
}


async def lock(connection: Connection, due: Due) -> bool:
    """Lock a deadline until the transaction's end; False when it is settled."""
    return await connection.row(_LOCK, due.env, due.revision, due.kind) is not None


async def settle(connection: Connection, due: Due) -> None:
    """Settle a deadline as taken back, in the transaction that takes it back."""
    await connection.run(_SETTLE, due.env, due.revision, due.kind, "reverted")


async def changed_since(connection: Connection, due: Due) -> frozenset[UUID]:
    """Return which keys of the change have been changed since, otherwise than for a time that is over."""
    rows = await connection.rows(_SINCE, due.env, due.revision, _IS_REVERSAL)
    return frozenset(row["key_id"] for row in rows)


async def held_before(connection: Connection, due: Due) -> dict[UUID, Active | None]:
    """Return what each key of the change goes back to; without those that have nothing to go back from."""
    rows = await connection.rows(_BEFORE, due.env, due.revision, _IS_REVERSAL)
    return {
        row["key_id"]: None if row["version_id"] is None else Active(row["version_id"], row["value"]) for row in rows
    }


def how_of(due: Due) -> str:
    """Return how the change set comes to be that takes a change back. Pure."""
    return {"expiry": f"expiry of r{due.revision}", "confirmation": f"r{due.revision} was not confirmed"}[due.kind]
