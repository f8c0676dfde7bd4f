"""PostgreSQL and Redis killed, frozen, missing and back: nothing known is lost, everything heals by itself."""

import asyncio
import os
import shutil
import signal
import tempfile
from collections.abc import AsyncGenerator, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from setpoint_hub import hints
from setpoint_hub.embedded import DataFolder, EmbeddedPostgres, EmbeddedValkey, PostgresSettings
from setpoint_hub.errors import DatabaseUnavailable, StartRefused
from setpoint_hub.schema import apply_schema
from setpoint_hub.store.writer import Committed, Writer
from support.databases import hub_user, temporary_database
from support.hubs import Hubs, RunningHub, issue_token, running_hub
from support.waiting import eventually
from support.wire import Refused, Wire, http

PATIENCE = 30.0
"""Seconds for healing: pauses between attempts grow up to five."""


@pytest.fixture(scope="module")
def folder() -> Iterator[DataFolder]:
    """A data folder for servers that are the module's own, to be killed."""
    path = Path(tempfile.mkdtemp(prefix="setpoint-"))
    with DataFolder(path / "data") as opened:
        yield opened
    shutil.rmtree(path)


@pytest.fixture(scope="module")
async def postgres(folder: DataFolder) -> AsyncGenerator[EmbeddedPostgres]:
    """A PostgreSQL that keeps what it confirmed when it is killed."""
    async with EmbeddedPostgres(folder, report=lambda _: None, settings=PostgresSettings(durable=True)) as server:
        yield server


@pytest.fixture(scope="module")
async def valkey(folder: DataFolder) -> AsyncGenerator[EmbeddedValkey]:
    """A Valkey to be killed."""
    async with EmbeddedValkey(folder, report=lambda _: None) as server:
        yield server


@pytest.fixture
async def mortal_hubs(hubs: Hubs, postgres: EmbeddedPostgres) -> AsyncGenerator[Hubs]:
    """Starts hubs on the PostgreSQL that may be killed."""
    async with hub_user(postgres.dsn), temporary_database(postgres.dsn) as url:
        await apply_schema(url)
        token, _ = await issue_token(url)
        hubs.database_url, hubs.token = url, token
        yield hubs
        await hubs.stop()


async def kill(server: EmbeddedPostgres | EmbeddedValkey) -> None:
    os.kill(server.process.pid, signal.SIGKILL)
    await server.process.wait()


@contextmanager
def frozen(server: EmbeddedValkey) -> Iterator[None]:
    os.kill(server.process.pid, signal.SIGSTOP)
    try:
        yield
    finally:
        os.kill(server.process.pid, signal.SIGCONT)


async def redis_is(hub: RunningHub, state: str) -> None:
    """Wait until a hub says so of its Redis."""
    async with hub.connect() as wire:

        async def said() -> bool:
            return str((await wire.ask("hub.status"))["redis"]).startswith(state)

        await eventually(said, within=PATIENCE)


async def test_while_redis_is_dead_changes_reach_every_hub_by_polling(hubs: Hubs, valkey: EmbeddedValkey) -> None:
    first, second = await hubs.start_many(2, redis_url=valkey.url)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        await two.watch()
        await kill(valkey)
        await one.set(3)
        assert (await two.next())["revision"] == 1
        assert (await second.get("/readyz")).status == 200
        await valkey.start()
        await redis_is(first, "connected")
        await redis_is(second, "connected")


async def test_when_redis_is_back_hints_work_and_nothing_of_meanwhile_is_missed(
    hubs: Hubs, valkey: EmbeddedValkey
) -> None:
    first, second = await hubs.start_many(2, redis_url=valkey.url, poll_seconds=600)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        await two.watch()
        await kill(valkey)
        await redis_is(second, "lost")
        await one.set(3)
        assert two.notified.empty()
        await valkey.start()
        await redis_is(first, "connected")
        # Subscribing anew counts as a hint for everything.
        await eventually(lambda: second.revision() == 1, within=PATIENCE)
        await one.set(4)
        assert [(await two.next())["revision"] for _ in range(2)] == [1, 2]


