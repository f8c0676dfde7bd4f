"""A console that runs under a pilot, over a real hub or a scripted one."""

import re
from collections.abc import AsyncGenerator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

from textual.pilot import Pilot

from setpoint_tui.address import parse_address
from setpoint_tui.connection import Connection
from setpoint_tui.console.app import Console
from setpoint_tui.console_settings import ConsoleSettings
from support.hubs import RunningHub
from support.waiting import eventually
from support.wire import Wire

__all__ = ["Running", "connection_to", "running_console", "sample_keys"]


class Running:
    """A console and its pilot; what it shows is read as text."""

    def __init__(self, app: Console, pilot: Pilot[None]) -> None:
        self.app = app
        self.pilot = pilot

    @property
    def text(self) -> str:
        """The screen, line by line, without colours."""
        strips = self.app.screen._compositor.render_strips()
        return "\n".join("".join(segment.text for segment in strip) for strip in strips)

    async def shows(self, text: str) -> str:
        """Wait until the screen shows a text; return the screen."""

        def is_shown() -> bool:
            assert text in self.text, f"no {text!r} in\n{self.text}"
            return True

        await eventually(is_shown)
        return self.text

    async def shows_match(self, pattern: str) -> str:
        """Wait until the screen shows what a pattern matches; return the screen."""

        def is_shown() -> bool:
            assert re.search(pattern, self.text), f"no {pattern!r} in\n{self.text}"
            return True

        await eventually(is_shown)
        return self.text

    async def press(self, *keys: str) -> None:
        """Press keys, one after another."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def type(self, text: str) -> None:
        """Type a text."""
        await self.press(*text)

    async def is_live(self) -> None:
        """Wait until everything is loaded and followed."""
        await eventually(lambda: self.app.bridge.model.is_live and self.app.bridge.model.facts_complete)
        await self.pilot.pause()


def connection_to(hub: RunningHub, token: str | None = None) -> Connection:
    """Return the way to a hub of a test."""
    return Connection(parse_address(hub.address), token or hub.token, "the test")


@asynccontextmanager
async def running_console(
    connection: Connection,
    folder: Path,
    *,
    size: tuple[int, int] = (120, 36),
    settings: Mapping[str, Any] | None = None,
    live: bool = True,
) -> AsyncGenerator[Running]:
    """Run a console whose state is kept in `folder`; wait until it is live unless told otherwise."""
    given = ConsoleSettings(**{"state_folder": folder, "path": folder / "console.toml", **(settings or {})})
    app = Console(connection, given)
    async with app.run_test(size=size, notifications=True) as pilot:
        running = Running(app, pilot)
        if live:
            await running.is_live()
        yield running


async def sample_keys(wire: Wire, env: str = "development") -> None:
    """Make a few keys of every type in two namespaces, with values in one environment."""
    keys: list[tuple[str, str, str, object]] = [
        ("payments", "max_retries", "int", 3),
        ("payments", "retry.backoff", "string", "linear"),
        ("payments", "limits", "json", {"rps": 50, "burst": [1, 2]}),
        ("payments", "enabled", "bool", True),
        ("search", "ratio", "float", 0.5),
    ]
    for namespace, key, kind, _ in keys:
        await wire.ask("key.create", namespace=namespace, key=key, type=kind, owner=f"team-{namespace}")
    changes = [{"namespace": namespace, "key": key, "value": value} for namespace, key, _, value in keys]
    # Of the environments only production is protected, and the tests' token is an admin's.
    await wire.ask("set", env=env, changes=changes, note="the first values", break_glass=True)
