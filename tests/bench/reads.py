"""What a read costs, beside the peers; reads under updates; import; ten thousand keys in a client."""

import argparse
import asyncio
import json
import os
import subprocess
import sys
import threading
import time
import timeit
from typing import Any

from bench.keys import fill, space
from bench.peers import MODULES, Reading, ours, quiet, theirs, yardsticks
from bench.stack import Operator, Stack, running_stack
from bench.table import Table, milliseconds, percentile
from setpoint import ConfigClient

ENV = "staging"

_UNROLLED = 50
_SECONDS = 0.1
"""Each sample is much longer than the 5 ms after which the interpreter changes threads."""
_SAMPLES = 7


async def run(asked: argparse.Namespace) -> list[Table]:
    """Measure them all in one run."""
    quiet()
    tables = [costs(), imports(), applying(asked.keys)]
    async with running_stack() as stack, stack.operator() as operator:
        tables.append(await under_updates(stack, operator))
        tables.append(await many_keys(stack, operator, asked.keys))
    return tables


def costs() -> Table:
    """Measure each way to read, in one thread and in four."""
    head = ("", "one thread, min", "median", "in dicts", "in attributes", "four threads, min", "four by one")
    table = Table("Nanoseconds per read of an int", head)
    yard: dict[str, float] = {}
    for reading in (*yardsticks(), *ours(), *theirs()):
        if isinstance(reading, str):
            table.add(reading, "not installed", *[""] * 5)
            continue
        one, four = sample(reading, 1), sample(reading, 4)
        yard[reading.name] = best = min(one)
        by_dict, by_attribute = best / yard["plain dict"], best / yard.get("plain attribute", best)
        table.add(
            reading.name,
            f"{best:,.1f}",
            f"{percentile(one, 0.5):,.1f}",
            f"{by_dict:,.1f}",
            f"{by_attribute:,.1f}",
            f"{min(four):,.1f}",
            f"{min(four) / best:.1f}",
        )
    return table


def sample(reading: Reading, threads: int) -> list[float]:
    """Return the nanoseconds per read of several samples; with threads, of the wall's time over all their reads."""
    setup = "; ".join(f"{name} = _{name}" for name in reading.names)
    names = {f"_{name}": value for name, value in reading.names.items()}
    statement = "; ".join([reading.expression] * _UNROLLED)
    timers = [timeit.Timer(statement, setup, globals=names) for _ in range(threads)]
    number = 1
    while (took := timers[0].timeit(number)) < _SECONDS / 4:
        number *= 2
    number = max(1, int(number * _SECONDS / took))
    found: list[float] = []
    for _ in range(_SAMPLES):
        workers = [threading.Thread(target=timer.timeit, args=(number,)) for timer in timers]
        began = time.perf_counter()
        for worker in workers:
            worker.start()
        for worker in workers:
            worker.join()
        found.append((time.perf_counter() - began) / (number * _UNROLLED * threads) * 1e9)
    return found


def imports() -> Table:
    """Measure a new interpreter that imports a library, above one that imports nothing."""
    table = Table("Import, above a bare interpreter", ("", "min", "median"))
    bare = min(imported("sys"))
    for name, module in MODULES.items():
        took = [each - bare for each in imported(module)]
        table.add(name, milliseconds(min(took)), milliseconds(percentile(took, 0.5)))
    return table


def imported(module: str) -> list[float]:
    """Return the seconds of several interpreters' whole lives."""
    found: list[float] = []
    for _ in range(_SAMPLES):
        began = time.perf_counter()
        # One that is not installed costs little, and shows as that.
        subprocess.run([sys.executable, "-c", f"import {module}"], check=False, stderr=subprocess.DEVNULL)
        found.append(time.perf_counter() - began)
    return found


def applying(count: int) -> Table:
    """Measure a change of one key until listeners have heard of it, without a network."""
    table = Table(f"One change applied to {count:,} keys", ("", "median", "p99", "max"))
    for spaces in (1, 20):
        numbers = {space: range(space, count, spaces) for space in range(spaces)}
        values = {
            f"space-{space:02}": {f"key-{number:05}": "value" for number in found} for space, found in numbers.items()
        }
        config = ConfigClient.for_testing(values)
        setting = config.setting("space-00", "changing", default=0)
        heard: list[Any] = []
        config.on_change("space-00")(heard.append)
        took: list[float] = []
        for number in range(200):
            began = time.perf_counter()
            config.publish({"space-00": {"changing": number}})
            took.append(time.perf_counter() - began)
        assert (setting.value, len(heard)) == (199, 200)
        row = (percentile(took, 0.5), percentile(took, 0.99), max(took))
        table.add(f"in {spaces} namespace{'s' if spaces > 1 else ''}", *map(milliseconds, row))
    return table


async def under_updates(stack: Stack, operator: Operator) -> Table:
    """Measure every read of a service while its keys change a hundred times a second."""
    table = Table(
        "Reads (get_int and two looks at the clock) of a service on a real hub",
        ("", "changes/s", "reads", "median", "p99", "p99.99", "max"),
    )
    await operator.call("key.create", namespace="updates", key="changing", type="int")
    for rate in (0, 100):
        service = await Service.start(stack, 6.0, "updates")
        changing = asyncio.create_task(keep_changing(operator, rate))
        found = await service.next()
        changing.cancel()
        await asyncio.wait([changing])
        await service.end()
        row = [f"{found[name] / 1000:,.1f} µs" for name in ("0.5", "0.99", "0.9999", "max")]
        table.add("quiet" if not rate else "under updates", f"{found['changes'] / 6:.0f}", f"{found['reads']:,}", *row)
    return table


async def keep_changing(operator: Operator, rate: int) -> None:
    """Change a key so many times a second, until cancelled."""
    began, number = time.monotonic(), 0
    while rate:
        number += 1
        changes = [{"namespace": "updates", "key": "changing", "value": number}]
        await asyncio.shield(operator.call("set", env=ENV, note="bench", changes=changes))
        await asyncio.sleep(max(0.0, began + number / rate - time.monotonic()))


async def many_keys(stack: Stack, operator: Operator, count: int) -> Table:
    """Measure a client that starts on many keys."""
    await fill(operator, count)
    table = Table(f"A client that starts on {count:,} keys of a live hub", ("", "median", "max"))
    started: list[float] = []
    held: list[float] = []
    for _ in range(_SAMPLES):
        service = await Service.start(stack, 0.1, *[space(number) for number in range(20)])
        assert service.said["keys"] == count
        started.append(service.said["started"])
        held.append(service.said["held"])
        await service.next()
        await service.end()
    table.add("start() until live", milliseconds(percentile(started, 0.5)), milliseconds(max(started)))
    table.add("memory that starting takes", f"{percentile(held, 0.5) / 1e6:.1f} MB", f"{max(held) / 1e6:.1f} MB")
    return table


class Service:
    """A `reading_service` that runs, and what it has said."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.said: dict[str, Any] = {}

    @classmethod
    async def start(cls, stack: Stack, seconds: float, *namespaces: str) -> "Service":
        """Start it, and wait until it is live."""
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "bench.reading_service", str(seconds), *namespaces),
            stdout=asyncio.subprocess.PIPE,
            env={**os.environ, "SETPOINT_URL": stack.url, "SETPOINT_TOKEN": stack.token},
        )
        service = cls(process)
        service.said = await service.next()
        return service

    async def next(self) -> dict[str, Any]:
        """Return the next thing that it says."""
        assert self._process.stdout is not None
        found: dict[str, Any] = json.loads(await self._process.stdout.readline())
        return found

    async def end(self) -> None:
        """Wait for its end."""
        await self._process.wait()
