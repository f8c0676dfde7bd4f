"""The demo, put together: stack, sample, fleet, then the live view or the tour."""

import asyncio
import signal
import sys
import time
from pathlib import Path

from setpoint.errors import SetpointError
from setpoint_tui.cli.output import note, print_line
from setpoint_tui.connection import Connection
from setpoint_tui.demo.children import ChildEnded
from setpoint_tui.demo.fleet import running_fleet
from setpoint_tui.demo.live import show_live
from setpoint_tui.demo.loading import load_sample
from setpoint_tui.demo.sample import SAMPLE, SERVICES
from setpoint_tui.demo.stack import running_stack
from setpoint_tui.demo.tour import Tour
from setpoint_tui.formatting import counted
from setpoint_tui.link import HubLink
from setpoint_tui.text_safety import safe_text

__all__ = ["run_demo"]

_ENV = "staging"


def run_demo(data: Path, port: int, *, tour: bool) -> int:
    """Run until it ends by itself or a signal ends it; stop all that was started; return the exit code.

    Raises ChildEnded when a part could not run, after printing the last lines of its log.
    """
    try:
        return asyncio.run(_until_signalled(data, port, tour=tour))
    except ChildEnded as ended:
        # The last line is what the error itself says.
        for line in ended.log[:-1]:
            note((safe_text(line), "dim"))
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
                await self._show(stack.connection)
            except SetpointError as error:
                if not stack.child.has_ended:
                    raise
                raise await stack.child.ended() from error

    async def _show(self, connection: Connection) -> None:
        async with HubLink.open(connection) as link:
            made = await load_sample(link, SAMPLE)
        _report(f"the sample: {_sample_sentence(made)}")
        instances = sum(service.instances for service in SERVICES)
        _report(f"starting {instances} instances of {counted(len(SERVICES), 'service')}")
        async with running_fleet(connection, _ENV, SERVICES, _ignore) as fleet:
            _report(f"all of them follow {_ENV}, after {self._seconds():.1f} s")
            if not self._tour:
                await show_live(connection, _ENV)
                print_line(("stopping; the data is kept", "dim"))
                return
            async with HubLink.open(connection) as link:
                await Tour(link, fleet, env=_ENV, instances=instances).run()
            print_line()
            print_line(("All of it held", "bold green"), f", {self._seconds():.1f} s after the start.")
            print_line(("In a terminal, `setpoint demo` shows the fleet live and lets you change things.", "dim"))

    def _seconds(self) -> float:
        return time.monotonic() - self._started


def _sample_sentence(made: int) -> str:
    there = f"{len(SAMPLE)} keys in {len({key.namespace for key in SAMPLE})} namespaces"
    match made:
        case 0:
            return f"{there}, as they were left"
        case _ if made == len(SAMPLE):
            return f"{there}, made now"
        case _:
            return f"{there}, {made} of them made now"


def _report(line: str) -> None:
    print_line((f"  {line}", "dim"))
    sys.stdout.flush()


def _ignore(_instance: str) -> None:
    """One line for all of them is enough."""
