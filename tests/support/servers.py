"""A real PostgreSQL and a real Redis for the tests: given by URL, from containers, or embedded."""

import asyncio
import functools
import gc
import os
import tempfile
import threading
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import AbstractAsyncContextManager, AbstractContextManager, contextmanager, nullcontext
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from setpoint_hub.embedded import DataFolder, EmbeddedPostgres, EmbeddedValkey, PostgresSettings

T = TypeVar("T")

POSTGRES_IMAGE = "postgres:17"
REDIS_IMAGE = "redis:7"

_DOCKER_SECONDS = 3
_START_SECONDS = 120


@dataclass(frozen=True)
class Source:
    """Where a server comes from; starting it is left to the first test that needs it."""

    origin: str
    start: Callable[[], AbstractContextManager[str]]
    """Gives the server's URL."""


@functools.cache
def postgres_source() -> Source:
    """Choose the PostgreSQL of this test session."""
    variable = "SETPOINT_TEST_DATABASE_URL"
    if given := os.environ.get(variable):
        return Source(variable, lambda: nullcontext(given))
    if docker_answers():
        return Source(f"container {POSTGRES_IMAGE}", _postgres_container)
    return Source("embedded binaries", _embedded_postgres)


@functools.cache
def redis_source() -> Source:
    """Choose the Redis of this test session."""
    variable = "SETPOINT_TEST_REDIS_URL"
    if given := os.environ.get(variable):
        return Source(variable, lambda: nullcontext(given))
    if docker_answers():
        return Source(f"container {REDIS_IMAGE}", _redis_container)
    return Source("embedded binaries (Valkey)", _embedded_valkey)


@functools.cache
def docker_answers() -> bool:
    """Tell whether a Docker daemon answers; an installed client without one is common."""
    with warnings.catch_warnings():
        # Without a daemon, docker-py leaves a socket for the garbage collector to complain about.
        warnings.simplefilter("ignore")
        try:
            import docker  # noqa: PLC0415 - slow, and needed nowhere else
            import docker.errors  # noqa: PLC0415
        except ImportError:
            return False
        answered = False
        try:
            client = docker.from_env(timeout=_DOCKER_SECONDS)
            answered = bool(client.ping())
            client.close()
        except (docker.errors.DockerException, OSError):
            pass
        gc.collect()
    return answered


@contextmanager
def held_by_thread(opened: AbstractAsyncContextManager[T]) -> Iterator[T]:
    """Hold an async context manager open in a loop of a thread that lives exactly as long.

    Embedded servers die with the thread that spawned them, and must outlive any one event loop of the tests.
    """
    ready: Future[tuple[T, Callable[[], object]]] = Future()
    thread = threading.Thread(target=_hold, args=(opened, ready), name="test server", daemon=True)
    thread.start()
    value, release = ready.result(_START_SECONDS)
    try:
        yield value
    finally:
        release()
        thread.join()


def _hold(opened: AbstractAsyncContextManager[T], ready: "Future[tuple[T, Callable[[], object]]]") -> None:
    async def hold() -> None:
        loop, released = asyncio.get_running_loop(), asyncio.Event()
        async with opened as value:
            ready.set_result((value, lambda: loop.call_soon_threadsafe(released.set)))
            await released.wait()

    try:
        asyncio.run(hold())
    except BaseException as failure:
        if ready.done():
            raise
        ready.set_exception(failure)


@contextmanager
def _embedded_postgres() -> Iterator[str]:
    settings = PostgresSettings(durable=False)
    with _temporary_data_folder() as folder:
        opened = EmbeddedPostgres(folder, report=_silent, settings=settings)
        with held_by_thread(opened) as postgres:
            yield postgres.dsn


@contextmanager
def _embedded_valkey() -> Iterator[str]:
    with (
        _temporary_data_folder() as folder,
        held_by_thread(EmbeddedValkey(folder, report=_silent)) as valkey,
    ):
        yield valkey.url


@contextmanager
def _temporary_data_folder() -> Iterator[DataFolder]:
    """Make a data folder right under the temporary folder, where other users can be let pass to it."""
    with tempfile.TemporaryDirectory(prefix="setpoint-tests-") as path, DataFolder(Path(path)) as folder:
        yield folder


@contextmanager
def _postgres_container() -> Iterator[str]:
    # Imported late: it asks Docker questions. TESTCONTAINERS_RYUK_DISABLED is its own setting: without its
    # reaper, only a test run that is killed leaves containers behind.
    from testcontainers.community.postgres import PostgresContainer  # noqa: PLC0415

    with PostgresContainer(POSTGRES_IMAGE, driver=None) as container:
        yield container.get_connection_url()


@contextmanager
def _redis_container() -> Iterator[str]:
    from testcontainers.community.redis import RedisContainer  # noqa: PLC0415 - as above

    with RedisContainer(REDIS_IMAGE) as container:
        host, port = container.get_container_host_ip(), container.get_exposed_port(container.port)
        yield f"redis://{host}:{port}"


def _silent(_: str) -> None:
    """Tests need no report of progress."""
