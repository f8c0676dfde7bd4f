"""The past: what a key was, what an environment was at a revision or a time."""

from dataclasses import dataclass
from datetime import datetime
from typing import Final
from uuid import UUID

from setpoint.protocol.names import Epoch, Revision
from setpoint_hub.database import Database
from setpoint_hub.database import Row as Record
from setpoint_hub.plan import Active
from setpoint_hub.replica import Replica
from setpoint_hub.store.log import LAST_CHANGES, last_changes_of

__all__ = ["History", "Page"]

_CHANGES: Final = """
    SELECT s.revision, s.change_set_id, s.how, s.changed_by, a.name AS changed_by_name, s.note, s.created_at,
           c.version_id, v.value, c.previous_version_id, p.value AS previous_value
    FROM Change c
    JOIN ChangeSet s ON s.env = c.env AND s.revision = c.revision
    JOIN Account a ON a.user_id = s.changed_by
    LEFT JOIN ConfigVersion v ON v.version_id = c.version_id
    LEFT JOIN ConfigVersion p ON p.version_id = c.previous_version_id
    WHERE c.env = $1 AND c.key_id = $2 AND c.revision < $3
    ORDER BY c.revision DESC
    LIMIT $4
"""

_VERSIONS: Final = """
    SELECT v.version_id, v.value, v.is_active, v.changed_by, a.name AS changed_by_name, v.change_note, v.created_at,
           (SELECT min(c.revision) FROM Change c
            WHERE c.env = v.env AND c.key_id = v.key_id AND c.version_id = v.version_id) AS revision
    FROM ConfigVersion v JOIN Account a ON a.user_id = v.changed_by
    WHERE v.version_id = ANY ($1::uuid[])
    ORDER BY revision DESC
"""

_VERSION: Final = "SELECT value FROM ConfigVersion WHERE version_id = $1 AND key_id = $2 AND env = $3"

_POSITION: Final = """
    SELECT i.epoch, e.revision FROM Installation i CROSS JOIN Environment e WHERE e.env = $1
"""

_REVISION_AT: Final = """
    SELECT coalesce(max(revision), 0) AS revision FROM ChangeSet WHERE env = $1 AND created_at <= $2
"""

LATEST: Final = 2**62
"""Above every revision."""


@dataclass(frozen=True, slots=True)
class Page:
    """A part of one key's history: its changes, newest first, the versions in them, and where the next part starts."""

    changes: list[Record]
    versions: list[Record]
    next: int | None


class History:
    """Reads the past. Nothing here is needed to serve services."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def of_key(self, env: str, key_id: UUID, *, before: int | None, limit: int) -> Page:
        """Return up to `limit` changes of a key in an environment, below the revision `before`."""
        bound = LATEST if before is None else before
        changes = await self._database.rows(_CHANGES, env, key_id, bound, limit + 1)
        page = changes[:limit]
        ids = {row["version_id"] for row in page if row["version_id"] is not None}
        versions = await self._database.rows(_VERSIONS, list(ids))
        return Page(page, versions, page[-1]["revision"] if len(changes) > limit else None)

    async def version(self, env: str, key_id: UUID, version: UUID) -> Active | None:
        """Return a version of a key in an environment, or None when it is none of its versions."""
        row = await self._database.row(_VERSION, version, key_id, env)
        return None if row is None else Active(version, row["value"])

    async def position(self, env: str) -> tuple[Epoch, Revision] | None:
        """Return where an environment stands in the database, or None when there is none of that name."""
        row = await self._database.row(_POSITION, env)
        return None if row is None else (Epoch(str(row["epoch"])), Revision(row["revision"]))

    async def revision_at(self, env: str, moment: datetime) -> Revision:
        """Return the revision that held at a moment; 0 before the first change."""
        row = await self._database.row(_REVISION_AT, env, moment)
        return Revision(row["revision"] if row else 0)

    async def as_of(self, env: str, epoch: Epoch, revision: Revision) -> Replica:
        """Return an environment as it was at a revision that it has reached, its secrets masked."""
        rows = await self._database.rows(LAST_CHANGES, env, revision)
        return Replica(env, epoch, revision, last_changes_of(rows))
