"""Checks constraints in a process of its own, each check within a bound of time."""

import asyncio
import json
import logging
import subprocess
import sys
from contextlib import suppress
from typing import Any, Final

from setpoint.errors import InvalidValue
from setpoint.protocol.strict_json import dumps
from setpoint.protocol.values import Json, check_value
from setpoint_hub.constraints import UnusableConstraints, Violation
from setpoint_hub.errors import CheckFailed

__all__ = ["Checker"]

log = logging.getLogger(__name__)

CHECK_SECONDS: Final = 1.0
START_SECONDS: Final = 20.0
_GRACE_SECONDS: Final = 1.0
_MOMENT_SECONDS: Final = 0.2
_LARGEST_LINE: Final = 1024 * 1024


class Checker:
    """Owns the process. It starts with the first check, and anew after one that had to be ended."""

    def __init__(self) -> None:
        self._turn = asyncio.Lock()
        self._started: asyncio.Task[asyncio.subprocess.Process] | None = None

    async def canonical(self, constraints: object) -> str:
        """Return the canonical text of constraints. Raises UnusableConstraints, which says what to change."""
        try:
            asked = dumps({"constraints": check_value("json", constraints), "seconds": CHECK_SECONDS})
        except InvalidValue as error:
            raise UnusableConstraints(f"the constraints cannot be stored: {error.reason}") from error
        try:
            return str((await self._ask(asked))["text"])
        except CheckFailed as error:
            raise UnusableConstraints(f"{error}: make the constraints simpler") from error

    async def violations(self, constraints: str, value: Json) -> list[Violation]:
        """Return what a value breaks of constraints in their canonical text.

        Raises CheckFailed when that takes more than a second, UnusableConstraints when they turn out to be endless.
        """
        asked = f'{{"constraints":{constraints},"value":{dumps(value)},"seconds":{CHECK_SECONDS}}}'
        return [Violation(*found) for found in (await self._ask(asked))["violations"]]

    async def close(self) -> None:
        """End the process."""
        async with self._turn:
            await self._end()

    async def _ask(self, line: str) -> dict[str, Any]:
        async with self._turn:
            process = await self._process()
            try:
                answer = await self._exchange(process, line)
            except (OSError, EOFError, TimeoutError, asyncio.IncompleteReadError) as error:
                await self._end()
                raise CheckFailed(f"checking the constraints took more than {CHECK_SECONDS:g} s") from error
            except BaseException:
                # Given up half-way, its answer would be taken for the next one's.
                await self._end()
                raise
        if "unusable" in answer:
            raise UnusableConstraints(answer["unusable"])
        return answer

    async def _exchange(self, process: asyncio.subprocess.Process, line: str) -> dict[str, Any]:
        assert process.stdin is not None
        process.stdin.write(line.encode() + b"\n")
        # The process ends itself; this is for one that cannot even do that.
        async with asyncio.timeout(CHECK_SECONDS + _GRACE_SECONDS):
            await process.stdin.drain()
            return await self._line(process)

    async def _process(self) -> asyncio.subprocess.Process:
        """Return the process, started if need be. On a slow machine who gives up waiting leaves it to the next."""
        if self._started is None:
            self._started = asyncio.create_task(self._start())
        try:
            return await asyncio.shield(self._started)
        except (OSError, EOFError, TimeoutError) as error:
            self._started = None
            raise CheckFailed("the process that checks constraints does not start") from error

    async def _start(self) -> asyncio.subprocess.Process:
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-P", "-m", "setpoint_hub.constraint_worker"),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            limit=_LARGEST_LINE,
        )
        try:
            async with asyncio.timeout(START_SECONDS):
                await self._line(process)
        except BaseException:
            await _end(process)
            raise
        log.debug("the process that checks constraints has started")
        return process

    @staticmethod
    async def _line(process: asyncio.subprocess.Process) -> dict[str, Any]:
        assert process.stdout is not None
        line = await process.stdout.readline()
        if not line.endswith(b"\n"):
            raise EOFError
        answer: dict[str, Any] = json.loads(line)
        return answer

    async def _end(self) -> None:
        started, self._started = self._started, None
        if started is None:
            return
        if not started.done():
            # It ends what it has begun.
            started.cancel()
        await asyncio.wait([started])
        if not started.cancelled() and started.exception() is None:
            await _end(started.result())


async def _end(process: asyncio.subprocess.Process) -> None:
    assert process.stdin is not None
    process.stdin.close()
    try:
        # One that idles, or has ended itself, is gone in a moment.
        async with asyncio.timeout(_MOMENT_SECONDS):
            await process.wait()
    except TimeoutError:
        with suppress(ProcessLookupError):
            process.kill()
    # Reads what is left, and so closes the pipes.
    await process.communicate()
