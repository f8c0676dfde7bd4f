"""Whole screens as they were agreed on, at each size: run with SETPOINT_NEW_SNAPSHOTS=1 to agree on new ones."""

import os
import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from tui.console.running import Running, running_console
from tui.scripted_hub import scripted_hub

FOLDER = Path(__file__).parent / "snapshots"

KEYS = {
    "max_retries": ("int", 3),
    "limits": ("json", {"rps": 50, "burst": [1, 2]}),
    "retry.backoff": ("string", "exponential"),
    "enabled": ("bool", True),
    "欄位.wide": ("string", "日本語 and 👩‍🚀, wide characters"),  # not of our alphabet on purpose
    "long": ("string", "a value that is longer than any column of the table and is cut with an ellipsis"),
}

ENVIRONMENTS = (("development", False), ("staging", False), ("production", True))


def key(name: str) -> dict[str, Any]:
    kind, value = KEYS[name]
    described = {"namespace": "payments", "key": name, "type": kind, "owner": "team-payments", "tags": ["limit"]}
    return {**described, "description": "What it is for.", "value": value, "version": f"v-{name}", "revision": 7}


def environment(place: int, env: str, protected: bool) -> dict[str, Any]:
    rules = {"protected": protected, "required_approvals": 2 if protected else 0, "position": place}
    return {"env": env, "revision": 7, "keys": len(KEYS), **rules}


ANSWERS: dict[str, Callable[[dict[str, Any]], Any]] = {
    "whoami": lambda _: {"user": {"id": 1, "name": "alice"}, "role": "editor", "hub": "h", "version": "0"},
    "hub_status": lambda _: {
        "hub": "h", "version": "0", "epoch": "e", "ready": True, "redis": "connected", "connections": 1, "watchers": 0,
        "uptime_seconds": 1, "environments": [{"env": env, "revision": 7, "watchers": 0} for env, _ in ENVIRONMENTS],
    },
    "environment_list": lambda _: {
        "environments": [environment(place, env, protected) for place, (env, protected) in enumerate(ENVIRONMENTS)]
    },
    "activity_watch": lambda _: {"environments": {env: 7 for env, _ in ENVIRONMENTS}},
    "namespace_list": lambda _: {"namespaces": [{"namespace": "payments", "keys": len(KEYS)}]},
    "key_list": lambda _: {"keys": [key(name) for name in sorted(KEYS)], "next": None},
    "key_get": lambda asked: {**key(asked["key"]), "environments": {}},
    "history": lambda asked: {**asked, "type": "int", "changes": [], "versions": [], "next": None},
    "fleet_list": lambda _: {"instances": []},
}  # fmt: skip


def as_agreed(screen: str) -> str:
    """Return a screen without what differs from run to run."""
    screen = re.sub(r"● live r7 \d\.\ds", "● live r7 0.0s", screen)
    return "\n".join(line.rstrip() for line in screen.split("\n")) + "\n"


def assert_agreed(console: Running, name: str) -> None:
    path = FOLDER / f"{name}.txt"
    seen = as_agreed(console.text)
    if os.environ.get("SETPOINT_NEW_SNAPSHOTS"):
        path.write_text(seen, encoding="utf-8")
    assert seen == path.read_text(encoding="utf-8")


async def settled(console: Running) -> None:
    """Wait until all that was asked for a key has come."""
    await console.shows("never set here" if console.app.size.height >= 30 else "max_retries")
    await console.pilot.pause(0.3)


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_the_screen_of_keys(tmp_path: Path, size: tuple[int, int]) -> None:
    async with scripted_hub(**ANSWERS) as hub, running_console(hub.connection, tmp_path, size=size) as console:
        await settled(console)
        assert_agreed(console, f"keys-{size[0]}x{size[1]}")


async def test_the_help(tmp_path: Path) -> None:
    named = {"path": Path("/home/alice/.config/setpoint/console.toml")}
    async with scripted_hub(**ANSWERS) as hub, running_console(hub.connection, tmp_path, settings=named) as console:
        await settled(console)
        await console.press("question_mark")
        await console.shows("Everywhere")
        assert_agreed(console, "help-120x36")


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_the_editor_of_a_json_value_with_an_error_in_it(tmp_path: Path, size: tuple[int, int]) -> None:
    async with scripted_hub(**ANSWERS) as hub, running_console(hub.connection, tmp_path, size=size) as console:
        await settled(console)
        await console.press("slash", *"limits", "enter", "e")
        await console.shows("based on")
        await console.press(*["down"] * 9, "end", "backspace")
        await console.shows("line ")
        assert_agreed(console, f"edit-{size[0]}x{size[1]}")


async def test_without_colour_every_style_is_grey_and_the_words_are_the_same(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    async with scripted_hub(**ANSWERS) as hub, running_console(hub.connection, tmp_path) as console:
        await settled(console)
        assert_agreed(console, "keys-120x36")
        for strip in console.app.screen._compositor.render_strips():
            for segment in strip.apply_filter(console.app._filters[-1], console.app.screen.styles.background):
                for colour in (segment.style.color, segment.style.bgcolor) if segment.style else ():
                    assert colour is None or colour.triplet is None or len(set(colour.triplet)) == 1
