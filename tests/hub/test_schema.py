"""schema.sql: applied again it changes nothing, and it refuses what must never be, whoever writes."""

import re
from collections.abc import AsyncGenerator
from datetime import UTC, datetime
from pathlib import Path
from typing import TypeAlias
from uuid import uuid4

import asyncpg
import pytest

from setpoint.protocol.audit_lines import read_line
from setpoint.protocol.chain import ChainedChange, ChainedChangeSet, Link, Origin, link
from setpoint.protocol.strict_json import dumps
from setpoint_hub.errors import DatabaseUnavailable, SchemaMismatch, StartRefused
from setpoint_hub.schema import SCHEMA_VERSION, apply_schema, schema_text
from support.chains import verified
from support.hubs import Hubs, RunningHub, issue_token, running_hub
from support.wire import Wire

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

_ADD_VERSION = """
    INSERT INTO ConfigVersion (key_id, value, env, is_active, changed_by)
    VALUES ((SELECT key_id FROM ConfigKey WHERE key = $1), $2, $3, $4, (SELECT max(user_id) FROM Account))
"""
_LAYOUT = "SELECT table_name, column_name, data_type FROM information_schema.columns WHERE table_schema = 'public'"
_TRIGGERS = "SELECT tgrelid::regclass::text, tgname FROM pg_trigger WHERE NOT tgisinternal"


@pytest.fixture
async def written(shared_hub: RunningHub) -> AsyncGenerator[Database]:
    """A connection, past the hub, to the module's database, in which something has been written."""
    async with shared_hub.connect() as wire:
        await wire.set(3)
    connection = await asyncpg.connect(shared_hub.owner_url, timeout=10, command_timeout=10)
    yield connection
    await connection.close(timeout=5)


async def test_applying_it_twice_changes_nothing(wire: Wire, database: Database, database_url: str) -> None:
    await wire.set(3)
    before = [await database.fetch(query) for query in (_LAYOUT, _TRIGGERS, "TABLE Installation", "TABLE Environment")]
    await apply_schema(database_url)
    after = [await database.fetch(query) for query in (_LAYOUT, _TRIGGERS, "TABLE Installation", "TABLE Environment")]
    assert [sorted(map(str, rows)) for rows in after] == [sorted(map(str, rows)) for rows in before]


async def test_a_database_of_version_1_with_data_gets_what_came_later_and_verifies(
    hubs: Hubs, bare_database_url: str, database_url: str
) -> None:
    old = await asyncpg.connect(bare_database_url, timeout=10, command_timeout=10)
    fresh = await asyncpg.connect(database_url, timeout=10, command_timeout=10)
    try:
        await old.execute((Path(__file__).parent / "schema_1.sql").read_text())
        hubs.database_url, hubs.token = bare_database_url, (await issue_token(bare_database_url))[0]
        await _write_as_version_1(old)
        await apply_schema(bare_database_url)
        for query in (_LAYOUT, _TRIGGERS):
            assert sorted(map(str, await old.fetch(query))) == sorted(map(str, await fresh.fetch(query)))
        async with (await hubs.start()).connect() as wire:
            assert (await wire.ask("audit.verify", env="staging"))["revisions"] == 1
            assert (await wire.set(4))["revision"] == 2
            verdict = await wire.ask("audit.verify", env="staging")
            assert (verdict["ok"], verdict["revisions"]) == (True, 2)
            forms = await old.fetch("SELECT hash_form, from_address FROM ChangeSet ORDER BY revision")
            assert [tuple(row) for row in forms] == [(1, ""), (2, "127.0.0.1")]
            lines = [read_line(dumps(line)) for line in (await wire.ask("audit.export", env="staging"))["lines"]]
            assert verified([line for line in lines if isinstance(line, Link)]) is None
            # An old row cannot be given an origin that its hash does not cover.
            await old.execute("SET session_replication_role = replica")
            await old.execute("UPDATE ChangeSet SET from_address = '192.0.2.1' WHERE revision = 1")
            assert (await wire.ask("audit.verify", env="staging"))["broken"]["revision"] == 1
    finally:
        await hubs.stop()
        await old.close(timeout=5)
        await fresh.close(timeout=5)


