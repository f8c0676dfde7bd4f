"""The two users of a database: the owner, who applies the schema, and the hub's, who can alter no history."""

from dataclasses import dataclass, field
from typing import Final
from urllib.parse import parse_qs, unquote, urlsplit

import asyncpg

from setpoint_hub.database import Database
from setpoint_hub.errors import StartRefused
from setpoint_hub.schema import owner_connection

__all__ = ["HUB_ROLE", "DatabaseUser", "let_in", "may_alter_history", "user_of"]

HUB_ROLE: Final = "setpoint_hub"
"""What schema.sql calls the role that has a hub's rights."""

_ALTERS: Final = """
    SELECT bool_or(has_table_privilege(oid, 'UPDATE, DELETE, TRUNCATE') OR pg_has_role(relowner, 'MEMBER')) AS alters
    FROM pg_class WHERE oid IN ('ChangeSet'::regclass, 'Change'::regclass, 'ConfigVersion'::regclass,
                                'AuditEvent'::regclass)
"""

_MEMBER: Final = "SELECT pg_has_role(rolname, $2, 'MEMBER') AS member FROM pg_roles WHERE rolname = $1"
# These take no parameters: PostgreSQL quotes what goes into them itself.
_MAKE: Final = "SELECT format('CREATE ROLE %I LOGIN PASSWORD %L', $1::text, $2::text) AS statement"
_GRANT: Final = "SELECT format('GRANT %I TO %I', $2::text, $1::text) AS statement"


@dataclass(frozen=True, slots=True)
class DatabaseUser:
    """A user of a database URL."""

    name: str
    password: str | None = field(default=None, repr=False)


def user_of(database_url: str) -> DatabaseUser | None:
    """Return the user that a URL names, or None when it leaves that to the environment. Raises StartRefused."""
    try:
        parts = urlsplit(database_url)
        asked = parse_qs(parts.query)
    except ValueError as error:
        raise StartRefused(f"SETPOINT_DATABASE_URL is not usable: {error}") from error
    name = unquote(parts.username or "") or next(iter(asked.get("user", ())), "")
    password = unquote(parts.password or "") or next(iter(asked.get("password", ())), "")
    return DatabaseUser(name, password or None) if name else None


async def let_in(owner_url: str, user: DatabaseUser) -> bool:
    """Give a user a hub's rights; make it, with its password, when there is none. Say whether it was made.

    A user that is there keeps its password. Raises DatabaseUnavailable, or StartRefused with PostgreSQL's own word.
    """
    async with owner_connection(owner_url) as connection:
        try:
            async with connection.transaction():
                found = await connection.fetchrow(_MEMBER, user.name, HUB_ROLE)
                if found is None:
                    await connection.execute(await connection.fetchval(_MAKE, user.name, user.password))
                if found is None or not found["member"]:
                    await connection.execute(await connection.fetchval(_GRANT, user.name, HUB_ROLE))
        except asyncpg.PostgresError as error:
            raise StartRefused(
                f"the hub's database user {user.name} cannot be given its rights ({error}): "
                f"have a superuser make it, and run GRANT {HUB_ROLE} TO {user.name}"
            ) from error
    return found is None


async def may_alter_history(database: Database) -> bool:
    """Say whether the hub's own database user could rewrite what is on record, because it owns the tables."""
    row = await database.row(_ALTERS)
    return row is not None and bool(row["alters"])
