"""The keyring and the wrapped keys of secrets: checked at the start, wrapped anew by a rotation."""

from collections.abc import Sequence
from typing import Final

from setpoint_hub.database import Connection, Database, Row
from setpoint_hub.errors import StartRefused
from setpoint_hub.sealing import Place, Wrapped
from setpoint_hub.vault import Keyring, Vault

__all__ = ["Keyrings", "current_master_key", "wrapped_in"]

_MAKE: Final = "INSERT INTO SecretKeyring (master_key, fingerprint_key) VALUES ($1, $2) ON CONFLICT DO NOTHING"
_READ: Final = "SELECT master_key, fingerprint_key FROM SecretKeyring"
_LOCK: Final = "SELECT master_key, fingerprint_key FROM SecretKeyring FOR UPDATE"
_MOVE: Final = "UPDATE SecretKeyring SET master_key = $1, fingerprint_key = $2"
# Held to the commit: a rotation that begins meanwhile finds what was wrapped under the key of before.
_CURRENT: Final = "SELECT master_key FROM SecretKeyring FOR SHARE"

# One look-up in the index per master key in use, however many secrets there are.
_IN_USE: Final = """
    WITH RECURSIVE used AS (
        SELECT min(master_key) AS id FROM ConfigVersion WHERE master_key IS NOT NULL
        UNION ALL
        SELECT (SELECT min(master_key) FROM ConfigVersion WHERE master_key > used.id)
        FROM used WHERE used.id IS NOT NULL
    )
    SELECT id FROM used WHERE id IS NOT NULL
"""

_OLD: Final = """
    SELECT env, key_id, version_id, wrapped_key, master_key FROM ConfigVersion
    WHERE master_key IS NOT NULL AND master_key <> $1
    LIMIT $2 FOR UPDATE SKIP LOCKED
"""
# One that a writer holds is waited for alone: who holds nothing else cannot be waited for in a circle.
_OLD_AND_HELD: Final = """
    SELECT env, key_id, version_id, wrapped_key, master_key FROM ConfigVersion
    WHERE master_key IS NOT NULL AND master_key <> $1
    LIMIT 1 FOR UPDATE
"""
_REWRAP: Final = """
    UPDATE ConfigVersion SET wrapped_key = renewed.wrapped_key, master_key = $3
    FROM unnest($1::uuid[], $2::bytea[]) AS renewed (version_id, wrapped_key)
    WHERE ConfigVersion.version_id = renewed.version_id
"""

# What waits in a review was sealed for the version that it will be.
_IN_USE_WAITING: Final = """
    WITH RECURSIVE used AS (
        SELECT min(master_key) AS id FROM ReviewEdit WHERE master_key IS NOT NULL
        UNION ALL
        SELECT (SELECT min(master_key) FROM ReviewEdit WHERE master_key > used.id)
        FROM used WHERE used.id IS NOT NULL
    )
    SELECT id FROM used WHERE id IS NOT NULL
"""
_OLD_WAITING: Final = """
    SELECT r.env, x.key_id, x.version_id, x.wrapped_key, x.master_key
    FROM ReviewEdit x JOIN Review r ON r.review_id = x.review_id
    WHERE x.master_key IS NOT NULL AND x.master_key <> $1
    LIMIT $2 FOR UPDATE OF x SKIP LOCKED
"""
_OLD_WAITING_AND_HELD: Final = """
    SELECT r.env, x.key_id, x.version_id, x.wrapped_key, x.master_key
    FROM ReviewEdit x JOIN Review r ON r.review_id = x.review_id
    WHERE x.master_key IS NOT NULL AND x.master_key <> $1
    LIMIT 1 FOR UPDATE OF x
"""
# Another review may make the same version active again: its edit is not new, and has no key of its own.
_REWRAP_WAITING: Final = """
    UPDATE ReviewEdit SET wrapped_key = renewed.wrapped_key, master_key = $3
    FROM unnest($1::uuid[], $2::bytea[]) AS renewed (version_id, wrapped_key)
    WHERE ReviewEdit.version_id = renewed.version_id AND ReviewEdit.is_new
"""

