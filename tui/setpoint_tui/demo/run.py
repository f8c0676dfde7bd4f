"""The demo, put together: stack, sample, fleet, then the console or the tour."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Coroutine, Sequence
from dataclasses import replace
from pathlib import Path
from typing import Any

from setpoint.errors import SetpointError
from setpoint_tui.cli.output import note, print_line
from setpoint_tui.connection import Connection
from setpoint_tui.console_settings import read_console_settings
from setpoint_tui.demo.children import Child, ChildEnded
from setpoint_tui.demo.fleet import running_fleet
from setpoint_tui.demo.loading import load_sample
from setpoint_tui.demo.sample import SAMPLE, SERVICES
from setpoint_tui.demo.stack import running_stack
from setpoint_tui.demo.tokens import give_tokens
from setpoint_tui.demo.tour import Tour
from setpoint_tui.formatting import counted
from setpoint_tui.link import HubLink
from setpoint_tui.text_safety import safe_text

__all__ = ["run_demo"]

_ENV = "staging"
_END_SECONDS = 1.0
_INSTANCES = sum(service.instances for service in SERVICES)


def run_demo(data: Path, port: int, *, tour: bool) -> int:
    """Run until it ends by itself or a signal ends it; stop all that was started; return the exit code.

    Raises ChildEnded when a part could not run, after printing the last lines of its log.
    """
    try:
        return asyncio.run(_until_signalled(data, port, tour=tour))
    except ChildEnded as ended:
        # The last line is what the error itself says.
        _print_log(ended.log[:-1])
        raise


async def _until_signalled(data: Path, port: int, *, tour: bool) -> int:
    loop = asyncio.get_running_loop()
    demo = asyncio.create_task(_Demo(data, port, tour=tour).run())
    received: list[signal.Signals] = []

    def stop(number: signal.Signals) -> None:
        received.append(number)
        demo.cancel()

    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, stop, number)
    try:
        await demo
    except asyncio.CancelledError:
        if not received:
            raise
        return 128 + received[0]
    return 0


class _Demo:
    """One run."""

    def __init__(self, data: Path, port: int, *, tour: bool) -> None:
        self._data = data
        self._port = port
        self._tour = tour
        self._started = time.monotonic()

    async def run(self) -> None:
        print_line(("Setpoint demo", "bold"), (f" · its data is kept in {self._data}", "dim"))
        async with running_stack(self._data, self._port, _report) as stack:
            try:
                await _while_it_runs(stack.child, self._show(stack.connection))
            except ChildEnded:
                raise
            except SetpointError:
                # The hub's log may say more than its answer did.
                _print_log(stack.child.log)
                raise

    async def _show(self, connection: Connection) -> None:
        async with HubLink.open(connection) as link:
            made = await load_sample(link, SAMPLE)
            tokens = await give_tokens(link, _ENV, SERVICES)
        _report(f"the sample: {_sample_sentence(made)}")
        _report(f"starting {_INSTANCES} instances of {counted(len(SERVICES), 'service')}")
        async with running_fleet(connection.address.url, _ENV, tokens, _ignore) as fleet:
            _report(f"all of them follow {_ENV}, after {self._seconds():.1f} s")
            if not self._tour:
                await self._open_console(connection)
                print_line(("stopping; the data is kept", "dim"))
                return
            async with HubLink.open(connection) as link:
                await Tour(link, fleet, env=_ENV, instances=_INSTANCES).run()
            print_line()
            print_line(("All of it held", "bold green"), f", {self._seconds():.1f} s after the start.")
            print_line(("In a terminal, `setpoint demo` opens the console on it.", "dim"))

    async def _open_console(self, connection: Connection) -> None:
        # Imported here: the tour needs no Textual.
        from setpoint_tui.console.app import Console  # noqa: PLC0415

        settings = replace(read_console_settings(os.environ), state_folder=self._data / "console")
        console = Console(connection, settings, hub_name="demo", first_env=_ENV)
        console.bridge.say(
            f"this is the demo: {_INSTANCES} instances follow {_ENV}; e changes a value, 2 shows who runs it"
        )
        await console.run_async()

    def _seconds(self) -> float:
        return time.monotonic() - self._started


async def _while_it_runs(child: Child, work: Coroutine[Any, Any, None]) -> None:
    """Do the work, or raise ChildEnded as soon as the child ends before it."""
    working = asyncio.create_task(work)
    ending = asyncio.create_task(child.ended())
    try:
        await asyncio.wait((working, ending), return_when=asyncio.FIRST_COMPLETED)
        if working.done() and not working.cancelled() and working.exception() is not None:
            # A connection may be lost a moment before the end of the child is seen, which is the reason.
            await asyncio.wait((ending,), timeout=_END_SECONDS)
    finally:
        reason = ending.result() if ending.done() else None
        for task in (working, ending):
            task.cancel()
        await asyncio.gather(working, ending, return_exceptions=True)
    if reason is not None:
        raise reason
    await working


def _sample_sentence(made: int) -> str:
    there = f"{len(SAMPLE)} keys in {len({key.namespace for key in SAMPLE})} namespaces"
    match made:
        case 0:
            return f"{there}, as they were left"
        case _ if made == len(SAMPLE):
            return f"{there}, made now"
        case _:
            return f"{there}, {made} of them made now"


def _print_log(lines: Sequence[str]) -> None:
    for line in lines:
        note((safe_text(line), "dim"))


def _report(line: str) -> None:
    print_line((f"  {line}", "dim"))
    sys.stdout.flush()


def _ignore(_instance: str) -> None:
    """One line for all of them is enough."""
