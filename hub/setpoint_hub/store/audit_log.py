"""The audit as people read it: change sets and events together, newest first, without any value."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final

from setpoint_hub.database import Database, Row

__all__ = ["CHANGE", "AuditLog", "Cursor", "Question", "cursor_of"]

CHANGE: Final = "change"
"""The kind of every change set."""

# Everything that a cursor orders by: time, then events before change sets of that very moment, then the number.
_CHANGES: Final = """
    SELECT s.created_at, s.env, s.revision, s.change_set_id, s.how, s.changed_by AS user_id, a.name AS user_name,
           s.token_id, s.note, s.from_address, s.from_tool, s.hash, c.namespaces, c.keys
    FROM ChangeSet s
    JOIN Account a ON a.user_id = s.changed_by
    LEFT JOIN LATERAL (
        SELECT array_agg(k.namespace ORDER BY k.namespace, k.key) AS namespaces,
               array_agg(k.key ORDER BY k.namespace, k.key) AS keys
        FROM Change JOIN ConfigKey k USING (key_id) WHERE Change.env = s.env AND Change.revision = s.revision
    ) c ON true
    WHERE ($1::text IS NULL OR s.env = $1)
      AND ($2::timestamptz IS NULL OR s.created_at >= $2) AND ($3::timestamptz IS NULL OR s.created_at < $3)
      AND ($4::text IS NULL OR a.name = $4 OR s.token_id::text = $4)
      AND ($5::text IS NULL OR $5 = 'change' OR starts_with(s.how, $5))
      AND ($6::timestamptz IS NULL OR (s.created_at, s.env COLLATE "C", s.revision) < ($6, $7::text, $8::bigint))
    ORDER BY s.created_at DESC, s.env COLLATE "C" DESC, s.revision DESC
    LIMIT $9
"""

_EVENTS: Final = """
    SELECT e.created_at, e.sequence, e.kind, e.user_id, a.name AS user_name, e.token_id, e.from_address, e.from_tool,
           e.env, e.namespace, e.key, e.about, e.hash
    FROM AuditEvent e LEFT JOIN Account a ON a.user_id = e.user_id
    WHERE ($1::text IS NULL OR e.env = $1)
      AND ($2::timestamptz IS NULL OR e.created_at >= $2) AND ($3::timestamptz IS NULL OR e.created_at < $3)
      AND ($4::text IS NULL OR a.name = $4 OR e.token_id::text = $4)
      AND ($5::text IS NULL OR starts_with(e.kind, $5))
      AND ($6::timestamptz IS NULL OR (e.created_at, ''::text, e.sequence) < ($6, $7::text, $8::bigint))
    ORDER BY e.created_at DESC, e.sequence DESC
    LIMIT $9
"""


@dataclass(frozen=True, slots=True)
class Cursor:
    """A place in the log; `env` is empty for an event."""

    at: datetime
    env: str
    number: int


@dataclass(frozen=True, slots=True)
class Question:
    """What is asked of the log; None asks for all. `who` is a user's name or a token's id."""

    env: str | None
    since: datetime | None
    until: datetime | None
    who: str | None
    kind: str | None
    before: Cursor | None


class AuditLog:
    """Reads change sets and events as one story."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def page(self, asked: Question, *, limit: int) -> list[Row]:
        """Return up to `limit` rows before a place, newest first; those of events have a `sequence`."""
        before = asked.before
        place = (None, None, None) if before is None else (before.at, before.env, before.number)
        values = (asked.env, asked.since, asked.until, asked.who, asked.kind, *place, limit)
        changes = await self._database.rows(_CHANGES, *values)
        events = await self._database.rows(_EVENTS, *values)
        found = sorted([*changes, *events], key=_order, reverse=True)
        return found[:limit]


def cursor_of(row: Row) -> Cursor:
    """Return the place of a row of the log."""
    return Cursor(*_order(row))


def _order(row: Row) -> tuple[datetime, str, int]:
    is_event = "sequence" in row
    return (row["created_at"], "", row["sequence"]) if is_event else (row["created_at"], row["env"], row["revision"])