BATCH: Final = 200
"""Data keys that one transaction of a rotation wraps anew."""


class Keyrings:
    """Reads and moves the keyring."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def unlock(self, vault: Vault) -> None:
        """Make the vault ready, or raise StartRefused when the database holds what its master keys do not open."""
        used = {
            str(row["id"]) for statement in (_IN_USE, _IN_USE_WAITING) for row in await self._database.rows(statement)
        }
        if not vault.ids and not used:
            return
        if vault.ids:
            new = vault.new_keyring()
            await self._database.write(_MAKE, new.master_key, new.fingerprint_key)
        row = await self._database.row(_READ)
        keyring = None if row is None else Keyring(row["master_key"], bytes(row["fingerprint_key"]))
        if keyring is not None:
            used.add(keyring.master_key)
        missing = used - vault.ids
        if missing:
            raise _wrong_master_key(missing, vault)
        assert keyring is not None
        vault.unlock(keyring)

    async def rotate(self, vault: Vault) -> int:
        """Move everything to the newest master key, in batches; return how many data keys were wrapped anew.

        What is written meanwhile is wrapped under the newest key too. Cut short, it goes on where it was.
        """
        newest = vault.newest.id
        await self.unlock(vault)
        async with self._database.transaction() as connection:
            row = await connection.row(_LOCK)
            assert row is not None
            keyring = Keyring(row["master_key"], bytes(row["fingerprint_key"]))
            if keyring.master_key != newest:
                moved = vault.rotated(keyring)
                await connection.run(_MOVE, moved.master_key, moved.fingerprint_key)
        done = 0
        while batch := await self._rewrap_batch(vault, newest):
            done += batch
        while batch := await self._rewrap_waiting(vault, newest):
            done += batch
        return done

    async def _rewrap_batch(self, vault: Vault, newest: str) -> int:
        async with self._database.transaction() as connection:
            rows = await connection.rows(_OLD, newest, BATCH) or await connection.rows(_OLD_AND_HELD, newest)
            await _rewrap(connection, _REWRAP, vault, rows)
        return len(rows)

    async def _rewrap_waiting(self, vault: Vault, newest: str) -> int:
        async with self._database.transaction() as connection:
            rows = await connection.rows(_OLD_WAITING, newest, BATCH)
            rows = rows or await connection.rows(_OLD_WAITING_AND_HELD, newest)
            await _rewrap(connection, _REWRAP_WAITING, vault, rows)
        return len(rows)


async def _rewrap(connection: Connection, statement: str, vault: Vault, rows: Sequence[Row]) -> None:
    renewed = [
        vault.rewrap(
            Wrapped(row["master_key"], bytes(row["wrapped_key"])),
            Place(row["env"], row["key_id"], row["version_id"]),
        ).key
        for row in rows
    ]
    if rows:
        await connection.run(statement, [row["version_id"] for row in rows], renewed, vault.newest.id)


async def current_master_key(connection: Connection) -> str | None:
    """Return the master key that new secrets are wrapped under, for the rest of this transaction."""
    row = await connection.row(_CURRENT)
    return None if row is None else str(row["master_key"])


def wrapped_in(row: Row) -> Wrapped | None:
    """Return the wrapped key of a row that has `wrapped_key` and `master_key`; None when the version is no secret."""
    return None if row["wrapped_key"] is None else Wrapped(row["master_key"], bytes(row["wrapped_key"]))


def _wrong_master_key(missing: set[str], vault: Vault) -> StartRefused:
    have = f"it has {', '.join(sorted(vault.ids))}" if vault.ids else "it has none"
    return StartRefused(
        f"the database holds secrets under the master key {', '.join(sorted(missing))}, which this hub was not given "
        f"({have}): add that key to SETPOINT_MASTER_KEY_FILE, below the newest one"
    )
