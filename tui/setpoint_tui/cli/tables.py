"""Tables for people: fitted to a terminal's width, whole when they are piped."""

from collections.abc import Sequence
from dataclasses import dataclass

from rich.cells import cell_len, set_cell_size
from rich.console import Console
from rich.text import Text

__all__ = ["Cell", "Column", "print_table"]

Cell = str | tuple[str, str]
"""A cell's safe text, or the text and its style."""

_GAP = 2
_NARROWEST = 10
"""Cells that a column may shrink to before others are left out."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `flexible` ones shrink when the screen is narrow; those with a higher `drop` go first."""

    title: str
    right: bool = False
    flexible: bool = False
    drop: int = 0
    style: str = ""


def print_table(console: Console, columns: Sequence[Column], rows: Sequence[Sequence[Cell]]) -> None:
    """Print rows under their titles."""
    natural = [
        max(cell_len(column.title), *(cell_len(_text(row[place])) for row in rows), 0)
        for place, column in enumerate(columns)
    ]
    widths = fit(columns, natural, console.width) if console.is_terminal else dict(enumerate(natural))
    _print_row(console, columns, widths, [(column.title, "dim") for column in columns])
    for row in rows:
        _print_row(console, columns, widths, row)


def fit(columns: Sequence[Column], natural: Sequence[int], available: int) -> dict[int, int]:
    """Return the width of each column that is shown, by its place."""
    shown = list(range(len(columns)))
    while True:
        lacking = sum(natural[place] for place in shown) + _GAP * (len(shown) - 1) - available
        widths = {place: natural[place] for place in shown}
        for place in sorted(shown, key=lambda place: -natural[place]):
            if lacking > 0 and columns[place].flexible:
                given = min(lacking, max(0, widths[place] - _NARROWEST))
                widths[place] -= given
                lacking -= given
        droppable = [place for place in shown if columns[place].drop]
        if lacking <= 0 or not droppable:
            return widths
        shown.remove(max(droppable, key=lambda place: columns[place].drop))


def _print_row(console: Console, columns: Sequence[Column], widths: dict[int, int], row: Sequence[Cell]) -> None:
    line = Text()
    last = max(widths)
    for place, width in widths.items():
        line.append(_cell(columns[place], row[place], width))
        if place != last:
            line.append(" " * _GAP)
    line.rstrip()
    console.print(line, soft_wrap=True)


def _cell(column: Column, cell: Cell, width: int) -> Text:
    text = _text(cell)
    style = cell[1] if isinstance(cell, tuple) else column.style
    missing = width - cell_len(text)
    if missing < 0:
        text = set_cell_size(text, width - 1) + "…"
        missing = 0
    return Text(" " * missing + text if column.right else text + " " * missing, style=style)


def _text(cell: Cell) -> str:
    return cell[0] if isinstance(cell, tuple) else cell
