"""Keys: creating, finding and listing them, with the values that they have in each environment."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from typing import Final
from uuid import UUID

import asyncpg

from setpoint.errors import RequestFailed
from setpoint.protocol.values import ValueType
from setpoint_hub.audit import About, Actor, Event
from setpoint_hub.database import Database, Row
from setpoint_hub.errors import conflict, not_found
from setpoint_hub.scopes import Scope
from setpoint_hub.store.audit import append

__all__ = ["Details", "Key", "Keys", "NewKey"]

_CREATE: Final = """
    INSERT INTO ConfigKey (namespace, key, value_type, description, owner, tags, constraints, secret, created_by)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)
    RETURNING key_id, namespace, key, value_type, description, owner, tags, constraints, secret, created_at
"""

_FIND: Final = """
    SELECT key_id, namespace, key, value_type, secret
    FROM ConfigKey JOIN unnest($1::text[], $2::text[]) AS asked (namespace, key) USING (namespace, key)
"""

_GET: Final = """
    SELECT key_id, namespace, key, value_type, description, owner, tags, constraints, secret, created_at
    FROM ConfigKey WHERE namespace = $1 AND key = $2
"""

# Held to the commit: who writes a value meanwhile waits, and is then judged by the constraints that are new.
_LOCK: Final = """
    SELECT key_id, namespace, key, value_type, description, owner, tags, constraints, secret, created_at
    FROM ConfigKey WHERE namespace = $1 AND key = $2 FOR UPDATE
"""

_HELD: Final = """
    SELECT v.env, v.version_id, v.value, v.wrapped_key, v.master_key
    FROM ConfigVersion v JOIN Environment e ON e.env = v.env
    WHERE v.key_id = $1 AND v.is_active ORDER BY e.position
"""

_UPDATE: Final = """
    UPDATE ConfigKey SET description = $2, owner = $3, tags = $4, constraints = $5 WHERE key_id = $1
    RETURNING key_id, namespace, key, value_type, description, owner, tags, constraints, secret, created_at
"""

_VALUES: Final = """
    SELECT DISTINCT ON (e.position) v.env, v.version_id, v.value, c.revision,
           s.changed_by, a.name AS changed_by_name, s.note, s.created_at AS changed_at
    FROM ConfigVersion v
    JOIN Environment e ON e.env = v.env
    JOIN Change c ON c.env = v.env AND c.key_id = v.key_id AND c.version_id = v.version_id
    JOIN ChangeSet s ON s.env = c.env AND s.revision = c.revision
    JOIN Account a ON a.user_id = s.changed_by
    WHERE v.key_id = $1 AND v.is_active
    ORDER BY e.position, c.revision DESC
"""

# A key's last change of an environment is the one that made its active version active.
_LIST: Final = """
    SELECT k.key_id, k.namespace, k.key, k.value_type, k.description, k.owner, k.tags, k.constraints, k.secret,
           k.created_at, v.version_id, v.value, s.revision, s.created_at AS changed_at
    FROM ConfigKey k
    LEFT JOIN ConfigVersion v ON v.key_id = k.key_id AND v.env = $1 AND v.is_active
    LEFT JOIN LATERAL (
        SELECT revision FROM Change WHERE env = $1 AND key_id = k.key_id ORDER BY revision DESC LIMIT 1
    ) c ON v.version_id IS NOT NULL
    LEFT JOIN ChangeSet s ON s.env = $1 AND s.revision = c.revision
    WHERE ($2::text IS NULL OR k.namespace = $2) AND (k.namespace, k.key) > ($3, $4)
      AND (k.namespace = ANY ($5::text[]) OR k.namespace ^@ ANY ($6::text[]))
    ORDER BY k.namespace, k.key
    LIMIT $7
"""

_NAMESPACES: Final = """
    SELECT k.namespace, count(*) AS keys, count(v.version_id) AS held
    FROM ConfigKey k LEFT JOIN ConfigVersion v ON v.key_id = k.key_id AND v.env = $1 AND v.is_active
    GROUP BY k.namespace ORDER BY k.namespace
"""

_MISSING_NAMESPACES: Final = """
    SELECT asked.namespace FROM unnest($1::text[]) AS asked (namespace)
    WHERE NOT EXISTS (SELECT FROM ConfigKey k WHERE k.namespace = asked.namespace)
