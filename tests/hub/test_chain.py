"""The chain of hashes: any edit of history shows."""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import asyncpg
import pytest

from setpoint_hub.chain import Header, link, request_fingerprint
from setpoint_hub.replica import KeyChange
from support.change_sets import version
from support.wire import Wire

HEADER = Header(
    id=version(1),
    env="staging",
    revision=7,
    how="set",
    by_id=1,
    token_id=version(2),
    note="why",
    at=datetime(2030, 1, 1, 12, tzinfo=UTC),
    request_id=version(3),
)
CHANGE = KeyChange("payments", "a", "int", version(4), "5", version(5), "3")
OTHER = KeyChange("payments", "b", "int", version(6), "1")
PREVIOUS = b"\x01" * 32
HASH = link(PREVIOUS, HEADER, [CHANGE, OTHER])

header_edits: list[dict[str, Any]] = [
    {"id": version(9)},
    {"env": "production"},
    {"revision": 8},
    {"how": "rollback"},
    {"by_id": 2},
    {"token_id": version(9)},
    {"note": "why not"},
    {"at": HEADER.at + timedelta(microseconds=1)},
    {"request_id": version(9)},
]
change_edits: list[dict[str, Any]] = [
    {"namespace": "search"},
    {"key": "c"},
    {"type": "float"},
    {"version": version(9)},
    {"text": "6"},
    {"previous_version": version(9)},
    {"version": None, "text": None},
]

_CHANGE_SETS = "SELECT * FROM ChangeSet WHERE env = 'staging' ORDER BY revision"
_CHANGES = """
    SELECT k.namespace, k.key, k.value_type, c.version_id, v.value, c.previous_version_id
    FROM Change c JOIN ConfigKey k USING (key_id) LEFT JOIN ConfigVersion v ON v.version_id = c.version_id
    WHERE c.env = 'staging' AND c.revision = $1
"""


def name_of(edit: dict[str, Any]) -> str:
    return "+".join(edit)


@pytest.mark.parametrize("edit", header_edits, ids=name_of)
def test_an_edit_of_the_header_changes_the_hash(edit: dict[str, Any]) -> None:
    assert link(PREVIOUS, replace(HEADER, **edit), [CHANGE, OTHER]) != HASH


@pytest.mark.parametrize("edit", change_edits, ids=name_of)
def test_an_edit_of_a_change_changes_the_hash(edit: dict[str, Any]) -> None:
    assert link(PREVIOUS, HEADER, [replace(CHANGE, **edit), OTHER]) != HASH


@pytest.mark.parametrize(
    "other",
    [
        lambda: link(b"\x02" * 32, HEADER, [CHANGE, OTHER]),
        lambda: link(PREVIOUS, HEADER, [CHANGE]),
        lambda: link(PREVIOUS, HEADER, [CHANGE, OTHER, replace(OTHER, key="c")]),
    ],
    ids=["the hash before", "a change removed", "a change added"],
)
def test_what_stands_around_changes_the_hash(other: Callable[[], bytes]) -> None:
    assert other() != HASH


def test_the_order_of_changes_and_the_time_zone_do_not_matter() -> None:
    elsewhere = replace(HEADER, at=HEADER.at.astimezone(timezone(timedelta(hours=5))))
    assert link(PREVIOUS, elsewhere, [OTHER, CHANGE]) == HASH


def test_fields_that_run_together_are_told_apart() -> None:
    assert request_fingerprint("set", "ab", "c") != request_fingerprint("set", "a", "bc")


async def test_the_stored_chain_can_be_recomputed_from_the_rows(
    wire: Wire, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await wire.create_key("text", "string")
    first = await wire.set(3, note="first")
    await wire.set("grüße", "text")
    await wire.set_all(
        [
            {"namespace": "payments", "key": "text", "value": "b"},
            {"namespace": "payments", "key": "max_retries", "value": 9},
        ]
    )
    await wire.delete("text")
    active = first["changes"][0]["version"]
    await wire.ask("rollback", env="staging", namespace="payments", key="max_retries", version=active, note="back")

    previous = b""
    for row in await database.fetch(_CHANGE_SETS):
        changes = [KeyChange(*change) for change in await database.fetch(_CHANGES, row["revision"])]
        assert row["previous_hash"] == previous
        assert row["hash"] == link(previous, header_of(row), changes)
        previous = row["hash"]
    assert await database.fetchval("SELECT head_hash FROM Environment WHERE env = 'staging'") == previous
    assert row["revision"] == 5


def header_of(row: asyncpg.Record) -> Header:
    return Header(
        id=row["change_set_id"],
        env=row["env"],
        revision=row["revision"],
        how=row["how"],
        by_id=row["changed_by"],
        token_id=row["token_id"],
        note=row["note"],
        at=row["created_at"],
        request_id=row["request_id"],
    )
