"""Putting events on record, each linked to the one before."""

from typing import Final

from setpoint.protocol.chain import link
from setpoint_hub.audit import Event, chained_event
from setpoint_hub.database import Connection, Database

__all__ = ["Audit", "append"]

# Held until the commit: the order of events is the order of commits, and none is left out.
_TAKE_SEQUENCE: Final = """
    UPDATE AuditHead SET sequence = sequence + 1 RETURNING sequence, hash, clock_timestamp() AS now
"""

_ADD: Final = """
    WITH head AS (
        UPDATE AuditHead SET hash = $13
    )
    INSERT INTO AuditEvent (sequence, kind, created_at, user_id, token_id, from_address, from_tool, env, namespace, key,
                            about, previous_hash, hash)
    VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13)
"""


class Audit:
    """Records what has no transaction of its own to be recorded in."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def record(self, *events: Event) -> None:
        """Put events on record, all or none; they stand when this returns. Raises DatabaseUnavailable."""
        async with self._database.transaction() as connection:
            await append(connection, *events)


async def append(connection: Connection, *events: Event) -> None:
    """Put events on record in the transaction of what they record, so that both stand or neither.

    It comes last there: every recorder waits for the head of the chain, which must not wait for anything else.
    """
    for event in events:
        taken = await connection.row(_TAKE_SEQUENCE)
        assert taken is not None
        record = chained_event(event, taken["sequence"], taken["now"])
        previous: bytes = taken["hash"]
        await connection.run(
            _ADD,
            record.sequence,
            record.kind,
            record.at,
            record.user_id,
            record.token_id,
            record.origin.address,
            record.origin.tool,
            record.env,
            record.namespace,
            record.key,
            record.about,
            previous,
            link(previous, record),
        )
