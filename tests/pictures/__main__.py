"""`make pictures`: starts the demo's stack, sample and fleet, and takes a picture of every screen into docs/images."""

import asyncio
import re
import sys
import tempfile
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from textual.pilot import Pilot

from setpoint_tui.connection import Connection
from setpoint_tui.console.app import Console
from setpoint_tui.console_settings import ConsoleSettings
from setpoint_tui.demo.fleet import running_fleet
from setpoint_tui.demo.loading import load_sample
from setpoint_tui.demo.sample import SAMPLE, SERVICES
from setpoint_tui.demo.stack import running_stack
from setpoint_tui.demo.tokens import give_tokens
from setpoint_tui.link import HubLink
from support.waiting import eventually

FOLDER = Path(__file__).parents[2] / "docs" / "images"
ENV = "staging"

_WEB_FONT = re.compile(r"\s*@font-face \{.*?\}", re.DOTALL)
_UNIQUE = re.compile(r"terminal-\d+")


@dataclass
class Camera:
    """A console on the demo, and the keys that bring it to what is to be seen."""

    app: Console
    pilot: Pilot[None]

    async def press(self, *keys: str) -> None:
        """Press keys."""
        await self.pilot.press(*keys)
        await self.pilot.pause()

    async def shows(self, text: str) -> None:
        """Wait for a text on the screen."""

        def is_shown() -> bool:
            strips = self.app.screen._compositor.render_strips()
            seen = "\n".join("".join(segment.text for segment in strip) for strip in strips)
            assert text in seen, f"no {text!r} in\n{seen}"
            return True

        await eventually(is_shown, within=20)
        await self.pilot.pause(0.3)

    def take(self, name: str) -> None:
        """Take a picture; fonts are the reader's own, and the same screen gives the same file."""
        picture = self.app.export_screenshot(title=f"setpoint · {name}")
        picture = _UNIQUE.sub("setpoint", _WEB_FONT.sub("", picture)).replace("Fira Code, monospace", "monospace")
        (FOLDER / f"console-{name}.svg").write_text(picture, encoding="utf-8")
        print(f"docs/images/console-{name}.svg")


async def keys(camera: Camera) -> None:
    """Browse: somebody has just changed what is looked at."""
    await camera.press("slash", *"retries", "enter", "escape")
    await camera.shows("last changes")
    camera.take("keys")


async def edit(camera: Camera) -> None:
    """Change a value: the editor, then the diff with its reach, then how far it has come."""
    await camera.press("slash", *"retries", "enter", "e")
    await camera.shows("based on")
    await camera.press("up", "up")
    camera.take("edit")
    await camera.press("ctrl+s")
    await camera.shows("reaches")
    camera.take("confirm")
    await camera.press("y")
    await camera.shows("9/9 run it")
    await camera.press("escape")


async def versions(camera: Camera) -> None:
    """Every value that a key ever had."""
    await camera.press("slash", *"retries", "enter", "v")
    await camera.shows("the sample")
    camera.take("versions")
    await camera.press("escape", "escape")


async def compare(camera: Camera) -> None:
    """Two environments side by side."""
    await camera.press("4")
    await camera.shows("differ")
    await camera.press("space", "j", "space")
    camera.take("compare")
    await camera.press("1")


async def reviews(camera: Camera) -> None:
    """What waits for approval."""
    await camera.press("3")
    await camera.shows("a week in staging")
    await camera.shows("vector.enabled")
    camera.take("reviews")


async def fleet(camera: Camera) -> None:
    """What each instance runs."""
    await camera.press("2")
    await camera.shows("edge-gateway")
    camera.take("fleet")


async def activity(camera: Camera) -> None:
    """Who changed what."""
    await camera.press("5")
    await camera.shows("the sample")
    camera.take("activity")


SCENES: tuple[Callable[[Camera], Awaitable[None]], ...] = (keys, edit, versions, reviews, compare, fleet, activity)


async def take_all(connection: Connection, folder: Path) -> None:
    """Take every picture, each on a console that has just been opened."""
    for scene in SCENES:
        app = Console(connection, ConsoleSettings(state_folder=folder / scene.__name__), first_env=ENV)
        async with app.run_test(size=(120, 36)) as pilot:
            camera = Camera(app, pilot)
            await camera.shows("46 keys")
            await scene(camera)


async def main() -> None:
    """Start the demo, take the pictures, stop it."""
    FOLDER.mkdir(exist_ok=True)
    with tempfile.TemporaryDirectory(prefix="setpoint-pictures-") as folder:
        data = Path(folder) / "data"
        async with running_stack(data, 0, lambda _: None) as stack:
            async with HubLink.open(stack.connection) as link:
                await load_sample(link, SAMPLE)
                tokens = await give_tokens(link, ENV, SERVICES)
            async with running_fleet(stack.connection.address.url, ENV, tokens, lambda _: None):
                await take_all(stack.connection, Path(folder))


if __name__ == "__main__":
    sys.exit(asyncio.run(main()))
