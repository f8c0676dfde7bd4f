"""What the pages tell people to type is there: every command with its options, every exit code, every key."""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import typer.main

from setpoint_tui.cli.app import app
from setpoint_tui.cli.exit_codes import EXIT_CODES_HELP, ExitCode
from setpoint_tui.console.actions import ACTIONS

ROOT = Path(__file__).parents[2]
PAGES = [
    ROOT / "README.md",
    ROOT / "schema.sql",
    *sorted((ROOT / "docs").glob("*.md")),
    *(ROOT / "examples").glob("*.py"),
]
COMMAND = re.compile(r"(?:`|\$ |&& |^|run: |^ +)(?:[A-Z_]+=\S+ )*setpoint ([a-z][^\n`#|]*)", re.MULTILINE)
NAMES = {
    "question_mark": "?",
    "colon": ":",
    "slash": "/",
    "left_square_bracket": "[",
    "right_square_bracket": "]",
    "exclamation_mark": "!",
    "full_stop": ".",
    "plus": "+",
    "escape": "esc",
}
"""Keys by Textual's names, as people call them."""


def commands_of(page: Path) -> Iterator[tuple[str, list[str]]]:
    """Yield each command line of a page, whole and in words, without what stands in quotes or in brackets."""
    for typed in COMMAND.findall(page.read_text()):
        yield typed, re.sub(r"'[^']*'|\"[^\"]*\"?|\$\([^)]*\)", "…", typed).split()


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_every_command_on_a_page_exists_with_its_options(page: Path) -> None:
    for typed, words in commands_of(page):
        command: Any = typer.main.get_command(app)
        while getattr(command, "commands", None) and words:
            command = command.commands.get(words.pop(0))
            assert command is not None, f"there is no `setpoint {typed}`"
        known = {name for option in command.params for name in option.opts} | {"--help"}
        given = {word for word in words if re.fullmatch("--?[a-z][a-z-]*", word)}
        assert given <= known, f"`setpoint {typed}` has no {given - known}"


def test_pages_tell_commands() -> None:
    assert sum(1 for page in PAGES for _ in commands_of(page)) > 60


def test_help_names_every_exit_code() -> None:
    assert {int(code) for code in ExitCode} == {int(code) for code in re.findall(r"\b(\d+) [a-z]", EXIT_CODES_HELP)}


def test_the_consoles_page_names_every_key() -> None:
    named = set(re.findall(r"`([^`\s]+)`", (ROOT / "docs" / "console.md").read_text()))
    keys = {key for action in ACTIONS.values() for key in action.keys.split(",")}
    assert {NAMES.get(key, key) for key in keys} - named == set()
