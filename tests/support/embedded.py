"""Embedded servers for the tests that stop, kill and restart them."""

import asyncio
import json
import os
import signal
import subprocess
import sys
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager, suppress
from pathlib import Path
from typing import Any

import asyncpg

from setpoint_hub.embedded import (
    DataFolder,
    EmbeddedPostgres,
    EmbeddedServers,
    PostgresSettings,
    Strategy,
    embedded_servers,
    launch,
)
from support import holder
from support.waiting import eventually


@asynccontextmanager
async def running(data: Path) -> AsyncGenerator[EmbeddedServers]:
    with DataFolder(data) as folder:
        async with embedded_servers(folder, report=silent, durable=False) as servers:
            yield servers


@asynccontextmanager
async def running_postgres(data: Path, *, strategy: Strategy | None = None) -> AsyncGenerator[EmbeddedPostgres]:
    settings = PostgresSettings(durable=False, max_connections=10, strategy=strategy)
    with DataFolder(data) as folder:
        async with EmbeddedPostgres(folder, report=silent, settings=settings) as postgres:
            yield postgres


def silent(_: str) -> None:
    pass


async def execute(dsn: str, statement: str) -> None:
    connection = await asyncpg.connect(dsn)
    await connection.execute(statement)
    await connection.close()


async def fetch(dsn: str, query: str) -> object:
    connection = await asyncpg.connect(dsn)
    value: object = await connection.fetchval(query)
    await connection.close()
    return value


def postgres_pid(data: Path) -> int:
    return int((data / "postgres/data/postmaster.pid").read_text().split()[0])


def server_pids(data: Path) -> list[int]:
    return [postgres_pid(data), int((data / "valkey/valkey.pid").read_text())]


def gone(pid: int) -> bool:
    """A zombie that nobody has reaped yet is gone, too."""
    words = ["ps", "-o", "state=", "-p", str(pid)]
    listed = subprocess.run(words, capture_output=True, text=True, check=False)
    return listed.stdout.strip()[:1] in {"", "Z"}


@asynccontextmanager
async def held(
    data: Path, *, identity: str = "plain"
) -> AsyncGenerator[tuple[asyncio.subprocess.Process, dict[str, Any]]]:
    """Run the holder script; give its process and what it said once its servers answered or were refused.

    It is killed in the end, and its servers are gone then.
    """
    words = [str(os.getpid()), str(int(signal.SIGKILL)), identity, "/"]
    script = [sys.executable, holder.__file__, str(data)]
    process = await asyncio.create_subprocess_exec(
        sys.executable, launch.__file__, *words, *script, stdout=subprocess.PIPE
    )
    assert process.stdout is not None
    pids: list[int] = []
    try:
        async with asyncio.timeout(30):
            said = json.loads(await process.stdout.readline())
        pids = [] if "refused" in said else server_pids(data)
        yield process, said
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        await process.wait()
        await eventually(lambda: all(map(gone, pids)))
