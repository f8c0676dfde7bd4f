"""Values of secret keys out of the database, in the clear."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Final
from uuid import UUID

from setpoint.protocol.values import Json, decode_value
from setpoint_hub.database import Connection, Database, Row
from setpoint_hub.errors import SecretUnreadable
from setpoint_hub.sealing import Place
from setpoint_hub.store.keyrings import wrapped_in
from setpoint_hub.store.keys import Key
from setpoint_hub.vault import Vault

__all__ = ["Revealed", "SecretValues", "open_versions"]

_ACTIVE: Final = """
    SELECT version_id, value, wrapped_key, master_key FROM ConfigVersion WHERE env = $1 AND key_id = $2 AND is_active
"""
_VERSIONS: Final = """
    SELECT key_id, version_id, value, wrapped_key, master_key FROM ConfigVersion
    WHERE env = $1 AND version_id = ANY ($2::uuid[])
"""


@dataclass(frozen=True, slots=True)
class Revealed:
    """A secret's active value."""

    version: UUID
    value: Json = field(repr=False)


class SecretValues:
    """Opens what holds now."""

    def __init__(self, database: Database, vault: Vault) -> None:
        self._database = database
        self._vault = vault

    async def active(self, env: str, key: Key) -> Revealed | None:
        """Return the active value of a secret key; None when it has none. Raises SecretUnreadable."""
        row = await self._database.row(_ACTIVE, env, key.id)
        if row is None:
            return None
        clear = self._vault.open(row["value"], Place(env, key.id, row["version_id"]), wrapped_in(row))
        return Revealed(row["version_id"], decode_value(clear))


async def open_versions(
    connection: Connection, vault: Vault, env: str, versions: Sequence[UUID]
) -> dict[UUID, str | SecretUnreadable]:
    """Return the canonical texts of secret versions of one environment, by their ids, or why one does not open."""
    rows = await connection.rows(_VERSIONS, env, versions) if versions else []
    return {row["version_id"]: _opened(vault, env, row) for row in rows}


def _opened(vault: Vault, env: str, row: Row) -> str | SecretUnreadable:
    try:
        return vault.open(row["value"], Place(env, row["key_id"], row["version_id"]), wrapped_in(row))
    except SecretUnreadable as error:
        return error
