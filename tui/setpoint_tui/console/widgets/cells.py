"""Text cut and padded to an exact number of terminal cells, whatever it holds."""

from collections.abc import Iterable, Iterator
from typing import Literal, TypeAlias

from rich.cells import cell_len, set_cell_size
from rich.segment import Segment
from textual.content import Content
from textual.style import Style

from setpoint_tui.text_safety import safe_text

__all__ = ["Cell", "fit_cell"]

Cell: TypeAlias = str | Content
"""What a table shows in one place. A plain string is never read as markup."""

# Terminals disagree about the cells that joined emoji and emoji presentation take: shown apart they agree.
_DISPUTED = {0x200D: None, 0xFE0F: None}


def fit_cell(
    cell: Cell, width: int, style: Style, *, align: Literal["left", "right", "center"] = "left"
) -> Iterator[Segment]:
    """Yield segments that take exactly `width` cells, with nothing in them that a terminal would act on."""
    pieces = list(_pieces(cell, style))
    missing = width - sum(cell_len(piece.text) for piece in pieces)
    if missing < 0:
        pieces = list(_cropped(pieces, width))
        missing = 0
    left = {"left": 0, "right": missing, "center": missing // 2}[align]
    if left:
        yield Segment(" " * left, style.rich_style)
    yield from pieces
    if missing > left:
        yield Segment(" " * (missing - left), style.rich_style)


def _pieces(cell: Cell, style: Style) -> Iterator[Segment]:
    if isinstance(cell, str):
        yield Segment(_clean(cell), style.rich_style)
        return
    for text, own in cell.render(style, end=""):
        yield Segment(_clean(text), own.rich_style)


def _clean(text: str) -> str:
    return text if text.isascii() and text.isprintable() else safe_text(text).translate(_DISPUTED)


def _cropped(pieces: Iterable[Segment], width: int) -> Iterator[Segment]:
    """Yield pieces of `width` cells, the last of them `…`: only what does not fit is cropped."""
    left = width - 1
    for text, style, _ in pieces:
        cells = cell_len(text)
        if cells > left:
            # Nothing that could take part of a wide character is left out: a space stands in for its half.
            yield Segment(set_cell_size(text, left) + "…" if left >= 0 else "", style)
            return
        left -= cells
        yield Segment(text, style)
