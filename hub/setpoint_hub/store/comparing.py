"""Reading two environments side by side, each as of a revision, in one consistent view of the database."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Final, Literal
from uuid import UUID

from setpoint.protocol.names import Revision
from setpoint_hub import scopes
from setpoint_hub.comparison import Difference, Position, Side
from setpoint_hub.database import LONG_READ_SECONDS, Connection, Database, Row
from setpoint_hub.errors import not_found
from setpoint_hub.sealing import Wrapped
from setpoint_hub.store.keys import Key

__all__ = ["Comparison", "Comparisons", "Reach", "Scope"]

_POSITIONS: Final = """
    SELECT env, revision, protected, required_approvals FROM Environment WHERE env = ANY ($1::text[])
"""

# The last change of a key up to a revision tells its value then, and whether and when it lost it. Only the keys of the
# page have their values and authors looked up; the last condition bounds its bytes, but for the first key.
_COMPARE: Final = """
    WITH source AS (
        SELECT DISTINCT ON (key_id) key_id, revision, version_id FROM Change
        WHERE env = $1 AND revision <= $2 AND ($5::uuid[] IS NULL OR key_id = ANY ($5))
        ORDER BY key_id, revision DESC
    ), target AS (
        SELECT DISTINCT ON (key_id) key_id, revision, version_id FROM Change
        WHERE env = $3 AND revision <= $4 AND ($5::uuid[] IS NULL OR key_id = ANY ($5))
        ORDER BY key_id, revision DESC
    ), joined AS MATERIALIZED (
        SELECT k.key_id, k.namespace, k.key, k.value_type,
               s.revision AS source_revision, s.version_id AS source_version,
               t.revision AS target_revision, t.version_id AS target_version,
               k.secret, k.constraints,
               coalesce(setpoint_shown(sv.value, k.secret) = setpoint_shown(tv.value, k.secret), false) AS same,
               coalesce(octet_length(sv.value), 0) + coalesce(octet_length(tv.value), 0) AS size
        FROM source s FULL JOIN target t ON t.key_id = s.key_id
        JOIN ConfigKey k ON k.key_id = coalesce(s.key_id, t.key_id)
        LEFT JOIN ConfigVersion sv ON sv.version_id = s.version_id
        LEFT JOIN ConfigVersion tv ON tv.version_id = t.version_id
        WHERE coalesce(s.version_id, t.version_id) IS NOT NULL AND ($6::text[] IS NULL OR k.namespace = ANY ($6))
          AND (k.namespace = ANY ($13::text[]) OR k.namespace ^@ ANY ($14::text[]))
    ), wanted AS (
        SELECT * FROM joined
        WHERE ($7 OR NOT same)
          AND ($8 = 'anywhere' OR ($8 = 'source') = (source_version IS NOT NULL))
    ), page AS (
        SELECT *, sum(size) OVER (ORDER BY namespace, key) - size AS bytes_before FROM wanted
        WHERE (namespace, key) > ($9, $10) ORDER BY namespace, key LIMIT $11
    )
    SELECT counted.same, counted.different,
           (SELECT count(*) FROM wanted WHERE (namespace, key) > ($9, $10)) AS remaining,
           p.key_id, p.namespace, p.key, p.value_type, p.secret, p.constraints,
           sv.wrapped_key AS source_wrapped, sv.master_key AS source_master,
           tv.wrapped_key AS target_wrapped, tv.master_key AS target_master,
           p.source_revision, p.source_version, sv.value AS source_value, ss.changed_by AS source_by,
           sa.name AS source_by_name, ss.created_at AS source_at, ss.note AS source_note,
           p.target_revision, p.target_version, tv.value AS target_value, ts.changed_by AS target_by,
           ta.name AS target_by_name, ts.created_at AS target_at, ts.note AS target_note
    FROM (
        SELECT count(*) FILTER (WHERE same) AS same, count(*) FILTER (WHERE NOT same) AS different FROM joined
    ) counted
    LEFT JOIN page p ON p.bytes_before < $12
    LEFT JOIN ConfigVersion sv ON sv.version_id = p.source_version
    LEFT JOIN ChangeSet ss ON ss.env = $1 AND ss.revision = p.source_revision
    LEFT JOIN Account sa ON sa.user_id = ss.changed_by
    LEFT JOIN ConfigVersion tv ON tv.version_id = p.target_version
    LEFT JOIN ChangeSet ts ON ts.env = $3 AND ts.revision = p.target_revision
    LEFT JOIN Account ta ON ta.user_id = ts.changed_by
    ORDER BY p.namespace, p.key
