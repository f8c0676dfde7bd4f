"""What a hub's database user may do: add to history, and nothing that alters it."""

import asyncio
import itertools
import signal
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import TypeAlias
from urllib.parse import urlsplit

import asyncpg
import pytest

from setpoint_hub.database_users import DatabaseUser, user_of
from setpoint_hub.errors import StartRefused
from support.databases import as_hub
from support.hubs import Hubs, RunningHub, issue_token
from support.programs import run_program, start_program
from support.waiting import WITHIN
from support.wire import open_wire

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

MAY_CHANGE: dict[str, set[str]] = {
    "account": set(),
    "auditevent": set(),
    "audithead": {"sequence", "hash"},
    "change": set(),
    "changeset": set(),
    "configkey": {"description", "owner", "tags", "constraints"},
    "configversion": {"is_active", "wrapped_key", "master_key"},
    "environment": {"revision", "head_hash", "protected", "required_approvals", "position"},
    "deadline": {"settled_at", "outcome"},
    "installation": {"epoch", "access_revision", "review_revision"},
    "review": {
        "state",
        "applied_revision",
        "apply_at",
        "scheduled_by",
        "scheduled_token",
        "base_revision",
        "diff_hash",
        "checks",
        "touched",
    },
    "reviewdecision": set(),
    "reviewedit": {"base_version_id", "wrapped_key", "master_key"},
    "secretkeyring": {"master_key", "fingerprint_key"},
    "token": {"revoked_at", "last_used_at"},
}
"""Every table but ConfigWatch, which is no history, and its columns that a hub changes."""

MAY_NOT_ADD_TO = {"audithead", "installation"}

_COLUMNS = "SELECT table_name, column_name FROM information_schema.columns WHERE table_schema = 'public'"


@pytest.fixture
async def as_a_hub(shared_hub: RunningHub) -> AsyncGenerator[Database]:
    """A connection with a hub's rights, where something has been written."""
    async with shared_hub.connect() as wire:
        await wire.set(3)
    connection = await asyncpg.connect(shared_hub.settings.database_url, timeout=10, command_timeout=10)
    yield connection
    await connection.close(timeout=5)


async def columns_of(database: Database) -> dict[str, list[str]]:
    rows = sorted(tuple(row) for row in await database.fetch(_COLUMNS))
    return {table: [name for _, name in named] for table, named in itertools.groupby(rows, key=lambda row: row[0])}


async def test_every_table_is_named_here(as_a_hub: Database) -> None:
    assert (await columns_of(as_a_hub)).keys() == MAY_CHANGE.keys() | {"configwatch"}


@pytest.mark.parametrize("table", MAY_CHANGE)
async def test_nothing_of_a_table_is_removed(as_a_hub: Database, table: str) -> None:
    for statement in (f"DELETE FROM {table}", f"TRUNCATE {table} CASCADE", f"DROP TABLE {table}"):  # noqa: S608  # from the names above
        with pytest.raises(asyncpg.InsufficientPrivilegeError):
            await as_a_hub.execute(statement)


@pytest.mark.parametrize("table", MAY_CHANGE)
async def test_only_the_columns_that_have_to_change_do(as_a_hub: Database, table: str) -> None:
    for column in (await columns_of(as_a_hub))[table]:
        statement = f"UPDATE {table} SET {column} = DEFAULT WHERE false"  # noqa: S608  # from the database's names
        if column in MAY_CHANGE[table]:
            await as_a_hub.execute(statement)
        else:
            with pytest.raises(asyncpg.InsufficientPrivilegeError):
                await as_a_hub.execute(statement)


@pytest.mark.parametrize("table", MAY_CHANGE)
async def test_what_can_be_added_to_is_the_history_and_what_it_names(as_a_hub: Database, table: str) -> None:
    may = await as_a_hub.fetchval("SELECT has_table_privilege($1, 'INSERT')", table)
    assert may == (table not in MAY_NOT_ADD_TO)


@pytest.mark.parametrize(
    "statement",
    [
        "ALTER TABLE ChangeSet DISABLE TRIGGER ALL",
        "DROP TRIGGER append_only ON ChangeSet",
        "CREATE OR REPLACE FUNCTION setpoint_append_only() RETURNS trigger LANGUAGE sql AS 'SELECT NULL'",
        "SET session_replication_role = replica",
        "ALTER ROLE setpoint_hub SUPERUSER",
        "CREATE TABLE more (a int)",
    ],
)
async def test_a_hub_cannot_take_away_what_guards_history(as_a_hub: Database, statement: str) -> None:
    with pytest.raises(asyncpg.InsufficientPrivilegeError):
        await as_a_hub.execute(statement)


async def test_a_user_keeps_its_name_whoever_writes(database: Database) -> None:
    await database.execute("INSERT INTO Account (name) VALUES ('alice')")
    await database.execute("UPDATE Account SET name = name")
    with pytest.raises(asyncpg.RestrictViolationError, match="keeps its name"):
        await database.execute("UPDATE Account SET name = 'somebody else'")


