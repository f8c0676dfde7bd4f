"""Changes that take themselves back: when each is due, and what became of it."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Final, Literal
from uuid import UUID

from setpoint_hub.audit import Actor, Event
from setpoint_hub.database import Connection, Database, Row
from setpoint_hub.errors import conflict, not_found
from setpoint_hub.review import Terms
from setpoint_hub.store.audit import append
from setpoint_hub.store.intents import Author

__all__ = ["Deadlines", "Due", "Kind", "begin", "changed_since", "due_times", "lock", "settle"]

Kind = Literal["expiry", "confirmation"]

_BEGIN: Final = "INSERT INTO Deadline (env, revision, kind, due_at) VALUES ($1, $2, $3, $4)"

_DUE: Final = """
    SELECT d.env, d.revision, d.kind, s.changed_by, s.token_id, s.note
    FROM Deadline d JOIN ChangeSet s ON s.env = d.env AND s.revision = d.revision
    WHERE d.settled_at IS NULL AND d.due_at <= clock_timestamp()
    ORDER BY d.due_at, d.env, d.revision, d.kind LIMIT 100 + $1
"""

_NEXT: Final = """
    SELECT extract(epoch FROM min(due_at) - clock_timestamp())::float8 AS seconds FROM Deadline WHERE settled_at IS NULL
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
    GROUP BY d.env, d.revision, d.kind, d.due_at, s.how, s.changed_by, a.name, s.note
    ORDER BY d.due_at, d.env, d.revision, d.kind
    LIMIT 1000
"""

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
_SINCE: Final = "SELECT DISTINCT key_id FROM Change WHERE env = $1 AND revision > $2 AND key_id = ANY ($3::uuid[])"


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
        """Return how long it is to the next deadline; None when there is none."""
        row = await self._database.row(_NEXT)
        return None if row is None else row["seconds"]

    async def pending(self, env: str | None) -> list[Row]:
        """Return what will take itself back, the soonest first, with its keys."""
        return await self._database.rows(_PENDING, env)

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


async def changed_since(connection: Connection, due: Due, key_ids: Sequence[UUID]) -> frozenset[UUID]:
    """Return which of the keys a later change set has touched."""
    rows = await connection.rows(_SINCE, due.env, due.revision, key_ids)
    return frozenset(row["key_id"] for row in rows)
