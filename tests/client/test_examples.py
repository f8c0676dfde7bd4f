"""The examples do what they say, some of them on a real hub."""

import asyncio
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from fastapi.testclient import TestClient

from examples.rate_limit import make_app
from examples.report import report
from setpoint import ConfigClient
from setpoint.testing import LocalConfig
from support.hubs import Hubs, RunningHub

EXAMPLES = Path(__file__).parents[2] / "examples"


def test_the_rate_limit_follows_its_setting(config: LocalConfig) -> None:
    with TestClient(make_app(config)) as service:
        assert service.get("/").json() == {"limit": 100}
        config.publish(shop={"requests_per_second": 1})
        assert service.get("/").status_code == 429
        config.publish(shop={"requests_per_second": 0})
        assert service.get("/").status_code == 429
        config.publish(shop={"requests_per_second": 50})
        assert service.get("/").json() == {"limit": 50}


def test_the_report_is_of_one_revision() -> None:
    local = ConfigClient.for_testing({"payments": {"max_retries": 1, "timeout_seconds": 2}})
    assert report(local) == "revision 2: 1 retries of 2 s, at most 4 s in all"


async def test_the_report_works_against_a_hub_and_without_one(hubs: Hubs, tmp_path: Path) -> None:
    hub = await hubs.start()
    await make(hub, "payments", "max_retries", 5)
    assert await run("report.py", tmp_path, hub) == "revision 1: 5 retries of 1.5 s, at most 9 s in all"
    assert await run("report.py", tmp_path / "other") == "revision 0: 3 retries of 1.5 s, at most 6 s in all"


async def test_the_workers_processes_follow_the_hub(hubs: Hubs, tmp_path: Path) -> None:
    hub = await hubs.start()
    await make(hub, "mailer", "batch_size", 100)
    assert await run("workers.py", tmp_path, hub) == "10 10"


async def make(hub: RunningHub, namespace: str, key: str, value: Any) -> None:
    async with hub.connect() as wire:
        await wire.ask("key.create", namespace=namespace, key=key, type="int")
        changes = [{"namespace": namespace, "key": key, "value": value}]
        await wire.ask("set", env="staging", note="for an example", changes=changes)


async def run(name: str, cache: Path, hub: RunningHub | None = None) -> str:
    url, token = (hub.address, hub.token) if hub is not None else ("http://127.0.0.1:9", "none")
    variables = {**os.environ, "SETPOINT_URL": url, "SETPOINT_TOKEN": token, "XDG_CACHE_HOME": str(cache)}
    command = [sys.executable, str(EXAMPLES / name)]
    done = await asyncio.to_thread(
        subprocess.run, command, capture_output=True, text=True, timeout=60, env=variables, check=True
    )
    return str(done.stdout).strip()
