"""uvloop, which calls the hooks of a fork at every start of a subprocess."""

import pytest

from client.processes import start
from client.recipes.servers import CONFIG
from client.scripted_hub import ScriptedHub
from support.waiting import eventually_blocking

PROGRAM = """
import asyncio, sys, uvloop

async def main():
    async with config:
        for _ in range(5):
            child = await asyncio.create_subprocess_exec(sys.executable, "-c", "pass")
            assert await child.wait() == 0
        print(config.status().state, config.status().reconnects, flush=True)
        while config.get_int("payments", "max_retries") != 7:
            await asyncio.sleep(0.005)
        print(config.status().state, config.status().reconnects, flush=True)

uvloop.run(main())
"""


def test_subprocesses_leave_the_connection_alone(hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB", hub.url)
    with start(CONFIG + PROGRAM) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "live 0\n"
        eventually_blocking(lambda: hub.watching == 1)
        hub.publish(max_retries=7)
        output, errors = process.communicate(timeout=30)
    assert (process.returncode, output, errors) == (0, "live 0\n", "")
    assert (hub.upgrades, len(hub.watches)) == (1, 1)
