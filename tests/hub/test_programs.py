"""The hub as a program: how it starts, how it is refused, how it ends."""

import asyncio
import signal
import stat
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from setpoint_hub.errors import StartRefused
from setpoint_hub.sealing import new_master_key
from support.databases import as_hub
from support.hubs import Hubs, RunningHub
from support.programs import Program, run_program, start_program
from support.waiting import WITHIN, eventually
from support.wire import Wire, open_wire, stalled_reader


@asynccontextmanager
async def hub_program(hubs: Hubs, **settings: object) -> AsyncGenerator[Program]:
    """Run `setpoint hub` on the test's database, where the admin's token is known."""
    given = {"database_url": as_hub(hubs.database_url), "redis_url": hubs.redis_url, "poll_seconds": 0.2}
    async with start_program("hub", "--port", "0", settings={**given, **settings}) as program:
        yield program


@pytest.mark.parametrize("buffer_bytes", [2**16, 2**30], ids=["too slow", "not too slow yet"])
async def test_sigterm_sends_everybody_away_and_never_hangs_on_who_does_not_read(hubs: Hubs, buffer_bytes: int) -> None:
    async with (
        hub_program(hubs, buffer_bytes=buffer_bytes, shutdown_seconds=1) as program,
        open_wire(program.address, hubs.token) as wire,
        open_wire(program.address, hubs.token) as watcher,
        stalled_reader(program.address, hubs.token),
    ):
        await wire.create_key("text", "string")
        await watcher.watch()
        # Far more than one who does not read is buffered, here and in the kernel.
        for value in range(100):
            await wire.set(f"{value}" + "x" * 60_000, "text")
        program.process.send_signal(signal.SIGTERM)
        for sent_away in (wire, watcher):
            code, reason = await sent_away.closed()
            assert code == 1001
            assert (reason or "").endswith("retry_after=1")
        async with asyncio.timeout(WITHIN):
            assert await program.process.wait() == 0


async def test_requests_under_way_are_finished_when_the_hub_goes_away(hubs: Hubs) -> None:
    async with hub_program(hubs) as program, open_wire(program.address, hubs.token) as wire:
        await wire.create_key()
        writes = [asyncio.create_task(wire.set(value)) for value in range(20)]
        await asyncio.wait(writes, return_when=asyncio.FIRST_COMPLETED)
        program.process.send_signal(signal.SIGTERM)
        outcomes = await asyncio.gather(*writes, return_exceptions=True)
        async with asyncio.timeout(WITHIN):
            assert await program.process.wait() == 0
    confirmed = [outcome["revision"] for outcome in outcomes if isinstance(outcome, dict)]
    after = await hubs.start()
    async with after.connect() as wire:
        assert confirmed
        assert await wire.revision() >= max(confirmed)


async def test_after_kill_9_of_a_hub_a_client_resumes_at_another(hubs: Hubs) -> None:
    second = await hubs.start()
    async with second.connect() as operator:
        await operator.create_key()
        async with hub_program(hubs) as first, open_wire(first.address, hubs.token) as instance:
            told = await instance.watch()
            done = await operator.set(3)
            change = await instance.next()
            assert change["revision"] == done["revision"]
            first.process.kill()
            assert (await instance.closed())[0] == 1006
        await operator.set(4)
        async with second.connect() as instance:
            resumed = await instance.watch(epoch=told["epoch"], revision=change["revision"])
            assert (resumed["mode"], resumed["previous"]) == ("changes", 1)
            assert resumed["namespaces"]["payments"]["max_retries"]["value"] == 4
            (shown,) = (await operator.ask("fleet.list"))["instances"]
            assert (shown["client_id"], shown["hub"]) == ("checkout-1", str(second.hub.id))


async def test_a_port_in_use_is_refused_with_what_to_do(hub: RunningHub, hubs: Hubs) -> None:
    port = urlsplit(hub.address).port
    with pytest.raises(StartRefused, match="in use"):
        await hubs.start(port=port)
    settings = {"database_url": hubs.database_url, "redis_url": hubs.redis_url}
    status, said = await run_program("hub", "--port", str(port), settings=settings)
    assert (status, said) == (
        1,
        f"setpoint: 127.0.0.1:{port} is in use by another program: stop it, or choose another port with --port",
    )
    async with hub.connect() as wire:
        await wire.ask("whoami")


