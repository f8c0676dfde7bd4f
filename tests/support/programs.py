"""The hub as a program of its own, for tests that send it signals."""

import asyncio
import os
import subprocess
import sys
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager, suppress
from dataclasses import dataclass

from support.waiting import WITHIN

__all__ = ["Program", "run_program", "start_program"]

_LISTENING = "listening on "


@dataclass(frozen=True)
class Program:
    """A hub that runs, and where it listens."""

    process: asyncio.subprocess.Process
    address: str


@asynccontextmanager
async def start_program(*words: str, settings: Mapping[str, object], **environment: str) -> AsyncGenerator[Program]:
    """Run `python -m setpoint_hub …` until it listens, and kill it in the end unless it has ended."""
    process = await _spawn(words, settings, environment)
    try:
        async with asyncio.timeout(3 * WITHIN):
            yield Program(process, await _address(process))
    finally:
        with suppress(ProcessLookupError):
            process.kill()
        # Reads what is left, and so closes the pipes.
        await process.communicate()


async def run_program(*words: str, settings: Mapping[str, object]) -> tuple[int, str]:
    """Run `python -m setpoint_hub …` to its end; return its exit status and the last line that it wrote."""
    process = await _spawn(words, settings, {})
    try:
        async with asyncio.timeout(3 * WITHIN):
            _, errors = await process.communicate()
    except TimeoutError:
        process.kill()
        await process.communicate()
        raise
    assert process.returncode is not None
    return process.returncode, errors.decode().strip().rpartition("\n")[2]


async def _spawn(
    words: tuple[str, ...], settings: Mapping[str, object], environment: Mapping[str, str]
) -> asyncio.subprocess.Process:
    given = {f"SETPOINT_{name.upper()}": str(value) for name, value in settings.items()}
    inherited = {name: value for name, value in os.environ.items() if not name.startswith("SETPOINT_")}
    return await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "setpoint_hub", *words),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env={**inherited, **given, **environment},
    )


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if line.decode().startswith(_LISTENING):
            return line.decode().removeprefix(_LISTENING).strip()
    assert process.stderr is not None
    raise AssertionError(f"the program ended: {(await process.stderr.read()).decode()}")
