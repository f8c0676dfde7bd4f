"""Every Python block of the client's page runs as it stands, against a hub, in the order of the page."""

import inspect
import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any, get_args

import pytest
from openfeature import api

from client.scripted_hub import ScriptedHub
from setpoint import ConfigClient, State
from setpoint.testing import LocalConfig

PAGE = (Path(__file__).parents[2] / "docs" / "client.md").read_text()
BLOCKS = re.findall(r"^```python\n(.*?)^```$", PAGE, re.MULTILINE | re.DOTALL)


@pytest.fixture
def page(hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[dict[str, Any]]:
    """What the page's blocks have defined."""
    monkeypatch.setenv("SETPOINT_URL", hub.url)
    monkeypatch.setenv("SETPOINT_TOKEN", hub.token)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    hub.put(max_retries=2, rps=10)
    names: dict[str, Any] = {"__name__": "page"}
    clients: list[ConfigClient] = []
    for number, block in enumerate(BLOCKS):
        exec(compile(block, f"docs/client.md, block {number + 1}", "exec"), names)  # noqa: S102 our own page
        clients.append(names["config"])
    yield names
    api.shutdown()
    api.clear_providers()
    for client in clients:
        client.close()


def test_every_block_runs_and_says_what_is_so(page: dict[str, Any]) -> None:
    assert len(BLOCKS) >= 8
    assert page["max_retries"].value == 2
    assert page["limits"].current.rps == 10
    assert page["view"].revision > 0


def test_the_tests_on_the_page_pass(page: dict[str, Any]) -> None:
    page["test_charging"]()
    marked = page["test_charging_once"]
    (marker,) = marked.pytestmark
    marked(LocalConfig(marker.kwargs))


def test_the_table_has_every_state() -> None:
    assert rows_of("| state |") == get_args(State)


def test_the_table_has_every_option_with_its_default() -> None:
    options = [one for one in inspect.signature(ConfigClient).parameters.values() if one.kind is one.KEYWORD_ONLY]
    assert rows_of("| argument |") == tuple(option.name for option in options)
    for option in options:
        if isinstance(option.default, int | float):
            assert f"| `{option.name}` | {str(option.default).lower().removesuffix('.0')} |" in PAGE


def rows_of(head: str) -> tuple[str, ...]:
    """The names in the first column of a table."""
    return tuple(re.findall(r"^\| `(\w+)` \|", PAGE.split(head)[1].split("\n\n")[0], re.MULTILINE))
