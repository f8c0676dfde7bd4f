"""The columns of a table, and which of them fit into a width."""

from collections.abc import Sequence
from dataclasses import KW_ONLY, dataclass
from typing import Literal

__all__ = ["GAP", "Column", "Placed", "place_columns"]

GAP = 2
"""Empty cells between two columns."""


@dataclass(frozen=True, slots=True)
class Column:
    """One column. `width` counts cells; None takes what the others leave, shared between such columns.

    When not all fit, those of the lowest priority are left out first, the rightmost of them before the others.
    """

    name: str
    width: int | None
    _: KW_ONLY
    align: Literal["left", "right"] = "left"
    priority: int
    share: int = 1
    """Of what the others leave: a column of share 2 gets twice as much as one of share 1."""
    # Cells below which a flexible column is not squeezed while another can be left out.
    least: int = 12


@dataclass(frozen=True, slots=True)
class Placed:
    """A column that is shown: its place among all, and its cells."""

    place: int
    column: Column
    width: int


def place_columns(columns: Sequence[Column], width: int) -> tuple[Placed, ...]:
    """Return the columns that are shown in `width` cells, from left to right.

    They and the gaps between them take `width` cells at most, and all of them where one column is flexible.
    """
    shown = list(range(len(columns)))
    while len(shown) > 1 and _needed([columns[place] for place in shown]) > width:
        lowest = min(columns[place].priority for place in shown)
        shown.remove(max(place for place in shown if columns[place].priority == lowest))
    widths = _shared([columns[place] for place in shown], width)
    return tuple(Placed(place, columns[place], cells) for place, cells in zip(shown, widths, strict=True) if cells)


def _needed(columns: Sequence[Column]) -> int:
    return sum(column.least if column.width is None else column.width for column in columns) + _gaps(columns)


def _gaps(columns: Sequence[Column]) -> int:
    return GAP * (len(columns) - 1)


def _shared(columns: Sequence[Column], width: int) -> list[int]:
    rest = width - _gaps(columns) - sum(column.width or 0 for column in columns)
    shares = sum(column.share for column in columns if column.width is None)
    widths: list[int] = []
    for column in columns:
        if column.width is None:
            cells = max(0, -(-rest * column.share // shares))
            rest, shares = rest - cells, shares - column.share
            widths.append(cells)
        else:
            widths.append(max(0, min(column.width, width)))
    return widths
