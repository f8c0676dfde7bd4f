"""Many keys in one environment: starting a hub, loading, listing, changing."""

import argparse
import asyncio
import json
import tempfile
import time
import urllib.request
from pathlib import Path
from typing import Any

from bench.stack import Operator, Stack, running_stack
from bench.table import Table, milliseconds, percentile

ENV = "staging"


async def run(asked: argparse.Namespace) -> list[Table]:
    """Measure a hub that holds many keys against one that holds none."""
    table = Table(f"{asked.keys:,} keys in one environment, 20 namespaces", ("", "median", "max"))
    with tempfile.TemporaryDirectory() as folder:
        data = Path(folder) / "data"
        async with running_stack(data) as stack, stack.operator() as operator:
            table.add("first start, everything new", milliseconds(stack.ready_after), "")
            table.add("creating and setting a key", milliseconds(await fill(operator, asked.keys) / asked.keys), "")
        async with running_stack(data) as stack, stack.operator() as operator:
            table.add("start of the whole stack", milliseconds(stack.ready_after), "")
            await measure(table, stack, operator, asked.keys)
    return [table]


async def fill(operator: Operator, count: int) -> float:
    """Create the keys and set them a hundred at a time; return the seconds."""
    began = time.monotonic()
    for number in range(count):
        await operator.call("key.create", namespace=space(number), key=f"key-{number:05}", type="string")
    for start in range(0, count, 100):
        changes = [
            {"namespace": space(number), "key": f"key-{number:05}", "value": f"value of key {number}, of usual length"}
            for number in range(start, min(count, start + 100))
        ]
        await operator.call("set", env=ENV, note="fill", changes=changes)
    return time.monotonic() - began


async def measure(table: Table, stack: Stack, operator: Operator, count: int) -> None:
    """Measure what people and services do with them."""
    everything = [f"space-{number:02}" for number in range(20)]

    async def row(name: str, work: Any) -> None:
        seconds = [await timed(work) for _ in range(7)]
        table.add(name, milliseconds(percentile(seconds, 0.5)), milliseconds(max(seconds)))

    async def list_all() -> None:
        after: Any = None
        found = 0
        while True:
            page = await operator.call("key.list", env=ENV, limit=5000, **({"after": after} if after else {}))
            found += len(page["keys"])
            after = page["next"]
            if after is None:
                assert found == count
                return

    async def watch() -> None:
        async with stack.operator() as other:
            await other.call("watch", client_id="bench", service="bench", env=ENV, namespaces=everything)

    def download() -> None:
        query = "&".join(f"namespace={name}" for name in everything)
        request = urllib.request.Request(
            f"{stack.url}/v1/snapshot?env={ENV}&{query}", headers={"Authorization": f"Bearer {stack.token}"}
        )
        with urllib.request.urlopen(request, timeout=10) as answer:
            json.load(answer)

    async def fetch() -> None:
        await asyncio.to_thread(download)

    async def change() -> None:
        changes = [{"namespace": space(7), "key": "key-00007", "value": "another"}]
        await operator.call("set", env=ENV, note="bench", changes=changes)

    await row("watch of all, connecting included", watch)
    await row("snapshot of all over HTTP", fetch)
    await row("snapshot of all as of a past revision", lambda: operator.call("snapshot", env=ENV, at=50))
    await row("list of all", list_all)
    await row("list of one namespace", lambda: operator.call("key.list", env=ENV, namespace="space-07"))
    await row("set of one key", change)


def space(number: int) -> str:
    """Return a key's namespace."""
    return f"space-{number % 20:02}"


async def timed(work: Any) -> float:
    """Return the seconds of one run."""
    began = time.monotonic()
    await work()
    return time.monotonic() - began
