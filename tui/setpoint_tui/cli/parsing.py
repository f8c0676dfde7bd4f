"""What a person typed: -5 is a value and no option, @FILE and - stand for what is in them."""

import sys
from collections.abc import Iterable
from pathlib import Path
from typing import Any, cast

from typer.core import TyperCommand, TyperOption

from setpoint.errors import InvalidValue
from setpoint.protocol.values import Json, parse_value
from setpoint_tui.arguments import is_negative_number
from setpoint_tui.errors import InvalidSettings

__all__ = ["ValueCommand", "read_constraints", "read_text"]

# No argument of a process can hold a NUL, so nothing that a person typed is taken for a mark.
_MARK = "\0"


class ValueCommand(TyperCommand):
    """A command whose arguments may be negative numbers. It has no option that is called by a digit."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Hide negative numbers from the parser, which would take them for options, and bring them back."""
        rest: list[str] = super().parse_args(ctx, self._marked(args))
        ctx.params.update({name: _unmarked(value) for name, value in ctx.params.items()})
        return [_unmarked(word) for word in rest]

    def _marked(self, args: Iterable[str]) -> list[str]:
        takes_value = {
            name
            for option in self.params
            if isinstance(option, TyperOption) and not option.is_flag
            for name in option.opts
        }
        marked: list[str] = []
        before = ""
        for word in args:
            is_value = is_negative_number(word) and before not in takes_value
            marked.append(_MARK + word if is_value else word)
            before = word
        return marked


def _unmarked(value: Any) -> Any:
    match value:
        case str():
            return value.removeprefix(_MARK)
        case list():
            return [_unmarked(item) for item in cast("list[Any]", value)]
        case _:
            return value


def read_text(text: str) -> str:
    """Return a text as it stands, or what @FILE or - (stdin) holds. Raises InvalidValue and InvalidSettings."""
    if text.startswith("@@"):
        return text[1:]
    try:
        if text == "-":
            return _without_line_break(sys.stdin.read())
        if text.startswith("@"):
            return _without_line_break(Path(text[1:]).read_text(encoding="utf-8"))
    except UnicodeDecodeError as error:
        raise InvalidValue("the value is not text in UTF-8") from error
    except OSError as error:
        hint = "" if text == "-" else f" (for a value that begins with @ type @{text})"
        raise InvalidSettings(f"{text[1:] or 'stdin'} cannot be read: {error.strerror}{hint}") from error
    return text


def read_constraints(text: str) -> Json:
    """Return the JSON that --constraints gives; null takes them away. Raises InvalidValue and InvalidSettings."""
    try:
        return parse_value("json", read_text(text))
    except InvalidValue as error:
        raise InvalidValue(f"--constraints: {error.reason}") from error


def _without_line_break(text: str) -> str:
    # Editors and echo end a file with a line break that nobody means as part of the value.
    return text.removesuffix("\n")
