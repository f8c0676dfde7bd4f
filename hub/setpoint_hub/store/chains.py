"""Reading the chains back, link by link in pages, with what the rows around them contradict."""

from collections.abc import AsyncGenerator, Iterable
from typing import Final
from uuid import UUID

from setpoint.protocol.chain import ChainedChange, ChainedChangeSet, ChainedEvent, Link, Origin
from setpoint.protocol.verification import Head
from setpoint_hub.database import Database, Row

__all__ = ["Chains"]

PAGE: Final = 500
"""Rows of one statement: of changes, or of events."""

_HEADS: Final = """
    SELECT env, revision, head_hash AS hash FROM Environment WHERE $1::text IS NULL OR env = $1 ORDER BY position
"""
_EVENT_HEAD: Final = "SELECT sequence, hash FROM AuditHead"

# Digests where they stand for the values, so that a page is small whatever the values are. A change set that has
# lost its changes is a row too. Served by the primary keys of both; the changes are told where the page begins, too:
# they would be read from the first one for every page.
_CHANGES: Final = """
    SELECT s.revision, s.hash_form, s.change_set_id, s.how, s.changed_by, s.token_id, s.note, s.created_at,
           s.from_address, s.from_tool, s.request_id, s.request_hash, s.previous_hash, s.hash,
           c.key_id, k.namespace, k.key, k.value_type, c.version_id, c.previous_version_id,
           CASE WHEN s.hash_form = 1 THEN v.value
                ELSE encode(sha256(convert_to(v.value, 'UTF8')), 'hex') END AS content,
           coalesce(v.created_at = s.created_at, false) AS is_new,
           v.changed_by <> s.changed_by OR v.change_note <> s.note AS by_another
    FROM ChangeSet s
    LEFT JOIN (Change c JOIN ConfigKey k ON k.key_id = c.key_id
               LEFT JOIN ConfigVersion v ON v.version_id = c.version_id)
           ON c.env = s.env AND c.revision = s.revision AND c.revision >= $2
    WHERE s.env = $1 AND s.revision >= $2 AND (s.revision > $2 OR c.key_id > $3)
    ORDER BY s.revision, c.key_id
    LIMIT $4
"""

_EVENTS: Final = """
    SELECT sequence, kind, created_at, user_id, token_id, from_address, from_tool, env, namespace, key, about,
           previous_hash, hash
    FROM AuditEvent WHERE sequence > $1 ORDER BY sequence LIMIT $2
"""

# What holds now, against what the log says: it is no part of the chain, but what everybody runs.
_CONTRADICTED: Final = """
    WITH logged AS (
        SELECT DISTINCT ON (key_id) key_id, revision, version_id FROM Change WHERE env = $1
        ORDER BY key_id, revision DESC
    ), held AS (
        SELECT key_id, version_id FROM ConfigVersion WHERE env = $1 AND is_active
    )
    SELECT coalesce(logged.revision, 0) AS revision, k.namespace, k.key
    FROM logged FULL JOIN held USING (key_id) LEFT JOIN ConfigKey k USING (key_id)
    WHERE logged.version_id IS DISTINCT FROM held.version_id
    ORDER BY 1 LIMIT 1
"""


class Chains:
    """The chain of each environment, and that of the events."""

    def __init__(self, database: Database) -> None:
        self._database = database

    async def heads(self, env: str | None = None) -> dict[str, Head]:
        """Return where the chain of an environment, or of each, is said to stand."""
        rows = await self._database.rows(_HEADS, env)
        return {row["env"]: Head(row["revision"], bytes(row["hash"])) for row in rows}

    async def event_head(self) -> Head:
        """Return where the chain of events is said to stand; at its beginning when even that is gone."""
        row = await self._database.row(_EVENT_HEAD)
        return Head(0, b"") if row is None else Head(row["sequence"], bytes(row["hash"]))

    async def change_sets(self, env: str, *, after: int) -> AsyncGenerator[Link]:
        """Yield the links of an environment that follow a revision; what is missing is left out."""
        # Above every key: the first page begins with the next revision.
        position = (after, UUID(int=2**128 - 1))
        pending: list[Row] = []
        while rows := await self._database.rows(_CHANGES, env, *position, PAGE):
            for row in rows:
                if pending and pending[0]["revision"] != row["revision"]:
                    yield _change_set_link(env, pending)
                    pending = []
                pending.append(row)
            position = (rows[-1]["revision"], rows[-1]["key_id"] or position[1])
        if pending:
            yield _change_set_link(env, pending)

    async def events(self, *, after: int) -> AsyncGenerator[Link]:
        """Yield the links of the events that follow one; what is missing is left out."""
        while rows := await self._database.rows(_EVENTS, after, PAGE):
            for row in rows:
                yield _event_link(row)
            after = rows[-1]["sequence"]

    async def contradicted(self, env: str) -> Row | None:
        """Return a key whose active version is not the one that the log made active, and by which revision."""
        async with self._database.snapshot() as connection:
            return await connection.row(_CONTRADICTED, env)


def _change_set_link(env: str, rows: list[Row]) -> Link:
    head = rows[0]
    form: int = head["hash_form"]
    origin = Origin(head["from_address"], head["from_tool"])
    record = ChainedChangeSet(
        form=form,
        id=head["change_set_id"],
        env=env,
        revision=head["revision"],
        how=head["how"],
        by_id=head["changed_by"],
        token_id=head["token_id"],
        note=head["note"],
        at=head["created_at"],
        origin=origin if form > 1 else Origin("", ""),
        request_id=head["request_id"],
        request_hash=bytes(head["request_hash"]) if form > 1 else b"",
        changes=tuple(_change(row, form) for row in rows if row["key_id"] is not None),
    )
    flaw = _flaw(rows) if form > 1 or origin == Origin("", "") else f"revision {record.revision} was given an origin"
    return Link(record, bytes(head["previous_hash"]), bytes(head["hash"]), flaw)


def _change(row: Row, form: int) -> ChainedChange:
    return ChainedChange(
        namespace=row["namespace"],
        key=row["key"],
        type=row["value_type"],
        previous_version=row["previous_version_id"],
        version=row["version_id"],
        content=row["content"],
        is_new=form > 1 and row["is_new"],
    )


def _flaw(rows: Iterable[Row]) -> str | None:
    """Say which version has another author or reason than the change set that it came with."""
    for row in rows:
        if row["is_new"] and row["by_another"]:
            name = f"{row['namespace']}/{row['key']}"
            return f"the version of {name} that came with revision {row['revision']} has another author or reason now"
    return None


def _event_link(row: Row) -> Link:
    record = ChainedEvent(
        sequence=row["sequence"],
        kind=row["kind"],
        at=row["created_at"],
        user_id=row["user_id"],
        token_id=row["token_id"],
        origin=Origin(row["from_address"], row["from_tool"]),
        env=row["env"],
        namespace=row["namespace"],
        key=row["key"],
        about=row["about"],
    )
    return Link(record, bytes(row["previous_hash"]), bytes(row["hash"]))
