"""A typer command that takes -5 for a value and not for options."""

from collections.abc import Iterable
from typing import Any, cast

from typer.core import TyperCommand, TyperOption

from setpoint_tui.arguments import is_negative_number

__all__ = ["ValueCommand"]

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
