"""Versions and Compare when the hub refuses, answers strangely or does not know the methods: said, and it goes on."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import Any

import pytest

from setpoint.errors import RequestFailed
from setpoint_tui.console.screens.compare import CompareScreen
from setpoint_tui.console.screens.versions import VersionsScreen
from support.waiting import eventually
from tui.console.running import Running, running_console
from tui.scripted_hub import Answer, ScriptedHub, scripted_hub

KEY = ("payments", "max_retries")


def environment(env: str, position: int) -> dict[str, Any]:
    return {"env": env, "revision": 1, "protected": False, "required_approvals": 0, "position": position}


ANSWERS: dict[str, Answer] = {
    "activity_watch": lambda _: {"environments": {"staging": 1, "production": 1}},
    "whoami": lambda _: {"user": {"id": 1, "name": "alice"}, "role": "editor", "hub": "h", "version": "1"},
    "hub_status": lambda _: {
        "hub": "h", "version": "1", "epoch": "e", "ready": True, "redis": "up", "connections": 1, "watchers": 0,
        "uptime_seconds": 1.0,
    },
    "environment_list": lambda _: {"environments": [environment("staging", 1), environment("production", 2)]},
    "namespace_list": lambda _: {"namespaces": [{"namespace": "payments", "keys": 1}]},
    "key_list": lambda _: {"keys": [{"namespace": "payments", "key": "max_retries", "type": "int"}], "next": None},
    "key_get": lambda _: {"namespace": "payments", "key": "max_retries", "type": "int"},
    "fleet_list": lambda _: {"instances": []},
}  # fmt: skip


def refused(_: dict[str, Any]) -> Any:
    raise RequestFailed("your token does not reach staging: ask for the role reader there", kind="forbidden", code=403)


@asynccontextmanager
async def console_over(tmp_path: Path, **answers: Answer) -> AsyncGenerator[tuple[Running, ScriptedHub]]:
    async with scripted_hub(**{**ANSWERS, **answers}) as hub, running_console(hub.connection, tmp_path) as console:
        yield console, hub


async def test_versions_that_the_token_may_not_see_say_what_it_would_need(tmp_path: Path) -> None:
    async with console_over(tmp_path, history=refused) as (console, hub):
        console.app.open_versions("staging", KEY)
        await console.shows("ask for the role reader there")
        asked = hub.times_asked("history")
        # What was refused is not asked for again and again.
        await eventually(lambda: hub.times_asked("hub.status") > 2)
        assert hub.times_asked("history") <= asked + 1
        await console.press("r", "R", "d", "enter", "y", "space")
        assert isinstance(console.app.screen, VersionsScreen)


async def test_a_comparison_that_is_refused_says_why(tmp_path: Path) -> None:
    async with console_over(tmp_path, history=refused, compare=refused) as (console, _):
        await console.press("4")
        await console.shows("ask for the role reader there")
        await console.press("p", "a", "space", "enter", "y", "v")
        assert isinstance(console.app.screen, CompareScreen)


@pytest.mark.parametrize("strange", [None, 3, [], {"rows": 1}, {"changes": [{}]}])
async def test_an_answer_that_is_not_understood_ends_nothing(tmp_path: Path, strange: Any) -> None:
    async with console_over(tmp_path, history=lambda _: strange, compare=lambda _: strange) as (console, _):
        console.app.open_versions("staging", KEY)
        await console.shows("not understood")
        await console.press("4")
        await console.shows_match("(?s)4 Compare.*not understood")
        assert console.app.is_running


async def test_a_mistake_of_ours_in_a_read_is_told_and_ends_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async with console_over(tmp_path) as (console, _):

        async def broken(*_: object, **__: object) -> None:
            raise ZeroDivisionError

        monkeypatch.setattr(console.app.bridge, "story", broken)
        console.app.open_versions("staging", KEY)
        await console.shows("internal error in newest versions")
        assert console.app.is_running


async def test_one_environment_is_not_compared(tmp_path: Path) -> None:
    alone = {"environments": [environment("staging", 1)]}
    async with console_over(tmp_path, environment_list=lambda _: alone) as (console, hub):
        await console.press("4")
        await console.shows("there is one environment only")
        await console.press("w", "right_square_bracket", "p", "a", "v")
        assert hub.times_asked("compare") == 0


def needs_role(_: dict[str, Any]) -> Any:
    said = "this needs the role editor, and this token has the role reader: ask for another token"
    raise RequestFailed(said, kind="forbidden", code=403, data={"needs": {"role": "editor"}})


@pytest.mark.parametrize(
    ("key", "method"), [("1", "key_list"), ("2", "fleet_list"), ("3", "review_list"), ("4", "compare")]
)
async def test_what_is_forbidden_says_on_its_screen_which_role_it_takes(tmp_path: Path, key: str, method: str) -> None:
    answers = {**ANSWERS, method: needs_role}
    async with (
        scripted_hub(**answers) as hub,
        running_console(hub.connection, tmp_path, live=False) as console,
    ):
        await eventually(lambda: console.app.bridge.model.is_live)
        await console.press(key)
        await console.shows("this needs the role editor")


async def test_a_hub_that_knows_no_reviews_says_so_and_the_rest_goes_on(tmp_path: Path) -> None:
    async with console_over(tmp_path) as (console, _):
        await console.press("3")
        await eventually(lambda: console.app.bridge.model.reviews.trouble is not None)
        await console.press("1")
        await console.shows("max_retries")