async def _write_as_version_1(old: Database) -> None:
    """Write `payments/max_retries` = 3 in staging as a hub of version 1 did."""
    key_id, version, token = uuid4(), uuid4(), await old.fetchrow("SELECT user_id, token_id FROM Token")
    assert token is not None
    record = ChainedChangeSet(
        form=1,
        id=uuid4(),
        env="staging",
        revision=1,
        how="set",
        by_id=token["user_id"],
        token_id=token["token_id"],
        note="long ago",
        at=datetime(2030, 1, 1, tzinfo=UTC),
        origin=Origin("", ""),
        request_id=uuid4(),
        request_hash=b"",
        changes=(ChainedChange("payments", "max_retries", "int", None, version, "3", is_new=False),),
    )
    chained = link(b"", record)
    by, at = record.by_id, record.at
    await old.execute("INSERT INTO ConfigKey VALUES ($1, 'payments', 'max_retries', 'int')", key_id)
    await old.execute(
        "INSERT INTO ConfigVersion VALUES ($1, $2, '3', 'staging', true, $3, 'long ago', $4)", version, key_id, by, at
    )
    await old.execute(
        "INSERT INTO ChangeSet VALUES ($1, 'staging', 1, 'set', $2, $3, 'long ago', $4, $5, sha256('x'), '', $6)",
        *(record.id, by, record.token_id, at, record.request_id, chained),
    )
    await old.execute("INSERT INTO Change VALUES ('staging', 1, $1, $2, NULL)", key_id, version)
    await old.execute("UPDATE Environment SET revision = 1, head_hash = $1 WHERE env = 'staging'", chained)


async def test_environments_that_were_removed_on_purpose_do_not_come_back(
    database: Database, database_url: str
) -> None:
    await database.execute("DELETE FROM Environment WHERE env = 'development'")
    await apply_schema(database_url)
    assert await database.fetchval("SELECT count(*) FROM Environment") == 2


async def test_a_database_of_a_newer_setpoint_is_refused(database: Database, database_url: str) -> None:
    await database.execute("UPDATE Installation SET schema_version = $1", SCHEMA_VERSION + 1)
    with pytest.raises(StartRefused, match="newer"):
        await apply_schema(database_url)
    assert await database.fetchval("SELECT schema_version FROM Installation") == SCHEMA_VERSION + 1


def test_the_file_and_the_hub_name_the_same_version() -> None:
    text = schema_text()
    named = re.findall(r"schema_version > (\d+)|\(version (\d+)\)|VALUES \((\d+)\)|schema_version [<=]+ (\d+)", text)
    assert {int(number) for groups in named for number in groups if number} == {SCHEMA_VERSION}
    assert len(named) >= 5


def test_a_checkout_applies_the_file_at_the_root() -> None:
    assert schema_text() == (Path(__file__).parents[2] / "schema.sql").read_text()


async def test_the_hub_refuses_a_database_without_the_schema(bare_database_url: str, redis_url: str) -> None:
    with pytest.raises(SchemaMismatch, match="setpoint schema apply"):
        async with running_hub(bare_database_url, redis_url, "sp_none"):
            pass


@pytest.mark.parametrize(
    ("version", "advice"), [(SCHEMA_VERSION - 1, "setpoint schema apply"), (SCHEMA_VERSION + 1, "newer Setpoint")]
)
async def test_the_hub_refuses_another_version_and_says_what_to_do(
    database: Database, database_url: str, redis_url: str, version: int, advice: str
) -> None:
    await database.execute("UPDATE Installation SET schema_version = $1", version)
    with pytest.raises(SchemaMismatch, match=advice):
        async with running_hub(database_url, redis_url, "sp_none"):
            pass


async def test_applying_it_where_no_database_answers_says_so(tmp_path: Path) -> None:
    with pytest.raises(DatabaseUnavailable):
        await apply_schema(f"postgresql://postgres@/setpoint?host={tmp_path}")


async def test_two_active_versions_of_one_key_cannot_be(wire: Wire, database: Database) -> None:
    await wire.set(3)
    with pytest.raises(asyncpg.UniqueViolationError, match="one_active_version"):
        await database.execute(_ADD_VERSION, "max_retries", "4", "staging", True)
    await database.execute(_ADD_VERSION, "max_retries", "4", "staging", False)
    await database.execute(_ADD_VERSION, "max_retries", "4", "production", True)


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ConfigVersion SET value = '4'",
        "UPDATE ConfigVersion SET change_note = 'another'",
        "UPDATE ConfigVersion SET created_at = now()",
        "UPDATE ConfigVersion SET changed_by = changed_by",
        "DELETE FROM ConfigVersion",
        "TRUNCATE ConfigVersion CASCADE",
        "UPDATE ChangeSet SET note = 'another'",
        "UPDATE ChangeSet SET hash = previous_hash",
        "DELETE FROM ChangeSet",
        "TRUNCATE ChangeSet CASCADE",
        "UPDATE Change SET version_id = NULL",
        "DELETE FROM Change",
        "TRUNCATE Change",
    ],
)
async def test_what_happened_cannot_be_altered_or_removed(written: Database, statement: str) -> None:
    with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
        await written.execute(statement)