async def test_a_frozen_redis_holds_up_nobody_and_is_noticed(
    hubs: Hubs, valkey: EmbeddedValkey, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(hints, "PROBE_SECONDS", 0.1)
    monkeypatch.setattr(hints, "ANSWER_SECONDS", 0.1)
    first, second = await hubs.start_many(2, redis_url=valkey.url)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        await two.watch()
        with frozen(valkey):
            for value in range(10):
                await one.set(value)
            assert [(await two.next())["revision"] for _ in range(10)] == list(range(1, 11))
            await redis_is(second, "lost")
        await redis_is(second, "connected")


async def test_a_hub_waits_for_redis_at_start_and_says_so(hubs: Hubs, valkey: EmbeddedValkey) -> None:
    await kill(valkey)
    hub = await hubs.start(redis_url=valkey.url, wait_until_ready=False)
    reason = await waits(hub)
    assert "Redis cannot be reached" in reason
    await valkey.start()
    await ready(hub)


@pytest.mark.parametrize("garbage", ["", "hello", "{}", "[]", '{"env":5,"revision":1}', "[" * 100_000, "\udcff"])
async def test_what_is_no_hint_is_ignored(hubs: Hubs, valkey: EmbeddedValkey, garbage: str) -> None:
    hub = await hubs.start(redis_url=valkey.url, poll_seconds=600)
    redis = hints.connect(valkey.url)
    await redis.publish("config:changes:payments:staging", garbage.encode(errors="surrogateescape"))
    await redis.publish("config:changes:payments:nowhere", '{"env":"nowhere","revision":7}')
    await redis.publish("config:changes:payments:staging", '{"env":"staging","revision":1000000000000}')
    await redis.aclose()
    async with hub.connect() as wire:
        await wire.create_key()
        await wire.watch()
        await wire.set(3)
        assert (await wire.next())["revision"] == 1


async def waits(hub: RunningHub) -> str:
    """Wait until a hub says that it is not ready for a reason; it is healthy all the same."""

    async def reason() -> str | None:
        reply = await http(hub.address, "/readyz")
        said = reply.json.get("reason", "")
        return str(said) if reply.status == 503 and "reached" in said else None

    assert (await http(hub.address, "/healthz")).status == 200
    found = await eventually(reason, within=PATIENCE)
    assert found is not None
    return found


async def ready(hub: RunningHub) -> None:
    async def is_ready() -> bool:
        return (await http(hub.address, "/readyz")).status == 200

    await eventually(is_ready, within=PATIENCE)


async def set_again(wire: Wire, value: int, **others: Any) -> Any:
    """Set, as often as it takes while the database is away."""

    async def attempt() -> Any:
        try:
            return await wire.set(value, **others)
        except Refused as refused:
            if refused.kind != "unavailable":
                raise
            return None

    return await eventually(attempt, within=PATIENCE)


async def test_a_hub_waits_for_postgresql_at_start_and_says_so(mortal_hubs: Hubs, postgres: EmbeddedPostgres) -> None:
    await kill(postgres)
    hub = await mortal_hubs.start(wait_until_ready=False)
    assert "PostgreSQL cannot be reached" in await waits(hub)
    # No token is known yet, so nobody is let in; nobody is told to give up either.
    await postgres.start()
    await ready(hub)
    async with hub.connect() as wire:
        await wire.ask("whoami")


async def test_while_postgresql_is_dead_reads_go_on_and_writes_say_so(
    mortal_hubs: Hubs, postgres: EmbeddedPostgres
) -> None:
    hub = await mortal_hubs.start()
    async with hub.connect() as wire, hub.connect() as other:
        await wire.create_key()
        await wire.set(3)
        told = await wire.watch()
        await kill(postgres)

        refused = await wire.refusal(
            "set", env="staging", changes=[{"namespace": "payments", "key": "max_retries", "value": 5}]
        )
        assert refused.kind == "unavailable"
        assert refused.data["outcome"] in {"unchanged", "unknown"}
        assert (await wire.refusal("key.list")).kind == "unavailable"
        assert "PostgreSQL cannot be reached" in await waits(hub)

        assert (await other.watch("new"))["namespaces"]["payments"]["max_retries"]["value"] == 3
        assert (await hub.get("/v1/snapshot?env=staging&namespace=payments")).json["revision"] == 1
        assert (await other.ask("hub.status"))["ready"] is False

        await postgres.start()
        await ready(hub)
        again = await set_again(wire, 7)
        seen = await wire.next()
        assert (seen["previous"], seen["revision"], seen["epoch"]) == (1, again["revision"], told["epoch"])
        assert (await other.next())["namespaces"]["payments"]["max_retries"]["value"] == 7


async def test_no_confirmed_write_is_lost_and_no_unknown_one_happens_twice(
    mortal_hubs: Hubs, postgres: EmbeddedPostgres
) -> None:
    hub = await mortal_hubs.start()
    async with hub.connect() as wire:
        await wire.create_key()
        confirmed: dict[str, int] = {}

        async def write() -> None:
            for value in range(60):
                request_id = str(uuid4())
                done = await set_again(wire, value, request_id=request_id)
                confirmed[request_id] = done["revision"]

        writing = asyncio.create_task(write())
        for written in (10, 30):
            await eventually(lambda: len(confirmed) >= written, within=PATIENCE)  # noqa: B023 - called at once
            await kill(postgres)
            await postgres.start()
        await writing
        assert list(confirmed.values()) == list(range(1, 61))
        statuses = [await wire.ask("request.status", request_id=request_id) for request_id in confirmed]
        assert [status["revision"] for status in statuses] == list(range(1, 61))
        await eventually(lambda: hub.revision() == 60, within=PATIENCE)


async def test_a_write_whose_outcome_is_unknown_can_be_asked_by_its_id(
    hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    hub = await hubs.start(database_timeout=0.2)
    request_id = str(uuid4())
    async with hub.connect() as wire:
        await wire.create_key()
        async with database.transaction():
            await database.execute("SELECT FROM Environment WHERE env = 'staging' FOR UPDATE")
            with pytest.raises(Refused) as refused:
                await wire.set(3, request_id=request_id)
        assert refused.value.kind == "unavailable"
        assert (refused.value.data["outcome"], refused.value.data["request_id"]) == ("unknown", request_id)
        assert await wire.ask("request.status", request_id=request_id) == {"found": False}
        assert (await wire.set(3, request_id=request_id))["revision"] == 1


@pytest.mark.parametrize("request_id", [None, str(uuid4())], ids=["without id", "with id"])
async def test_a_commit_whose_confirmation_was_lost_is_found_and_not_repeated(
    wire: Wire, monkeypatch: pytest.MonkeyPatch, request_id: str | None
) -> None:
    attempt, lost = Writer._attempt, iter([DatabaseUnavailable("lost")])

    async def lose_the_first(*asked: Any) -> Committed:
        committed = await attempt(*asked)
        for loss in lost:
            raise loss
        return committed

    monkeypatch.setattr(Writer, "_attempt", lose_the_first)
    done = await wire.set(3, request_id=request_id)
    assert (done["revision"], done["changes"][0]["new"]) == (1, 3)
    assert await wire.revision() == 1


async def test_a_database_under_repair_ends_no_hub(
    hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]", caplog: pytest.LogCaptureFixture
) -> None:
    hub = await hubs.start()
    async with hub.connect() as wire:
        await wire.create_key()
        await wire.watch()
        await database.execute("ALTER TABLE Environment RENAME TO being_restored")

        async def troubled() -> bool:
            return "cannot be followed" in (await http(hub.address, "/readyz")).body.decode()

        await eventually(troubled)
        await database.execute("ALTER TABLE being_restored RENAME TO Environment")
        await ready(hub)
        await wire.set(3)
        assert (await wire.next())["revision"] == 1
    assert "the log cannot be followed" in caplog.text


async def test_a_url_that_cannot_be_one_is_refused_rather_than_waited_for(redis_url: str) -> None:
    for url in ("http://localhost/setpoint", "postgresql://localhost:port/setpoint", "setpoint"):
        with pytest.raises(StartRefused, match="SETPOINT_DATABASE_URL is not usable"):
            async with running_hub(url, redis_url, ""):
                pass