"""


@dataclass(frozen=True, slots=True)
class NewKey:
    """A key to be created."""

    namespace: str
    key: str
    type: ValueType
    description: str
    owner: str
    tags: list[str]
    constraints: str | None = None
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Key:
    """What never changes of a key."""

    id: UUID
    namespace: str
    key: str
    type: ValueType
    secret: bool = False


@dataclass(frozen=True, slots=True)
class Details:
    """What may change of a key."""

    description: str
    owner: str
    tags: list[str]
    constraints: str | None


_DETAILS: Final = ("description", "owner", "tags", "constraints")

Decide = Callable[[Row, list[Row]], Awaitable[Details]]
"""Decides, from a key's row and its active values, what it is to be; raises the answer when it refuses."""


class Keys:
    """The keys. What never changes of them is remembered, so that a write need not ask for it again."""

    _REMEMBERED = 100_000

    def __init__(self, database: Database) -> None:
        self._database = database
        self._known: dict[tuple[str, str], Key] = {}

    async def create(self, new: NewKey, *, actor: Actor) -> Row:
        """Create a key, on record, and return its row. Raises the answer `conflict` when the name is taken."""
        details = (new.description, new.owner, new.tags, new.constraints, new.secret)
        values = (new.namespace, new.key, new.type, *details, actor.user_id)
        about: dict[str, About] = {
            "type": new.type,
            "owner": new.owner,
            "secret": new.secret,
            "constrained": new.constraints is not None,
        }
        try:
            async with self._database.transaction() as connection:
                row = await connection.row(_CREATE, *values)
                assert row is not None
                await append(connection, Event("key.create", actor, namespace=new.namespace, key=new.key, about=about))
                return row
        except asyncpg.UniqueViolationError as error:
            raise conflict(
                f"{new.namespace}/{new.key} exists already: choose another name, or set its value"
            ) from error

    async def update(self, namespace: str, key: str, decide: Decide, *, actor: Actor) -> Row:
        """Change what `decide` makes of a key, on record, while no value of it can be written; return its row."""
        async with self._database.transaction() as connection:
            row = await connection.row(_LOCK, namespace, key)
            if row is not None:
                details = await decide(row, await connection.rows(_HELD, row["key_id"]))
                values = (details.description, details.owner, details.tags, details.constraints)
                updated = await connection.row(_UPDATE, row["key_id"], *values)
                assert updated is not None
                changed = [name for name in _DETAILS if updated[name] != row[name]]
                event = Event("key.update", actor, namespace=namespace, key=key, about={"changed": changed})
                await append(connection, event)
                return updated
        raise await self._missing(namespace, key)

    async def find(self, names: list[tuple[str, str]]) -> dict[tuple[str, str], Key]:
        """Return the keys of these (namespace, key) names. Raises the answer `not_found` for the first that is none."""
        missing = [name for name in names if name not in self._known]
        if missing:
            await self._learn(missing)
        for namespace, key in names:
            if (namespace, key) not in self._known:
                raise await self._missing(namespace, key)
        return {name: self._known[name] for name in names}

    async def get(self, namespace: str, key: str) -> tuple[Row, list[Row]]:
        """Return a key's row, and a row for each environment in which it has a value."""
        row = await self._database.row(_GET, namespace, key)
        if row is None:
            raise await self._missing(namespace, key)
        return row, await self._database.rows(_VALUES, row["key_id"])

    async def page(
        self, env: str | None, namespace: str | None, scope: Scope, *, after: tuple[str, str], limit: int
    ) -> list[Row]:
        """Return up to `limit` keys in scope after a name, in order of name, with their values in `env`."""
        names, prefixes = list(scope.names), list(scope.prefixes)
        return await self._database.rows(_LIST, env, namespace, *after, names, prefixes, limit)

    async def namespaces(self, env: str | None) -> list[Row]:
        """Return every namespace with the number of its keys, and of those with a value in `env`."""
        return await self._database.rows(_NAMESPACES, env)

    async def missing_namespaces(self, asked: list[str]) -> list[str]:
        """Return those of the namespaces that hold no key."""
        return [row["namespace"] for row in await self._database.rows(_MISSING_NAMESPACES, asked)]

    async def _learn(self, names: "list[tuple[str, str]]") -> None:
        namespaces, keys = [name[0] for name in names], [name[1] for name in names]
        rows = await self._database.rows(_FIND, namespaces, keys)
        if len(self._known) + len(rows) > self._REMEMBERED:
            self._known.clear()
        for row in rows:
            key = Key(row["key_id"], row["namespace"], row["key"], row["value_type"], row["secret"])
            self._known[key.namespace, key.key] = key

    async def _missing(self, namespace: str, key: str) -> RequestFailed:
        rows = await self._database.rows("SELECT FROM ConfigKey WHERE namespace = $1 LIMIT 1", namespace)
        if rows:
            return not_found(f"there is no key {key} in {namespace}: create it first, with its type")
        return not_found(f"there is no namespace {namespace}: it comes to be with its first key")