async def test_a_revoked_token_stays_revoked_whoever_writes(database: Database, database_url: str) -> None:
    await issue_token(database_url)
    await database.execute("UPDATE Token SET revoked_at = now()")
    await database.execute("UPDATE Token SET revoked_at = now(), last_used_at = now()")
    with pytest.raises(asyncpg.RestrictViolationError, match="stays revoked"):
        await database.execute("UPDATE Token SET revoked_at = NULL")


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE AuditEvent SET kind = kind",
        "DELETE FROM AuditEvent",
        "TRUNCATE AuditEvent",
        "DELETE FROM AuditHead",
        "TRUNCATE AuditHead",
    ],
)
async def test_not_even_the_owner_alters_events_while_the_triggers_are_there(
    shared_hub: RunningHub, statement: str
) -> None:
    async with shared_hub.connect() as wire:
        await wire.ask("environment.protect", env="development", protected=False)
    owner = await asyncpg.connect(shared_hub.owner_url, timeout=10, command_timeout=10)
    try:
        with pytest.raises(asyncpg.RestrictViolationError, match="append-only"):
            await owner.execute(statement)
        with pytest.raises(asyncpg.CheckViolationError, match="one after the other"):
            await owner.execute("UPDATE AuditHead SET sequence = sequence + 2")
    finally:
        await owner.close(timeout=5)


async def test_a_hub_that_could_alter_history_says_so_at_its_start(
    hubs: Hubs, caplog: pytest.LogCaptureFixture, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hubs.start()
    assert "could alter history" not in caplog.text
    monkeypatch.setattr("support.hubs.as_hub", lambda owner_url: owner_url)
    hub = await hubs.start()
    assert "could alter history" in caplog.text
    async with hub.connect() as wire:
        await wire.create_key()
        assert (await wire.set(1))["revision"] == 1


async def test_a_user_without_a_hubs_rights_is_refused_with_what_to_do(
    database: Database, database_url: str, hubs: Hubs, monkeypatch: pytest.MonkeyPatch
) -> None:
    name = f"stranger_{urlsplit(database_url).path[-12:]}"
    await database.execute(f"CREATE ROLE {name} LOGIN PASSWORD 'x'")
    place = urlsplit(database_url).netloc.rpartition("@")[2]
    stranger = urlsplit(database_url)._replace(netloc=f"{name}:x@{place}").geturl()
    try:
        monkeypatch.setattr("support.hubs.as_hub", lambda _: stranger)
        with pytest.raises(StartRefused, match="GRANT setpoint_hub TO"):
            await hubs.start()
    finally:
        await database.execute(f"DROP ROLE {name}")


async def test_the_owner_applies_the_schema_and_lets_the_hubs_user_in(
    bare_database_url: str, redis_url: str, database: Database
) -> None:
    name = f"made_{urlsplit(bare_database_url).path[-12:]}"
    place = urlsplit(bare_database_url).netloc.rpartition("@")[2]
    hub_url = urlsplit(bare_database_url)._replace(netloc=f"{name}:it%27s%20secret@{place}").geturl()
    settings = {"database_url": hub_url, "owner_database_url": bare_database_url}
    try:
        for _ in range(2):
            assert (await run_program("schema", "apply", settings=settings)) == (0, "")
        assert await database.fetchval("SELECT pg_has_role($1, 'setpoint_hub', 'MEMBER')", name)
        assert not await database.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = $1", name)
        async with start_program("hub", "--port", "0", settings={**settings, "redis_url": redis_url}):
            pass
    finally:
        await database.execute(f"DROP OWNED BY {name}")
        await database.execute(f"DROP ROLE {name}")


async def test_racing_creators_of_environments_take_turns(shared_hub: RunningHub) -> None:
    async with shared_hub.connect() as one, shared_hub.connect() as two:
        await one.create_key("raced")
        made = [wire.ask("environment.create", env=f"race-{n}") for n in range(6) for wire in (one, two)[n % 2 :][:1]]
        writes = [one.set(n, "raced") for n in range(6)]
        environments = await asyncio.gather(*made, *writes)
        positions = [row["position"] for row in environments[:6]]
        assert len(set(positions)) == 6
        assert (await one.ask("audit.verify"))["ok"]


@pytest.mark.parametrize(
    ("url", "user"),
    [
        ("postgresql://a:b%40c@db:5432/setpoint", DatabaseUser("a", "b@c")),
        ("postgresql://a@/setpoint?host=/run", DatabaseUser("a")),
        ("postgresql:///setpoint?user=a&password=b", DatabaseUser("a", "b")),
        ("postgresql://db/setpoint", None),
    ],
)
def test_the_user_of_a_url(url: str, user: DatabaseUser | None) -> None:
    assert user_of(url) == user
    assert "password" not in repr(user)


def test_a_url_that_is_none_is_refused() -> None:
    with pytest.raises(StartRefused):
        user_of("postgresql://[/x")


def test_the_tests_own_hubs_have_a_hubs_rights(shared_hub: RunningHub) -> None:
    assert shared_hub.settings.database_url == as_hub(shared_hub.owner_url)
    assert shared_hub.settings.database_url != shared_hub.owner_url


async def test_setpoint_up_runs_its_hub_without_the_owners_rights(short_folder: Path, tmp_path: Path) -> None:
    words = ("up", "--data", str(short_folder / "data"), "--port", "0")
    async with start_program(*words, settings={}, XDG_STATE_HOME=str(tmp_path)) as stack:
        token = (short_folder / "data" / "admin.token").read_text().strip()
        (sockets,) = {path.parent for path in (short_folder / "data").rglob(".s.PGSQL.5432")}
        owner = await asyncpg.connect(f"postgresql://postgres@/setpoint?host={sockets}&port=5432", timeout=10)
        async with open_wire(stack.address, token) as wire:
            await wire.create_key()
            assert (await wire.set(1))["revision"] == 1
            users = await owner.fetch("SELECT usename FROM pg_stat_activity WHERE application_name = 'setpoint-hub'")
            supers = await owner.fetchval("SELECT rolsuper FROM pg_roles WHERE rolname = 'setpoint'")
        await owner.close(timeout=5)
        stack.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WITHIN):
            assert await stack.process.wait() == 0
    assert {row["usename"] for row in users} == {"setpoint"}
    assert supers is False
