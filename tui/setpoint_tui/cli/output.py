"""Where the command line writes: results to stdout, errors and remarks to stderr."""

import json
import sys
from collections.abc import Generator
from contextlib import contextmanager
from typing import Any

import typer
from rich.console import Console
from rich.text import Text

from setpoint.protocol.strict_json import dumps
from setpoint_tui.text_safety import safe_text

__all__ = ["at_terminal", "console", "note", "print_json", "print_json_line", "print_line", "print_value", "waiting"]


def console(*, stderr: bool = False) -> Console:
    """Return a console that takes nothing for markup; NO_COLOR and TERM are respected by rich itself."""
    return Console(stderr=stderr, highlight=False, markup=False, emoji=False)


def print_line(*parts: str | tuple[str, str]) -> None:
    """Print one line of safe text on stdout; a part may be a text and its style."""
    _print(console(), Text.assemble(*parts))


@contextmanager
def waiting(what: str) -> Generator[None]:
    """Show on a terminal that something takes its time."""
    screen = console(stderr=True)
    if not screen.is_terminal:
        yield
        return
    with screen.status(what, spinner="dots"):
        yield


def at_terminal() -> bool:
    """Say whether somebody is there to be asked."""
    return sys.stdin.isatty()


def note(*parts: str | tuple[str, str]) -> None:
    """Print a remark for people on stderr."""
    _print(console(stderr=True), Text.assemble(*parts))


def print_value(text: str) -> None:
    """Print a value as it stands and a line break; to a terminal, without what it would act on."""
    typer.echo(safe_text(text, limit=None, keep="\n\t") if sys.stdout.isatty() else text)


def print_json(document: Any) -> None:
    """Print one JSON document on stdout: on one line, or indented and without controls on a terminal."""
    if not sys.stdout.isatty():
        typer.echo(dumps(document))
        return
    text = json.dumps(document, ensure_ascii=False, indent=2)
    typer.echo("".join(_visible(character) for character in text))


def print_json_line(document: Any) -> None:
    """Print one JSON document on a line of its own, at once."""
    text = dumps(document)
    typer.echo("".join(_visible(character) for character in text) if sys.stdout.isatty() else text)


def _visible(character: str) -> str:
    # Outside of strings JSON is plain ASCII, and inside of them every character may be written as an escape.
    if character.isprintable() or character == "\n":
        return character
    return json.dumps(character)[1:-1] if not character.isascii() else f"\\u{ord(character):04x}"


def _print(target: Console, text: Text) -> None:
    # A line that is cut or wrapped is no longer what a person can copy or a pipe can read.
    target.print(text, soft_wrap=True)
