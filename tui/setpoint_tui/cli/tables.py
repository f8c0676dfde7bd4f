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


@dataclass(frozen=True, slots=True)
class Column:
    """One column.

    `flexible` ones shrink to `least` cells when the screen is narrow; then those with a `drop` are left out,
    the highest first.
    """

    title: str
    right: bool = False
    flexible: bool = False
    least: int = 10
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
        widths = _shrunk(columns, {place: natural[place] for place in shown}, available)
        droppable = [place for place in shown if columns[place].drop]
        if _total(widths) <= available or not droppable:
            return widths
        shown.remove(max(droppable, key=lambda place: columns[place].drop))


def _shrunk(columns: Sequence[Column], widths: dict[int, int], available: int) -> dict[int, int]:
    """Take from the widest flexible column, cell by cell, until the row fits or nothing gives any more."""
    shrinkable = {place for place in widths if columns[place].flexible}
    while _total(widths) > available and shrinkable:
        widest = max(shrinkable, key=lambda place: widths[place])
        if widths[widest] > columns[widest].least:
            widths[widest] -= 1
        else:
            shrinkable.remove(widest)
    return widths


def _total(widths: dict[int, int]) -> int:
    return sum(widths.values()) + _GAP * (len(widths) - 1)


def _print_row(console: Console, columns: Sequence[Column], widths: dict[int, int], row: Sequence[Cell]) -> None:
    line = Text()
    last = max(widths)
    for place, width in widths.items():
        line.append(_cell(columns[place], row[place], width))
        if place != last:
            line.append(" " * _GAP)
    line.rstrip()
    if console.is_terminal:
        console.print(line, soft_wrap=True)
    else:
        # Ten thousand rows into a pipe need no rendering.
        console.file.write(line.plain + "\n")


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