@pytest.mark.parametrize(
    ("settings", "said"),
    [
        ({"redis_url": "redis://localhost"}, "SETPOINT_DATABASE_URL is not set"),
        ({"database_url": "postgresql://localhost"}, "SETPOINT_REDIS_URL is not set"),
        ({"database_url": "http://x", "redis_url": "redis://localhost"}, "SETPOINT_DATABASE_URL is not usable"),
        ({"database_url": "postgresql://localhost", "redis_url": "x"}, "SETPOINT_REDIS_URL is not usable"),
        (
            {"database_url": "postgresql://localhost", "redis_url": "redis://localhost", "port": "http"},
            "SETPOINT_PORT is not usable",
        ),
        (
            {"database_url": "postgresql://localhost", "redis_url": "redis://localhost", "poll_seconds": "0"},
            "SETPOINT_POLL_SECONDS is not usable",
        ),
    ],
)
async def test_settings_that_cannot_be_are_named(settings: dict[str, str], said: str) -> None:
    status, line = await run_program("hub", settings={"port": "0", **settings})
    assert status == 1
    assert line.startswith(f"setpoint: {said}")


async def test_a_database_without_schema_is_refused_until_it_is_applied(bare_database_url: str, redis_url: str) -> None:
    settings = {"database_url": bare_database_url, "redis_url": redis_url}
    status, line = await run_program("hub", "--port", "0", settings=settings)
    assert (status, "run `setpoint schema apply`" in line) == (1, True)
    assert (await run_program("schema", "apply", settings=settings))[0] == 0
    async with start_program("hub", "--port", "0", settings=settings):
        pass


@asynccontextmanager
async def stack_of_one_machine(data: Path) -> AsyncGenerator[Wire]:
    """Run `setpoint up` on a data folder, connected as its admin, and stop it in order."""
    words = ("up", "--data", str(data), "--port", "0")
    async with start_program(*words, settings={}, XDG_STATE_HOME=str(data.parent / "state")) as stack:
        async with open_wire(stack.address, (data / "admin.token").read_text().strip()) as wire:
            yield wire
        stack.process.send_signal(signal.SIGTERM)
        async with asyncio.timeout(WITHIN):
            assert await stack.process.wait() == 0


API_KEY = {"namespace": "payments", "key": "api_key"}


async def test_the_stack_of_one_machine_keeps_its_data_over_a_restart(short_folder: Path) -> None:
    data = short_folder / "data"
    for turn in (1, 2):
        async with stack_of_one_machine(data) as wire:
            assert stat.S_IMODE((data / "admin.token").stat().st_mode) == 0o600
            assert stat.S_IMODE((data / "master.key").stat().st_mode) == 0o600
            if turn == 1:
                await wire.create_key()
                await wire.ask("key.create", **API_KEY, type="string", secret=True)
                await wire.set("a secret", "api_key", env="production", note="the first one", break_glass=True)
            assert (await wire.set(turn))["revision"] == turn
            assert (await wire.ask("secret.reveal", env="production", **API_KEY))["value"] == "a secret"
    assert await eventually(lambda: not list((data / "run").iterdir()))


async def test_the_stack_of_one_machine_moves_to_a_new_master_key_when_it_starts(short_folder: Path) -> None:
    data = short_folder / "data"
    async with stack_of_one_machine(data) as wire:
        await wire.ask("key.create", **API_KEY, type="string", secret=True)
        await wire.set("a secret", "api_key")
    new, old = new_master_key(), (data / "master.key").read_text()
    for keys in (f"{new}\n{old}", new):
        (data / "master.key").write_text(keys)
        async with stack_of_one_machine(data) as wire:
            assert (await wire.ask("secret.reveal", env="staging", **API_KEY))["value"] == "a secret"
