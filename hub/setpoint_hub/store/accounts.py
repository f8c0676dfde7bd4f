"""Accounts and tokens as the database holds them."""

from typing import Final
from uuid import UUID

from setpoint_hub.access import Principal
from setpoint_hub.database import Database

__all__ = ["Accounts"]

_TOKENS: Final = """
    SELECT t.token_hash, t.token_id, t.role, t.environments, t.namespaces, t.expires_at, a.user_id, a.name
    FROM Token t JOIN Account a ON a.user_id = t.user_id
    WHERE t.revoked_at IS NULL
"""

_ANY_ADMIN: Final = "SELECT FROM Token WHERE role = 'admin' AND revoked_at IS NULL LIMIT 1"

_ADD_ADMIN: Final = """
    WITH account AS (
        INSERT INTO Account (name) VALUES ('admin') ON CONFLICT (name) DO UPDATE SET name = 'admin' RETURNING user_id
    ), changed AS (
        UPDATE Installation SET access_revision = access_revision + 1
    )
    INSERT INTO Token (user_id, token_hash, role) SELECT user_id, $1, 'admin' FROM account
    ON CONFLICT (token_hash) DO NOTHING
"""


class Accounts:
    """Reads every valid token, and adds the first one."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def tokens(self) -> dict[bytes, Principal]:
        """Return who each token stands for, by the token's hash."""
        return {
            bytes(row["token_hash"]): Principal(
                user_id=int(row["user_id"]),
                name=str(row["name"]),
                token_id=UUID(str(row["token_id"])),
                role=str(row["role"]),
                environments=tuple(row["environments"]),
                namespaces=tuple(row["namespaces"]),
                expires_at=row["expires_at"],
            )
            for row in await self._database.rows(_TOKENS)
        }

    async def has_admin(self) -> bool:
        """Say whether any admin token is valid."""
        return await self._database.row(_ANY_ADMIN) is not None

    async def add_admin(self, token_hash: bytes) -> None:
        """Register an admin token; harmless when it is registered."""
        await self._database.write(_ADD_ADMIN, token_hash)