"""


Where = Literal["anywhere", "source", "target"]


@dataclass(frozen=True, slots=True)
class Scope:
    """Which keys to compare: of both environments, each as of a revision (None: now), some keys or namespaces.

    `reached` is what the caller may see at all: what is beyond it is not counted either.
    """

    source: str
    target: str
    reached: scopes.Scope
    source_revision: int | None = None
    target_revision: int | None = None
    key_ids: Sequence[UUID] | None = None
    namespaces: Sequence[str] | None = None


@dataclass(frozen=True, slots=True)
class Reach:
    """How much of a comparison to return: in order of name, behind `after`, up to a number of keys and of bytes.

    `where` narrows it to keys that have a value in the source, or in the target alone.
    """

    limit: int
    bytes: int
    after: tuple[str, str] = ("", "")
    all: bool = False
    where: Where = "anywhere"


@dataclass(frozen=True, slots=True)
class Comparison:
    """A part of a comparison; `same` and `different` count the keys of the whole, `rest` those behind this part."""

    source: Position
    target: Position
    differences: tuple[Difference, ...]
    same: int
    different: int
    rest: int


class Comparisons:
    """Compares environments. The log is append-only, so a pair of revisions always compares alike."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def read(self, scope: Scope, *reaches: Reach) -> list[Comparison]:
        """Return a comparison for each reach, all of one moment.

        Raises `not_found` for an environment that there is not, or a revision that it has not reached.
        """
        async with self._database.snapshot() as connection:
            rows = await connection.rows(_POSITIONS, [scope.source, scope.target])
            held = {row["env"]: row for row in rows}
            source = _position(held.get(scope.source), scope.source, scope.source_revision)
            target = _position(held.get(scope.target), scope.target, scope.target_revision)
            return [await _compare(connection, source, target, scope, reach) for reach in reaches]


async def _compare(
    connection: Connection, source: Position, target: Position, scope: Scope, reach: Reach
) -> Comparison:
    sides = (source.env, source.revision, target.env, target.revision)
    asked = (scope.key_ids, scope.namespaces, reach.all, reach.where, *reach.after, reach.limit, reach.bytes)
    values = (*sides, *asked, list(scope.reached.names), list(scope.reached.prefixes))
    rows = await connection.rows(_COMPARE, *values, timeout=LONG_READ_SECONDS)
    differences = tuple(_difference(row) for row in rows if row["key_id"] is not None)
    counts = rows[0]
    return Comparison(
        source, target, differences, counts["same"], counts["different"], counts["remaining"] - len(differences)
    )


def _position(row: Row | None, env: str, revision: int | None) -> Position:
    if row is None:
        raise not_found(f"there is no environment {env[:40]}")
    if revision is not None and revision > row["revision"]:
        raise not_found(f"{env} has not reached revision {revision}: it is at {row['revision']}")
    seen = Revision(row["revision"] if revision is None else revision)
    return Position(env, seen, row["protected"], row["required_approvals"])


def _difference(row: Row) -> Difference:
    key = Key(row["key_id"], row["namespace"], row["key"], row["value_type"], row["secret"])
    return Difference(key, _side(row, "source"), _side(row, "target"), row["constraints"])


def _side(row: Row, side: str) -> Side | None:
    if row[f"{side}_revision"] is None:
        return None
    wrapped, master_key = row[f"{side}_wrapped"], row[f"{side}_master"]
    return Side(
        version=row[f"{side}_version"],
        text=row[f"{side}_value"],
        revision=Revision(row[f"{side}_revision"]),
        by_id=row[f"{side}_by"],
        by_name=row[f"{side}_by_name"],
        at=row[f"{side}_at"],
        note=row[f"{side}_note"],
        wrapped=None if wrapped is None else Wrapped(master_key, bytes(wrapped)),
    )
