"""Users and tokens as the database holds them."""

from collections.abc import Callable, Collection
from dataclasses import dataclass
from datetime import timedelta
from typing import Final
from uuid import UUID

import asyncpg

from setpoint_hub.access import Principal
from setpoint_hub.audit import BY_HUB, About, Actor, Event
from setpoint_hub.database import Connection, Database, Row
from setpoint_hub.errors import conflict, not_found
from setpoint_hub.roles import Role
from setpoint_hub.scopes import EVERYTHING, Scope
from setpoint_hub.store.audit import append

__all__ = ["Accounts", "NewToken"]

_VALID: Final = """
    SELECT t.token_hash, t.token_id, t.role, t.environments, t.namespaces, t.expires_at, a.user_id, a.name
    FROM Token t JOIN Account a ON a.user_id = t.user_id
    WHERE t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())
"""

# Taken first by whatever changes accounts: hubs see that they have to read them anew, and changes take turns.
_CHANGED: Final = "UPDATE Installation SET access_revision = access_revision + 1"

_ANY_ADMIN: Final = """
    SELECT FROM Token
    WHERE role = 'admin' AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()) LIMIT 1
"""

_ADD_ADMIN: Final = """
    INSERT INTO Token (user_id, token_hash, role, environments, namespaces) VALUES ($1, $2, 'admin', '{*}', '{*}')
    ON CONFLICT (token_hash) DO NOTHING
    RETURNING token_id
"""

_USERS: Final = "SELECT user_id, name, created_at FROM Account ORDER BY name"
_USER: Final = "SELECT user_id FROM Account WHERE name = $1"
_ADD_USER: Final = "INSERT INTO Account (name) VALUES ($1) RETURNING user_id, name, created_at"
# Whoever is there already is not locked: all that they do refers to them.
_ENSURE_USER: Final = "INSERT INTO Account (name) VALUES ($1) ON CONFLICT (name) DO NOTHING RETURNING user_id"

_COLUMNS: Final = """
    t.token_id, t.role, t.environments, t.namespaces, t.created_at, t.expires_at, t.last_used_at, t.revoked_at,
    a.user_id, a.name, by.user_id AS created_by, by.name AS created_by_name
"""

_TOKENS: Final = f"""
    SELECT {_COLUMNS}
    FROM Token t JOIN Account a ON a.user_id = t.user_id LEFT JOIN Account by ON by.user_id = t.created_by
    WHERE ($1::text IS NULL OR a.name = $1)
      AND ($2 OR (t.revoked_at IS NULL AND (t.expires_at IS NULL OR t.expires_at > clock_timestamp())))
    ORDER BY t.created_at DESC, t.token_id
"""  # noqa: S608  # built from a constant of this module

_TOKEN: Final = f"""
    SELECT {_COLUMNS}
    FROM Token t JOIN Account a ON a.user_id = t.user_id LEFT JOIN Account by ON by.user_id = t.created_by
    WHERE t.token_id = $1
"""  # noqa: S608  # built from a constant of this module

_ADD: Final = """
    INSERT INTO Token (user_id, token_hash, role, environments, namespaces, expires_at, created_by)
    VALUES ($1, $2, $3, $4, $5, clock_timestamp() + $6::interval, $7) RETURNING token_id
"""

_REVOKE: Final = "UPDATE Token SET revoked_at = clock_timestamp() WHERE token_id = $1 AND revoked_at IS NULL"

_UNKNOWN_ENVIRONMENTS: Final = "SELECT unnest($1::text[]) AS env EXCEPT SELECT env FROM Environment ORDER BY env"

_OTHER_FULL_ADMIN: Final = """
    SELECT FROM Token
    WHERE token_id <> $1 AND role = 'admin' AND '*' = ANY (environments) AND '*' = ANY (namespaces)
      AND revoked_at IS NULL AND (expires_at IS NULL OR expires_at > clock_timestamp()) LIMIT 1
"""

# Once for all hubs: the first to say it within the time is enough.
_USED: Final = """
    UPDATE Token SET last_used_at = clock_timestamp()
    WHERE token_id = ANY ($1::uuid[]) AND (last_used_at IS NULL OR last_used_at < clock_timestamp() - $2::interval)
"""


@dataclass(frozen=True, slots=True)
class NewToken:
    """A token to be stored: never itself, only its hash."""

    user: str
    token_hash: bytes
    role: Role
    environments: list[str]
    namespaces: list[str]
    expires_in: timedelta | None


