"""`demo`: the whole of it on this machine, with a sample and a fleet."""

from pathlib import Path
from typing import Annotated

import typer

from setpoint_tui.cli.looking import has_terminal
from setpoint_tui.cli.programs import require_hub
from setpoint_tui.settings import DEFAULT_PORT

__all__ = ["demo"]


def demo(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where it keeps its data.")] = Path(".demo"),
    port: Annotated[
        int, typer.Option("--port", min=0, max=65535, help="If it is taken, a free one is used.")
    ] = DEFAULT_PORT,
    tour: Annotated[bool, typer.Option("--tour", help="In a terminal too, print the tour and end.")] = False,
) -> None:
    """Start everything with a sample and twelve running instances, and show what happens.

    In a terminal it runs until q or Ctrl-C; otherwise it prints a short tour and ends. The data is kept.
    """
    require_hub()
    # Imported here: no other command needs it.
    from setpoint_tui.demo.run import run_demo  # noqa: PLC0415

    raise typer.Exit(run_demo(data, port, tour=tour or not has_terminal()))
