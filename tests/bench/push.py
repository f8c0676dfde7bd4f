"""From a confirmed `set` to every client, and what changes and reconnects cost PostgreSQL."""

import argparse
import asyncio
import json
import sys
import time
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from bench.stack import Operator, Stack, running_stack
from bench.table import Table, milliseconds, percentile

ENV = "staging"


async def run(asked: argparse.Namespace) -> list[Table]:
    """Measure one crowd of watching clients."""
    async with running_stack() as stack, stack.operator() as operator:
        await operator.call("key.create", namespace="bench", key="limit", type="int")
        async with crowd(stack, asked.clients) as members:
            latency = await push(operator, members, asked.clients, asked.changes)
            cost = await statements(stack, operator, members, asked)
        return [latency, cost]


async def push(operator: Operator, members: "Crowd", clients: int, changes: int) -> Table:
    """Change one key again and again, each time when everybody has applied the one before."""
    sent: dict[int, float] = {}
    confirmed: dict[int, float] = {}
    receipts: list[float] = []
    for number in range(changes):
        began = time.monotonic()
        result = await change(operator, number)
        sent[result["revision"]], confirmed[result["revision"]] = began, time.monotonic()
        await members.ask(f"changes {result['revision']}")
        if number % 10 == 0:
            began = time.monotonic()
            await change(operator, number, wait=10)
            receipts.append(time.monotonic() - began)
    applied = await members.ask(f"changes {max(confirmed)}")
    after_confirmation = [
        max(0.0, at - confirmed[int(r)]) for one in applied for r, at in one.items() if int(r) in confirmed
    ]
    after_request = [at - sent[int(r)] for one in applied for r, at in one.items() if int(r) in sent]
    slowest = [max(one[str(r)] for one in applied) - sent[r] for r in sent]
    table = Table(f"{clients:,} clients, {changes} changes of one key", ("", "median", "p99", "max"))
    rows = (
        ("confirmation → applied, every client", after_confirmation),
        ("request → applied, every client", after_request),
        ("request → confirmed", [confirmed[r] - sent[r] for r in sent]),
        ("request → applied by the last client", slowest),
        ("request → receipt of all clients", receipts),
    )
    for name, values in rows:
        table.add(
            name,
            milliseconds(percentile(values, 0.5)),
            milliseconds(percentile(values, 0.99)),
            milliseconds(max(values)),
        )
    return table


async def statements(stack: Stack, operator: Operator, members: "Crowd", asked: argparse.Namespace) -> Table:
    """Count the statements of quiet time, of changes, and of a reconnect of all."""
    table = Table(
        f"Statements on PostgreSQL, {asked.clients:,} clients", ("", "statements", "seconds", "above the quiet rate")
    )
    count, quiet = await counted(stack, lambda: asyncio.sleep(10))
    rate = count / quiet
    table.add("10 s of heartbeats and polling", f"{count:.0f}", f"{quiet:.1f}", "0")

    async def make_changes() -> None:
        for number in range(20):
            result = await change(operator, number)
            await members.ask(f"changes {result['revision']}")

    count, seconds = await counted(stack, make_changes)
    table.add("20 changes, one hub", f"{count:.0f}", f"{seconds:.1f}", f"{(count - rate * seconds) / 20:.1f} a change")
    modes: list[str] = []

    async def reconnect() -> None:
        modes.extend((await members.ask("reconnect"))["modes"])

    count, seconds = await counted(stack, reconnect)
    table.add(
        f"reconnect of all ({', '.join(sorted(set(modes)))})",
        f"{count:.0f}",
        f"{seconds:.1f}",
        f"{(count - rate * seconds):.0f} in all",
    )
    return table


async def counted(stack: Stack, work: Any) -> tuple[float, float]:
    """Return the statements that were sent while work was done, and its seconds."""
    before, began = stack.metric("setpoint_database_statements_total"), time.monotonic()
    await work()
    return stack.metric("setpoint_database_statements_total") - before, time.monotonic() - began


async def change(operator: Operator, value: int, **more: Any) -> Any:
    """Set the key."""
    changes = [{"namespace": "bench", "key": "limit", "value": value}]
    return await operator.call("set", env=ENV, note="bench", changes=changes, **more)


class Crowd:
    """The process of clients."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process

    async def ask(self, question: str) -> Any:
        """Return the answer to a question."""
        assert self._process.stdin is not None
        self._process.stdin.write(f"{question}\n".encode())
        return await self.hear()

    async def hear(self) -> Any:
        """Return the next line."""
        assert self._process.stdout is not None
        return json.loads(await self._process.stdout.readline())


@asynccontextmanager
async def crowd(stack: Stack, clients: int) -> AsyncGenerator[Crowd]:
    """Run a process of watching clients."""
    url = stack.url.replace("http", "ws", 1) + "/v1/ws"
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "bench.crowd", url, stack.token, str(clients), ENV),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        limit=2**26,
    )
    try:
        members = Crowd(process)
        await members.hear()
        yield members
    finally:
        process.kill()
        await process.wait()
