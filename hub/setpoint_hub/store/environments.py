"""Environments: listing, creating and protecting them."""

from typing import Final

import asyncpg

from setpoint_hub.audit import Actor, Event
from setpoint_hub.database import Database, Row
from setpoint_hub.errors import conflict, not_found
from setpoint_hub.scopes import Scope
from setpoint_hub.store.audit import append

__all__ = ["Environments"]

_COLUMNS: Final = "env, revision, protected, required_approvals, position, created_at"

_LIST: Final = f"""
    SELECT {_COLUMNS},
           (SELECT count(*) FROM ConfigVersion v WHERE v.env = Environment.env AND v.is_active) AS keys
    FROM Environment ORDER BY position
"""  # noqa: S608  # built from a constant of this module

_LIST_WITHIN: Final = f"""
    SELECT {_COLUMNS},
           (SELECT count(*) FROM ConfigVersion v JOIN ConfigKey k USING (key_id)
            WHERE v.env = Environment.env AND v.is_active
              AND (k.namespace = ANY ($1::text[]) OR k.namespace ^@ ANY ($2::text[]))) AS keys
    FROM Environment ORDER BY position
"""  # noqa: S608  # built from a constant of this module

# Who creates one waits for who does so already. (A lock on the table would ask for rights that a hub has not.)
_TAKE_TURNS: Final = "SELECT pg_advisory_xact_lock(hashtext('setpoint environments'))"
_MAKE_ROOM: Final = "UPDATE Environment SET position = position + 1 WHERE position > $1"

_CREATE: Final = f"""
    INSERT INTO Environment (env, protected, required_approvals, position) VALUES ($1, $2, $3, $4)
    RETURNING {_COLUMNS}, 0 AS keys
"""  # noqa: S608  # built from a constant of this module

_PROTECT: Final = f"""
    UPDATE Environment SET protected = $2, required_approvals = coalesce($3, required_approvals) WHERE env = $1
    RETURNING {_COLUMNS},
              (SELECT count(*) FROM ConfigVersion v WHERE v.env = Environment.env AND v.is_active) AS keys
"""  # noqa: S608  # built from a constant of this module


class Environments:
    """The environments, in the order of promotion."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def all(self, namespaces: Scope) -> list[Row]:
        """Return every environment; `keys` counts the values in these namespaces."""
        if namespaces.everything:
            return await self._database.rows(_LIST)
        return await self._database.rows(_LIST_WITHIN, list(namespaces.names), list(namespaces.prefixes))

    async def create(
        self, env: str, *, protected: bool, required_approvals: int, after: str | None, actor: Actor
    ) -> Row:
        """Create an environment behind `after`, or behind all, on record, and return its row."""
        about = {"protected": protected, "required_approvals": required_approvals, "after": after}
        try:
            async with self._database.transaction() as connection:
                await connection.run(_TAKE_TURNS)
                rows = await connection.rows("SELECT env, position FROM Environment ORDER BY position")
                positions = {row["env"]: int(row["position"]) for row in rows}
                if after is not None and after not in positions:
                    raise not_found(f"there is no environment {after}")
                before = positions[after] if after is not None else max(positions.values(), default=0)
                await connection.run(_MAKE_ROOM, before)
                row = await connection.row(_CREATE, env, protected, required_approvals, before + 1)
                assert row is not None
                await append(connection, Event("environment.create", actor, env=env, about=about))
                return row
        except asyncpg.UniqueViolationError as error:
            raise conflict(f"the environment {env} exists already") from error

    async def protect(self, env: str, *, protected: bool, required_approvals: int | None, actor: Actor) -> Row:
        """Say whether an environment is protected, on record, and return its row."""
        async with self._database.transaction() as connection:
            row = await connection.row(_PROTECT, env, protected, required_approvals)
            if row is None:
                raise not_found(f"there is no environment {env}")
            about = {"protected": protected, "required_approvals": int(row["required_approvals"])}
            await append(connection, Event("environment.protect", actor, env=env, about=about))
            return row
