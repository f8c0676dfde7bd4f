"""A private PostgreSQL in the data folder, reachable through a unix socket alone."""

import asyncio
import os
import secrets
import shutil
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import asyncpg

from setpoint_hub.embedded.errors import ClusterVersionError
from setpoint_hub.embedded.folder import LONGEST_SOCKET_NAME, DataFolder
from setpoint_hub.embedded.identity import Identity, Strategy, choose_identity
from setpoint_hub.embedded.leftover import Leftover
from setpoint_hub.embedded.life import EmbeddedServer
from setpoint_hub.embedded.parts import postgres_binaries
from setpoint_hub.embedded.process import Launch, ServerProcess

DATABASE = "setpoint"
SUPERUSER = "postgres"
HUB_USER = "setpoint"
"""Whom a hub connects as: not the owner of its tables."""
_PORT = 5432
"""Only a part of the socket's name: no port is opened."""

# Fast shutdown ends sessions and writes a checkpoint; immediate shutdown is a crash with a clean exit.
_STOP = ((signal.SIGINT, 10.0), (signal.SIGQUIT, 5.0), (signal.SIGKILL, 5.0))
_INITDB_SECONDS = 120.0
_REPORT_SECONDS = 5.0
_POLL_SECONDS = 0.05
_STARTS = 3
_STILL_ATTACHED = "pre-existing shared memory block"


@dataclass(frozen=True)
class PostgresSettings:
    """How the server runs."""

    durable: bool = True
    """False gives up crash safety for speed: for tests, whose data nobody misses."""
    max_connections: int = 100
    """Sessions at a time; PostgreSQL's own default."""
    start_timeout: float = 60.0
    """Seconds from spawn to the first answer; replaying the log after a crash takes its time."""
    strategy: Strategy | None = None
    """None probes for the identity to run as; a value tries that one alone."""


