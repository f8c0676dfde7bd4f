"""Reading the log: where each environment stands, what it holds, and what came after a revision."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import datetime
from itertools import groupby
from typing import Final
from uuid import UUID

from setpoint.protocol.names import Epoch, Revision
from setpoint_hub.database import LONG_READ_SECONDS, Database
from setpoint_hub.database import Row as Record
from setpoint_hub.replica import ChangeSet, KeyChange, Replica, Row

__all__ = ["LAST_CHANGES", "Log", "Positions", "Tail", "last_changes_of"]

_POSITIONS: Final = """
    SELECT i.epoch, i.access_revision, i.review_revision, e.env, e.revision, e.protected
    FROM Installation i CROSS JOIN Environment e
"""

_HELD: Final = "SELECT i.epoch, e.revision FROM Installation i CROSS JOIN Environment e WHERE e.env = $1"

LAST_CHANGES: Final = """
    SELECT DISTINCT ON (c.key_id) k.namespace, k.key, k.value_type, c.revision, c.version_id, v.value
    FROM Change c
    JOIN ConfigKey k ON k.key_id = c.key_id
    LEFT JOIN ConfigVersion v ON v.version_id = c.version_id
    WHERE c.env = $1 AND c.revision <= $2
    ORDER BY c.key_id, c.revision DESC
"""
"""The last change of every key of an environment, up to a revision; read it with `last_changes_of`."""

_CHANGE_SETS: Final = """
    SELECT s.revision, s.change_set_id, s.how, s.changed_by, a.name AS changed_by_name, s.note, s.created_at, s.hash,
           k.namespace, k.key, k.value_type, c.version_id, v.value, c.previous_version_id, p.value AS previous_value,
           clock_timestamp() AS now
    FROM ChangeSet s
    JOIN Account a ON a.user_id = s.changed_by
    JOIN Change c ON c.env = s.env AND c.revision = s.revision
    JOIN ConfigKey k ON k.key_id = c.key_id
    LEFT JOIN ConfigVersion v ON v.version_id = c.version_id
    LEFT JOIN ConfigVersion p ON p.version_id = c.previous_version_id
    WHERE s.env = $1 AND s.revision > $2 AND s.revision <= $3
    ORDER BY s.revision, k.namespace, k.key
"""

_NEW_EPOCH: Final = "UPDATE Installation SET epoch = gen_random_uuid() WHERE epoch = $1"

LONGEST_READ: Final = 200
"""Change sets in one statement: bounds the memory of a hub that comes back after a long time."""


@dataclass(frozen=True, slots=True)
class Positions:
    """Where everything stands at one moment."""

    epoch: Epoch
    access_revision: int
    review_revision: int
    revisions: dict[str, Revision]
    protected: frozenset[str]


@dataclass(frozen=True, slots=True)
class Tail:
    """What came after a revision, and the database's clock when it was read."""

    change_sets: list[ChangeSet]
    now: datetime | None


class Log:
    """The log of every environment."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def positions(self) -> Positions:
        """Return the epoch and every environment's revision: one statement."""
        rows = await self._database.rows(_POSITIONS)
        epoch = Epoch(str(rows[0]["epoch"])) if rows else Epoch("")
        access = int(rows[0]["access_revision"]) if rows else 0
        review = int(rows[0]["review_revision"]) if rows else 0
        revisions = {row["env"]: Revision(row["revision"]) for row in rows}
        protected = frozenset(str(row["env"]) for row in rows if row["protected"])
        return Positions(epoch, access, review, revisions, protected)

    async def load(self, env: str) -> Replica:
        """Return an environment as it stands now. Raises KeyError when there is none of that name."""
        async with self._database.snapshot() as connection:
            held = await connection.row(_HELD, env)
            if held is None:
                raise KeyError(env)
            rows = await connection.rows(LAST_CHANGES, env, held["revision"], timeout=LONG_READ_SECONDS)
        return Replica(env, Epoch(str(held["epoch"])), Revision(held["revision"]), last_changes_of(rows))

    async def after(self, env: str, revision: Revision) -> Tail:
        """Return the change sets that follow a revision, at most LONGEST_READ of them: one statement."""
        rows = await self._database.rows(_CHANGE_SETS, env, revision, revision + LONGEST_READ)
        return Tail(change_sets_of(env, rows), rows[-1]["now"] if rows else None)

    async def change_set(self, env: str, revision: int) -> ChangeSet | None:
        """Return one change set, or None when the environment has not reached it."""
        found = change_sets_of(env, await self._database.rows(_CHANGE_SETS, env, revision - 1, revision))
        return found[0] if found else None

    async def start_new_epoch(self, epoch: Epoch) -> None:
        """Give the installation a new epoch, unless another hub did so already."""
        await self._database.write(_NEW_EPOCH, UUID(epoch))


def last_changes_of(rows: Iterable[Record]) -> Iterator[Row]:
    """Read rows of LAST_CHANGES."""
    for row in rows:
        revision = Revision(row["revision"])
        yield Row(row["namespace"], row["key"], row["value_type"], revision, row["version_id"], row["value"])


def change_sets_of(env: str, rows: Iterable[Record]) -> list[ChangeSet]:
    """Gather rows of `_CHANGE_SETS` into change sets."""
    return [_change_set(env, list(group)) for _, group in groupby(rows, key=lambda row: row["revision"])]


def _change_set(env: str, rows: list[Record]) -> ChangeSet:
    head = rows[0]
    return ChangeSet(
        env=env,
        revision=Revision(head["revision"]),
        id=head["change_set_id"],
        how=head["how"],
        by_id=head["changed_by"],
        by_name=head["changed_by_name"],
        note=head["note"],
        at=head["created_at"],
        hash=bytes(head["hash"]),
        changes=tuple(_key_change(row) for row in rows),
    )


def _key_change(row: Record) -> KeyChange:
    return KeyChange(
        namespace=row["namespace"],
        key=row["key"],
        type=row["value_type"],
        version=row["version_id"],
        text=row["value"],
        previous_version=row["previous_version_id"],
        previous_text=row["previous_value"],
    )
