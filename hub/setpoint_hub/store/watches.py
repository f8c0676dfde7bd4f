"""ConfigWatch: what each instance runs, written in batches, read for receipts and the fleet."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import timedelta
from typing import Final
from uuid import UUID

from setpoint.protocol.strict_json import dumps
from setpoint_hub.database import Database, Row
from setpoint_hub.instance import Instance

__all__ = ["Watches"]

# One statement for the whole batch. namespaces travels as text ('{a,b}') because an array of arrays of different
# lengths is none. A row that another hub took over later is left alone: its instance is missing in what returns. So is
# one of another user's connected instance, unless its hub is gone with it: a client id is not there for the taking.
_WRITE: Final = """
    INSERT INTO ConfigWatch AS held (client_id, namespaces, last_seen, current_version, env, service, epoch, status,
                                     error, source, sdk, applied_ms, hub_id, connected_at, connected, labels, left_at,
                                     user_id)
    SELECT client_id, namespaces::text[], clock_timestamp() - silent, current_version, env, service, epoch, status,
           error, source, sdk, applied_ms, $1, connected_at, connected, labels::jsonb,
           CASE WHEN said_goodbye THEN clock_timestamp() END, user_id
    FROM unnest($2::text[], $3::text[], $4::interval[], $5::bigint[], $6::text[], $7::text[], $8::uuid[], $9::text[],
                $10::text[], $11::text[], $12::text[], $13::float8[], $14::timestamptz[], $15::boolean[],
                $16::boolean[], $17::text[], $18::bigint[])
        AS told (client_id, namespaces, silent, current_version, env, service, epoch, status,
                 error, source, sdk, applied_ms, connected_at, connected, said_goodbye, labels, user_id)
    ON CONFLICT (client_id) DO UPDATE SET
        namespaces = excluded.namespaces, last_seen = excluded.last_seen, current_version = excluded.current_version,
        env = excluded.env, service = excluded.service, epoch = excluded.epoch, status = excluded.status,
        error = excluded.error, source = excluded.source, sdk = excluded.sdk, applied_ms = excluded.applied_ms,
        hub_id = excluded.hub_id, connected_at = excluded.connected_at, connected = excluded.connected,
        labels = excluded.labels, left_at = excluded.left_at, user_id = excluded.user_id
    WHERE held.hub_id = excluded.hub_id
       OR (held.connected_at <= excluded.connected_at
           AND (held.user_id IS NULL OR held.user_id = excluded.user_id OR NOT held.connected
                OR held.last_seen < clock_timestamp() - $19::interval))
    RETURNING client_id
"""

_ELSEWHERE: Final = """
    SELECT client_id, namespaces, current_version, env, service, epoch, status, error, source, sdk, labels,
           applied_ms, hub_id, connected, left_at, user_id,
           extract(epoch FROM clock_timestamp() - last_seen)::float8 AS silent_seconds
    FROM ConfigWatch
    WHERE hub_id <> $1 AND ($2::text IS NULL OR env = $2) AND left_at IS NULL
      AND last_seen > clock_timestamp() - $3::interval
"""

_TAKEN_OVER: Final = """
    SELECT client_id
    FROM unnest($2::text[], $3::timestamptz[]) AS ours (client_id, since) JOIN ConfigWatch w USING (client_id)
    WHERE w.hub_id <> $1 AND w.connected AND w.connected_at > ours.since
"""

_FORGET: Final = "DELETE FROM ConfigWatch WHERE last_seen < clock_timestamp() - $1::interval"

FORGET_AFTER: Final = timedelta(days=1)
"""An instance that was silent for so long is of the past."""


HELD_FOR: Final = timedelta(minutes=2)
"""A connected instance that no hub heard of for so long is connected to none."""


class Watches:
    """The ConfigWatch rows of one hub, and those of the others."""

    def __init__(self, database: Database, hub_id: UUID) -> None:
        self._database = database
        self._hub_id = hub_id

    async def write(self, instances: Sequence[Instance], *, now: float) -> set[str]:
        """Write a batch in one statement; `now` is the clock that the instances were heard by.

        Returns the client ids that another hub has taken over since: those rows were left alone.
        """
        columns: list[list[object]] = [
            [instance.client_id for instance in instances],
            [_array(instance.namespaces) for instance in instances],
            [timedelta(seconds=max(0.0, now - instance.heard)) for instance in instances],
            [instance.revision for instance in instances],
            [instance.env for instance in instances],
            [_storable(instance.service) for instance in instances],
            [UUID(instance.epoch) for instance in instances],
            [instance.status for instance in instances],
            [None if instance.error is None else _storable(instance.error) for instance in instances],
            [instance.source for instance in instances],
            [_storable(instance.sdk) for instance in instances],
            [instance.applied_ms for instance in instances],
            [instance.since for instance in instances],
            [instance.connected for instance in instances],
            [instance.left for instance in instances],
            [_storable_labels(instance.labels) for instance in instances],
            [instance.user_id for instance in instances],
        ]
        rows = await self._database.write(_WRITE, self._hub_id, *columns, HELD_FOR)
        return {instance.client_id for instance in instances} - {str(row["client_id"]) for row in rows}

    async def elsewhere(self, env: str | None, *, within: timedelta) -> list[Row]:
        """Return the instances that other hubs heard of within a time."""
        return await self._database.rows(_ELSEWHERE, self._hub_id, env, within)

    async def taken_over(self, instances: Sequence[Instance]) -> set[str]:
        """Return the client ids of those that connected to another hub after they connected to this one."""
        since = [instance.since for instance in instances]
        client_ids = [instance.client_id for instance in instances]
        rows = await self._database.rows(_TAKEN_OVER, self._hub_id, client_ids, since)
        return {str(row["client_id"]) for row in rows}

    async def forget(self) -> None:
        """Remove the rows of instances that are long gone."""
        await self._database.write(_FORGET, FORGET_AFTER)


def _storable(text: str) -> str:
    """Return a text of an instance's own as PostgreSQL takes it: one bad word must not hold up a batch."""
    return text.replace("\x00", "\ufffd")


def _storable_labels(labels: Mapping[str, str]) -> str:
    return dumps({_storable(name): _storable(text) for name, text in labels.items()})


def _array(names: Iterable[str]) -> str:
    """Return PostgreSQL's text of an array of names; quoted, because a name may be NULL."""
    return "{" + ",".join(f'"{name}"' for name in sorted(names)) + "}"