class EmbeddedPostgres(EmbeddedServer):
    """PostgreSQL in `folder`, from `start` to `stop` or as an async context manager.

    `folder` must be entered already and stay so. The cluster is made at the first start, whole or not at all,
    and kept. Raises EmbeddedError when the server cannot run.
    """

    def __init__(
        self,
        folder: DataFolder,
        *,
        report: Callable[[str], None],
        settings: PostgresSettings = PostgresSettings(),
    ) -> None:
        self._folder = folder
        self._report = report
        self._settings = settings
        self._sockets: Path | None = None
        self._process: ServerProcess | None = None

    @property
    def dsn(self) -> str:
        """Where asyncpg reaches the database `setpoint`, as superuser; the socket's folder is the guard."""
        return self._dsn_of(DATABASE)

    @property
    def hub_dsn(self) -> str:
        """Where a hub reaches it, as a user of its own, who is there once the schema was applied."""
        return self._dsn_of(DATABASE, HUB_USER)

    @property
    def process(self) -> ServerProcess:
        """The running server; only after `start`."""
        if self._process is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._process

    async def start(self) -> None:
        """Make the cluster if there is none, start the server, wait for its answer. Pair with `stop`."""
        binaries = postgres_binaries()
        owned = self._folder.subfolder("postgres")
        cluster = owned / "data"
        leftover = Leftover("postgres", cluster, cluster / "postmaster.pid")
        await leftover.stop(_STOP, report=self._report)
        identity = await choose_identity(
            self._folder, owned, program=binaries / "postgres", only=self._settings.strategy
        )
        _check_major(cluster, identity)
        if not cluster.exists():
            self._report("creating the PostgreSQL cluster")
            await self._initialise(binaries, cluster, identity)
        self._report(f"starting PostgreSQL {_major(identity.version)}")
        self._sockets = self._folder.run_folder(identity.uid)
        await self._spawn_until_ready(binaries, cluster, identity, leftover)
        await self._ensure_database()

    async def stop(self) -> None:
        """Shut down fast, by force if that takes longer than its time. Does nothing if not running."""
        if self._process is not None:
            await self._process.stop(_STOP)

    async def _initialise(self, binaries: Path, cluster: Path, identity: Identity) -> None:
        """Make the cluster under another name and rename it: a cluster that exists is complete."""
        await asyncio.to_thread(_remove_unfinished, cluster)
        unfinished = cluster.with_name(f"new-{secrets.token_hex(4)}")
        command = [
            str(binaries / "initdb"),
            *("-D", str(unfinished), "-U", SUPERUSER, "--auth=trust", "--encoding=UTF8", "--locale=C"),
            *("--data-checksums", "--no-instructions"),
            *([] if self._settings.durable else ["--no-sync"]),
        ]
        initdb = await ServerProcess.spawn(self._launch(command, cluster.parent, identity, signal.SIGKILL))
        try:
            async with asyncio.timeout(_INITDB_SECONDS):
                status = await initdb.wait()
        except TimeoutError as late:
            raise initdb.failure(f"did not end within {_INITDB_SECONDS:.0f} s") from late
        finally:
            await initdb.stop([(signal.SIGKILL, 5.0)])
        if status != 0:
            raise initdb.failure(f"ended with status {status}")
        _rename_for_good(unfinished, cluster)

    async def _spawn_until_ready(self, binaries: Path, cluster: Path, identity: Identity, leftover: Leftover) -> None:
        """Start the server and wait for its answer.

        Sessions outlive a killed postmaster by moments, and a new one does not start beside them: retried.
        """
        # A pid file whose pid was recycled would block the start for ever. The server forgives the pid of its
        # grandparent, and still checks that no session of the old server is attached to its memory.
        pid = leftover.pid()
        stale = {} if pid is None else {"PG_GRANDPARENT_PID": str(pid)}
        command = [str(binaries / "postgres"), "-D", str(cluster), *self._options()]
        launch = self._launch(command, cluster, identity, signal.SIGINT, stale)
        for remaining in reversed(range(_STARTS)):
            self._clear_sockets()
            self._process = await ServerProcess.spawn(launch)
            if await self._answers(self._process):
                return
            attached = any(_STILL_ATTACHED in line for line in self._process.logged())
            if not (attached and remaining):
                raise self._process.failure("ended while starting")
            await asyncio.sleep(_POLL_SECONDS * 10)

    async def _answers(self, process: ServerProcess) -> bool:
        """Wait until the server accepts a session: True, or False when it ended instead."""
        ticking = asyncio.create_task(self._report_waiting())
        try:
            async with asyncio.timeout(self._settings.start_timeout):
                while not process.ended:
                    if await self._accepts():
                        return True
                    await asyncio.sleep(_POLL_SECONDS)
        except TimeoutError as late:
            raise process.failure(f"did not answer within {self._settings.start_timeout:.0f} s") from late
        finally:
            ticking.cancel()
        return False

    async def _report_waiting(self) -> None:
        while True:
            await asyncio.sleep(_REPORT_SECONDS)
            self._report("waiting for PostgreSQL to answer")

    async def _accepts(self) -> bool:
        try:
            connection = await asyncpg.connect(self._dsn_of("postgres"), timeout=2)
        except (OSError, asyncpg.PostgresError, asyncpg.InternalClientError):
            return False
        await connection.close(timeout=2)
        return True

    async def _ensure_database(self) -> None:
        connection = await asyncpg.connect(self._dsn_of("postgres"), timeout=10)
        try:
            if not await connection.fetchval("SELECT true FROM pg_database WHERE datname = $1", DATABASE):
                await connection.execute(f"CREATE DATABASE {DATABASE}")
        finally:
            await connection.close(timeout=2)

    def _options(self) -> list[str]:
        sockets = str(self._sockets_folder()).replace('"', '""')
        options = {
            "listen_addresses": "",
            "port": str(_PORT),
            # Quoted, or a space at an end would be lost.
            "unix_socket_directories": f'"{sockets}"',
            "unix_socket_permissions": "0700",
            "max_connections": str(self._settings.max_connections),
            "shared_buffers": "64MB",
            "timezone": "UTC",
            "log_timezone": "UTC",
            "logging_collector": "off",
        }
        if sys.platform == "linux":
            # The default keeps files in /dev/shm: outside the data folder, and small in containers.
            options["dynamic_shared_memory_type"] = "mmap"
        if not self._settings.durable:
            options |= {"fsync": "off", "synchronous_commit": "off", "full_page_writes": "off"}
        return [word for name, value in options.items() for word in ("-c", f"{name}={value}")]

    def _launch(
        self,
        command: list[str],
        folder: Path,
        identity: Identity,
        death_signal: signal.Signals,
        environment: dict[str, str] | None = None,
    ) -> Launch:
        return Launch(
            command=command,
            folder=folder,
            log=self._folder.path / "postgres.log",
            death_signal=death_signal,
            identity=identity.word,
            environment=environment or {},
        )

    def _clear_sockets(self) -> None:
        """Remove what a killed server left. None is alive: the folder is ours, the leftover was stopped."""
        for name in (LONGEST_SOCKET_NAME, f"{LONGEST_SOCKET_NAME}.lock"):
            (self._sockets_folder() / name).unlink(missing_ok=True)

    def _sockets_folder(self) -> Path:
        if self._sockets is None:
            raise RuntimeError("PostgreSQL was not started")
        return self._sockets

    def _dsn_of(self, database: str, user: str = SUPERUSER) -> str:
        # The port is spelt out, since PGPORT would decide otherwise.
        folder = quote(os.fspath(self._sockets_folder()), safe="/")
        return f"postgresql://{user}@/{database}?host={folder}&port={_PORT}"


def _major(version: str) -> str:
    """Take 18 from `postgres (PostgreSQL) 18.4`."""
    return version.rsplit(maxsplit=1)[-1].partition(".")[0]


def _check_major(cluster: Path, identity: Identity) -> None:
    """Refuse the cluster of another major version: its files mean something else."""
    if not cluster.exists():
        return
    found = (cluster / "PG_VERSION").read_text().strip()
    installed = _major(identity.version)
    if found != installed:
        raise ClusterVersionError(cluster, found, installed=installed)


def _rename_for_good(unfinished: Path, cluster: Path) -> None:
    """Rename so that a power cut cannot take the new name back, and with it what was committed since."""
    unfinished.rename(cluster)
    parent = os.open(cluster.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(parent)
    finally:
        os.close(parent)


def _remove_unfinished(cluster: Path) -> None:
    """Remove clusters whose making was cut short."""
    for unfinished in cluster.parent.glob("new-*"):
        shutil.rmtree(unfinished, ignore_errors=True)
