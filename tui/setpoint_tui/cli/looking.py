"""`console`: the terminal console, over the hub that is meant."""

import asyncio
import gc
import logging
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from setpoint_tui.connection import Connection, find_connection
from setpoint_tui.console_settings import ConsoleSettings, connection_of, read_console_settings
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.settings import read_settings

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["console", "has_terminal", "open_console"]


def console(
    hub: Annotated[str | None, typer.Option("--hub", metavar="NAME", help="A hub of console.toml.")] = None,
) -> None:
    """Browse, change, compare and watch, live in this terminal.

    `setpoint` alone does the same in a terminal. Hubs, keys and theme are set in ~/.config/setpoint/console.toml.
    """
    if not has_terminal():
        raise InvalidSettings("the console needs a terminal: do not redirect its input, its output or its errors")
    settings = read_console_settings(os.environ)
    name, connection = _which(hub, settings)
    open_console(connection, settings, hub_name=name)


def has_terminal() -> bool:
    """Say whether a console can be shown: what it draws goes to standard error, where Textual writes."""
    return all(stream.isatty() for stream in (sys.stdin, sys.stdout, sys.stderr))


def open_console(connection: Connection, settings: ConsoleSettings, *, hub_name: str = "") -> None:
    """Run the console until it is left."""
    # Imported here: no other command needs Textual.
    from setpoint_tui.console.app import Console  # noqa: PLC0415

    # Loading makes hundreds of thousands of objects that stay: looking through them again and again is in vain.
    gc.set_threshold(100_000, 20, 20)
    _log_to(settings.state_folder / "console.log")
    app = Console(connection, settings, hub_name=hub_name)
    asyncio.run(_until_signalled(app))
    raise typer.Exit(app.return_code or 0)


async def _until_signalled(app: "Console") -> None:
    """Run the app; a signal that would end it leaves in order: drafts are kept, the terminal is given back."""
    loop = asyncio.get_running_loop()
    for number in (signal.SIGTERM, signal.SIGHUP):
        loop.add_signal_handler(number, app.leave, 128 + number)
    await app.run_async()


def _which(named: str | None, settings: ConsoleSettings) -> tuple[str, Connection]:
    """Return the hub that is meant: by option, by SETPOINT_URL, by the file's default, else this machine's."""
    operator = read_settings(os.environ)
    chosen = named or (None if operator.url else settings.default_hub)
    if chosen is None:
        return "", find_connection(operator)
    if chosen not in settings.hubs:
        known = ", ".join(settings.hubs) or "none"
        raise InvalidSettings(f"{settings.path} names no hub {chosen[:40]!r}: it names {known}")
    return chosen, connection_of(chosen, settings.hubs[chosen], os.environ)


def _log_to(path: Path) -> None:
    """Send the log to a file: on standard error it would tear the screen."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True, mode=0o700)
        target: logging.Handler = logging.FileHandler(path, encoding="utf-8", delay=True)
    except OSError:
        target = logging.NullHandler()
    logging.basicConfig(
        handlers=[target], level=logging.WARNING, format="%(asctime)s %(name)s %(levelname)s %(message)s"
    )
