"""`demo`: the whole of it on this machine, with a sample and a fleet."""

from pathlib import Path
from typing import Annotated

import typer

from setpoint_tui.settings import DEFAULT_PORT

__all__ = ["demo"]


def demo(
    data: Annotated[Path, typer.Option("--data", metavar="DIR", help="Where it keeps its data.")] = Path(".demo"),
    port: Annotated[int, typer.Option("--port", min=1, max=65535, help="A free one if it is taken.")] = DEFAULT_PORT,
) -> None:
    """Start everything with a sample and twelve running instances, and show what happens.

    In a terminal it runs until q or Ctrl-C; otherwise it prints a short tour and ends. The data is kept.
    """
    print(data, port)