class Accounts:
    """Users, tokens, and the first of each."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def valid_tokens(self) -> dict[bytes, Principal]:
        """Return who each token stands for that was not revoked and has not expired, by the token's hash."""
        return {
            bytes(row["token_hash"]): Principal(
                user_id=int(row["user_id"]),
                name=str(row["name"]),
                token_id=UUID(str(row["token_id"])),
                role=Role(row["role"]),
                environments=Scope.of(row["environments"]),
                namespaces=Scope.of(row["namespaces"]),
                expires_at=row["expires_at"],
            )
            for row in await self._database.rows(_VALID)
        }

    async def has_admin(self) -> bool:
        """Say whether any admin token is valid."""
        return await self._database.row(_ANY_ADMIN) is not None

    async def add_admin(self, token_hash: bytes) -> None:
        """Register an admin token that reaches everything; harmless when it is registered, or was revoked."""
        async with self._database.transaction() as connection:
            await connection.run(_CHANGED)
            user_id, _ = await _ensured(connection, "admin")
            added = await connection.row(_ADD_ADMIN, user_id, token_hash)
            if added is not None:
                row = await connection.row(_TOKEN, added["token_id"])
                assert row is not None
                await append(connection, Event("token.create", BY_HUB, about=_about_token(row)))

    async def users(self) -> list[Row]:
        """Return every user, by name."""
        return await self._database.rows(_USERS)

    async def create_user(self, name: str, *, actor: Actor) -> Row:
        """Create a user, on record, and return its row. Raises the answer `conflict` when the name is taken."""
        try:
            async with self._database.transaction() as connection:
                row = await connection.row(_ADD_USER, name)
                assert row is not None
                await append(connection, _user_event(row["user_id"], actor, name))
                return row
        except asyncpg.UniqueViolationError as error:
            raise conflict(f"there is a user {name} already: choose another name, or give that one a token") from error

    async def tokens(self, user: str | None, *, past: bool) -> list[Row]:
        """Return the tokens of a user or of all, newest first; with `past`, also those that are not valid any more."""
        return await self._database.rows(_TOKENS, user, past)

    async def create_token(self, new: NewToken, *, actor: Actor, create_user: bool) -> Row:
        """Store a token, on record, and return its row.

        Raises the answer `not_found` for its user or one of its environments.
        """
        events: list[Event] = []
        async with self._database.transaction() as connection:
            await connection.run(_CHANGED)
            await _check_environments(connection, new.environments)
            user_id = await _user_id(connection, new.user)
            if user_id is None and create_user:
                user_id, is_new = await _ensured(connection, new.user)
                if is_new:
                    events.append(_user_event(user_id, actor, new.user))
            if user_id is None:
                raise not_found(f"there is no user {new.user}: create it first with `setpoint user create`")
            values = (new.token_hash, new.role, new.environments, new.namespaces, new.expires_in)
            added = await connection.row(_ADD, user_id, *values, actor.user_id)
            assert added is not None
            row = await connection.row(_TOKEN, added["token_id"])
            assert row is not None
            await append(connection, *events, Event("token.create", actor, about=_about_token(row)))
            return row

    async def revoke(self, token_id: UUID, *, actor: Actor, reached: Callable[[Row], bool]) -> Row:
        """Revoke a token, on record, and return its row; harmless when it is revoked.

        Raises the answer `not_found` for one that there is not or that is not `reached`, and `conflict` for the last
        one that can administer everything.
        """
        async with self._database.transaction() as connection:
            await connection.run(_CHANGED)
            row = await connection.row(_TOKEN, token_id)
            if row is None or not reached(row):
                raise not_found(f"there is no token {token_id} within your reach: see `setpoint token list`")
            if _administers_everything(row) and await connection.row(_OTHER_FULL_ADMIN, token_id) is None:
                raise conflict("this is the last token that can administer everything: create another one first")
            await connection.run(_REVOKE, token_id)
            revoked = await connection.row(_TOKEN, token_id)
            assert revoked is not None
            if row["revoked_at"] is None:
                await append(connection, Event("token.revoke", actor, about=_about_token(revoked)))
            return revoked

    async def note_use(self, token_ids: Collection[UUID], *, every: timedelta) -> None:
        """Write that tokens were used just now, unless that was written within `every`."""
        await self._database.write(_USED, list(token_ids), every)


async def _user_id(connection: Connection, name: str) -> int | None:
    row = await connection.row(_USER, name)
    return None if row is None else int(row["user_id"])


async def _ensured(connection: Connection, name: str) -> tuple[int, bool]:
    """Return a user's id, and whether the user was created just now; another hub may have done it a moment ago."""
    row = await connection.row(_ENSURE_USER, name)
    if row is not None:
        return int(row["user_id"]), True
    user_id = await _user_id(connection, name)
    assert user_id is not None
    return user_id, False


def _user_event(user_id: int, actor: Actor, name: str) -> Event:
    return Event("user.create", actor, about={"id": user_id, "user": name})


def _about_token(row: Row) -> dict[str, About]:
    """Return what the audit says of a token: all that it may do, and nothing of itself."""
    return {
        "id": str(row["token_id"]),
        "user": str(row["name"]),
        "role": str(row["role"]),
        "environments": list(row["environments"]),
        "namespaces": list(row["namespaces"]),
        "expires_at": None if row["expires_at"] is None else row["expires_at"].isoformat(),
    }


def _administers_everything(row: Row) -> bool:
    everywhere = EVERYTHING in row["environments"] and EVERYTHING in row["namespaces"]
    return row["role"] == Role.ADMIN and everywhere and row["revoked_at"] is None


async def _check_environments(connection: Connection, patterns: list[str]) -> None:
    """Refuse names of environments that are none: their token would reach nothing, and nobody would know why."""
    names = [pattern for pattern in patterns if EVERYTHING not in pattern]
    row = await connection.row(_UNKNOWN_ENVIRONMENTS, names)
    if row is not None:
        raise not_found(f"there is no environment {row['env']}: see `setpoint env list`")