async def test_which_version_is_active_may_change(wire: Wire, database: Database) -> None:
    await wire.set(3)
    await database.execute("UPDATE ConfigVersion SET is_active = false")


@pytest.mark.parametrize(
    ("value_type", "values"),
    [
        ("string", ['""', '"5"']),
        ("int", ["0", "-9223372036854775808", "9223372036854775807"]),
        ("float", ["5", "-0.0", "1.7976931348623157e+308", "5e-324"]),
        ("bool", ["true", "false"]),
        ("json", ["null", '{"rps":[1,2.5,"x",null]}', '"' + "x" * 65534 + '"']),
    ],
)
async def test_values_of_the_type_are_taken(wire: Wire, database: Database, value_type: str, values: list[str]) -> None:
    await wire.create_key("some", value_type)
    for value in values:
        await database.execute(_ADD_VERSION, "some", value, "staging", False)


@pytest.mark.parametrize(
    ("value_type", "values"),
    [
        ("string", ["5", "null", "text", '"\\u0000"', '"\\ud800"']),
        ("int", ["5.0", "1e3", '"5"', "05", "-0", "true", "", "9223372036854775808", "-9223372036854775809"]),
        ("float", ['"0.5"', "NaN", "Infinity", "1e400", "null"]),
        ("bool", ["1", "null", '"true"', "TRUE"]),
        ("json", ["{", "NaN", "", '"' + "x" * 65535 + '"']),
    ],
)
async def test_values_of_another_type_are_refused(
    wire: Wire, database: Database, value_type: str, values: list[str]
) -> None:
    await wire.create_key("some", value_type)
    for value in values:
        with pytest.raises(asyncpg.PostgresError) as refused:
            await database.execute(_ADD_VERSION, "some", value, "staging", False)
        # A check's violation, or jsonb's own word on text that is no JSON.
        assert (refused.value.sqlstate or "")[:2] in {"23", "22"}, value


@pytest.mark.parametrize("revision", [0, 2, -1, 5])
async def test_a_revision_rises_by_one_and_never_falls(wire: Wire, database: Database, revision: int) -> None:
    await wire.set(3)
    await database.execute("UPDATE Environment SET revision = revision WHERE env = 'staging'")
    if revision == 2:
        await database.execute("UPDATE Environment SET revision = 2 WHERE env = 'staging'")
        return
    with pytest.raises(asyncpg.CheckViolationError):
        await database.execute("UPDATE Environment SET revision = $1 WHERE env = 'staging'", revision)


@pytest.mark.parametrize("column", ["namespace = 'other'", "key = 'other'", "value_type = 'float'"])
async def test_a_key_keeps_its_name_and_type(written: Database, column: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError, match="keeps its name"):
        await written.execute(f"UPDATE ConfigKey SET {column}")  # noqa: S608 - from the lines above


@pytest.mark.parametrize(
    "statement",
    [
        "INSERT INTO ConfigKey (namespace, key, value_type) VALUES ('pay ments', 'a', 'int')",
        "INSERT INTO ConfigKey (namespace, key, value_type) VALUES ('payments', '', 'int')",
        "INSERT INTO ConfigKey (namespace, key, value_type) VALUES ('payments', 'a', 'number')",
        "INSERT INTO Environment (env, position) VALUES ('qa 1', 9)",
        "INSERT INTO Installation (only_one, schema_version) VALUES (false, 1)",
        "UPDATE Environment SET required_approvals = 11",
        "INSERT INTO Token SELECT gen_random_uuid(), user_id, '\\x00', 'admin', '{*}', '{*}' FROM Account",
    ],
)
async def test_a_row_that_cannot_be_is_refused(written: Database, statement: str) -> None:
    with pytest.raises(asyncpg.CheckViolationError):
        await written.execute(statement)


async def test_a_change_cannot_name_a_version_of_another_key(wire: Wire, database: Database) -> None:
    await wire.create_key("other")
    await wire.set(3)
    statement = """
        INSERT INTO Change (env, revision, key_id, version_id)
        SELECT 'staging', 1, (SELECT key_id FROM ConfigKey WHERE key = 'other'), version_id FROM ConfigVersion
    """
    with pytest.raises(asyncpg.ForeignKeyViolationError):
        await database.execute(statement)


async def test_one_request_id_has_one_change_set(wire: Wire, database: Database) -> None:
    request_id = uuid4()
    await wire.set(3, request_id=str(request_id))
    statement = """
        INSERT INTO ChangeSet (env, revision, how, changed_by, token_id, created_at, request_id, request_hash,
                               previous_hash, hash)
        SELECT env, 2, how, changed_by, token_id, created_at, request_id, request_hash, hash, hash FROM ChangeSet
    """
    with pytest.raises(asyncpg.UniqueViolationError, match="request_id"):
        await database.execute(statement)
