"""What tests of dialogs do again and again: select a key, wait for a dialog, look at what a key holds."""

import time
from typing import Any, TypeVar

from textual.screen import Screen

from setpoint_tui.console.screens.keys import KeysScreen
from setpoint_tui.console.widgets.big_table import BigTable
from setpoint_tui.model.keys import KeyId
from support.waiting import eventually
from support.wire import Wire
from tui.console.running import Running

__all__ = ["ENV", "armed", "closed", "keys_table", "notes_of", "opened", "said", "select", "value_of"]

ENV = "development"
S = TypeVar("S", bound=Screen[Any])


async def value_of(wire: Wire, key: str, *, namespace: str = "payments", env: str = ENV) -> Any:
    """Return what a key holds, or None when it holds nothing."""
    found = (await wire.ask("key.get", namespace=namespace, key=key))["environments"].get(env)
    return None if found is None else found["value"]


async def notes_of(wire: Wire, key: str, *, namespace: str = "payments", env: str = ENV) -> list[str]:
    """Return the notes of a key's changes, newest first."""
    story = await wire.ask("history", env=env, namespace=namespace, key=key)
    return [change["note"] for change in story["changes"]]


def keys_table(console: Running) -> BigTable[KeyId]:
    """Return the table of keys."""
    front = console.app.front
    assert isinstance(front, KeysScreen)
    return front.table


async def select(console: Running, key: str, *, namespace: str = "payments", env: str = ENV) -> None:
    """Put the cursor on a key, and wait until it is there."""
    console.app.bridge.go_to(env, None, (namespace, key))
    table = keys_table(console)

    def is_there() -> bool:
        model = console.app.bridge.model
        if table.cursor != (namespace, key) or model.selection.env != env:
            model.select(env=env, key=(namespace, key))
        return table.cursor == (namespace, key) and model.places[env].loading.name == "COMPLETE"

    await eventually(is_there)
    await console.pilot.pause()


async def opened(console: Running, kind: type[S]) -> S:
    """Wait until a dialog of a kind is on top; return it."""
    await eventually(lambda: isinstance(console.app.screen, kind) and console.app.screen.is_mounted)
    await console.pilot.pause()
    found = console.app.screen
    assert isinstance(found, kind)
    return found


def armed(console: Running, env: str) -> None:
    """Let a protected environment be written to for a while."""
    console.app.bridge.model.arming.arm(env, time.monotonic())


async def closed(console: Running) -> None:
    """Wait until no dialog is open."""
    await eventually(lambda: console.app.screen is console.app.front)
    await console.pilot.pause()


async def said(console: Running, text: str) -> None:
    """Wait until the console has said something."""

    def was_said() -> bool:
        lines = [notice.text for notice in console.app.bridge.model.notices.lines]
        assert any(text in line for line in lines), f"no {text!r} in {lines}"
        return True

    await eventually(was_said)
