"""The live view of the demo: what every instance runs, and changes as they happen, until q."""

import asyncio
import random
import uuid
from typing import Any

from rich.console import Console
from rich.live import Live

from setpoint.errors import SetpointError
from setpoint_tui.activity import Following, Happened, Lost, Skipped, follow
from setpoint_tui.answers import Fleet, Receipt, read_answer
from setpoint_tui.arguments import KeyName
from setpoint_tui.cli.output import console
from setpoint_tui.connection import Connection
from setpoint_tui.demo.keyboard import pressed_keys
from setpoint_tui.demo.sample import SAMPLE
from setpoint_tui.demo.scene import Scene, Seen, draw
from setpoint_tui.formatting import format_revision
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import find_key
from setpoint_tui.writing import write

__all__ = ["show_live"]

_POLL_SECONDS = 0.25
_RECONNECT_SECONDS = 1.0
_RECEIPTS_REFRESHED = 3
"""Of so many of the newest change sets the receipt is asked for until all instances run them."""


async def show_live(connection: Connection, env: str) -> None:
    """Show the environment and its fleet until q is pressed."""
    scene = Scene(env, connection.address.url)
    screen = console()
    async with pressed_keys() as keys, asyncio.TaskGroup() as tasks:
        with Live(console=screen, screen=True, auto_refresh=False) as live:
            following = tasks.create_task(_follow(connection, scene))
            polling = tasks.create_task(_poll(connection, scene, screen, live))
            while (key := await keys.get()) != "q":
                await _act(key, connection, scene)
            following.cancel()
            polling.cancel()


async def _follow(connection: Connection, scene: Scene) -> None:
    async for event in follow(connection, scene.env):
        match event:
            case Following(revisions):
                scene.revision = revisions.get(scene.env, scene.revision)
                scene.remark = ""
            case Happened(change_set):
                scene.revision = change_set.revision
                scene.changes.appendleft(Seen(change_set))
            case Lost(reason):
                scene.remark = reason
            case Skipped():
                pass


async def _poll(connection: Connection, scene: Scene, screen: Console, live: Live) -> None:
    while True:
        try:
            async with HubLink.open(connection) as link:
                while True:
                    await _ask(link, scene)
                    live.update(draw(scene, screen.width, screen.height), refresh=True)
                    await asyncio.sleep(_POLL_SECONDS)
        except SetpointError as error:
            scene.remark = str(error)
            live.update(draw(scene, screen.width, screen.height), refresh=True)
            await asyncio.sleep(_RECONNECT_SECONDS)


async def _ask(link: HubLink, scene: Scene) -> None:
    scene.instances = read_answer(Fleet, await link.request("fleet.list", {"env": scene.env})).instances
    for seen in list(scene.changes)[:_RECEIPTS_REFRESHED]:
        if seen.receipt is None or not seen.receipt.complete:
            position = {"env": scene.env, "revision": seen.change_set.revision}
            seen.receipt = read_answer(Receipt, await link.request("receipt", position))


async def _act(key: str, connection: Connection, scene: Scene) -> None:
    try:
        if key == "c":
            scene.remark = ""
            await _change_something(connection, scene.env)
        elif key == "u" and scene.changes:
            scene.remark = ""
            await _undo(connection, scene)
    except SetpointError as error:
        scene.remark = str(error)


async def _change_something(connection: Connection, env: str) -> None:
    """Give a key of the sample the value that it has elsewhere."""
    choices = [key for key in SAMPLE if len({repr(value) for value in key.values}) > 1]
    chosen = random.choice(choices)  # noqa: S311 - any will do
    async with HubLink.open(connection) as link:
        key = await find_key(link, KeyName(chosen.namespace, chosen.key))
        active = key.environments.get(env)
        others = [value for value in chosen.values if active is None or value != active.value]
        change = {"namespace": key.namespace, "key": key.key, "value": random.choice(others)}  # noqa: S311
        await _write(link, "set", {"env": env, "changes": [change], "note": "pressed c"})


async def _undo(connection: Connection, scene: Scene) -> None:
    revision = scene.changes[0].change_set.revision
    async with HubLink.open(connection) as link:
        params = {"env": scene.env, "change_set": revision, "note": f"took {format_revision(revision)} back"}
        await _write(link, "rollback", params)


async def _write(link: HubLink, method: str, params: dict[str, Any]) -> None:
    await write(link, method, params, request_id=str(uuid.uuid4()), wait=0)
