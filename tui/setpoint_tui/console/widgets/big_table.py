"""A table for hundreds of thousands of rows that draws only those on the screen."""

from collections.abc import Callable, Hashable, Iterable, Iterator, Sequence
from itertools import chain
from typing import Any, ClassVar, Generic, TypeVar

from rich.segment import Segment
from textual import events
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.geometry import Region, Size
from textual.message import Message
from textual.reactive import reactive
from textual.scroll_view import ScrollView
from textual.strip import Strip
from textual.style import Style

from setpoint_tui.console.widgets.cells import Cell, fit_cell
from setpoint_tui.console.widgets.columns import GAP, Column, Placed, place_columns
from setpoint_tui.console.widgets.row_order import find_again

__all__ = ["BigTable", "Cell", "Column"]

R = TypeVar("R", bound=Hashable)
T = TypeVar("T")

_CURSOR = "▸"
_MARK = "●"
_GUTTER = 4
"""Cells before the first column: the cursor, the mark, the caller's glyph, a space."""
_HEADER = 1
_REVERSE = Style(reverse=True)


class _Told(Message, Generic[T]):
    """Something happened to one row of a table."""

    def __init__(self, table: "BigTable[Any]", row_id: T) -> None:
        super().__init__()
        self.table = table
        self.id = row_id

    @property
    def control(self) -> "BigTable[Any]":
        """The table."""
        return self.table


class BigTable(ScrollView, Generic[R], can_focus=True, inherit_bindings=False):
    """Rows in an order that the caller sets; each is known by its id, and so is the cursor.

    `cells` is asked for one row at a time, only when it is drawn; a KeyError draws the row blank. `glyph`
    returns what stands in the one cell before a row, `dimmed` whether it is drawn as out of date; after
    either changes, `refresh_rows` draws the rows anew.
    """

    ALLOW_SELECT = False
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("j,down", "step(1)", "Next row", show=False, id="table.down"),
        Binding("k,up", "step(-1)", "Previous row", show=False, id="table.up"),
        Binding("pagedown", "halves(2)", "Page down", show=False, id="table.page_down"),
        Binding("pageup", "halves(-2)", "Page up", show=False, id="table.page_up"),
        Binding("ctrl+d", "halves(1)", "Half a page down", show=False, id="table.half_page_down"),
        Binding("ctrl+u", "halves(-1)", "Half a page up", show=False, id="table.half_page_up"),
        Binding("g,home", "first", "First row", show=False, id="table.first"),
        Binding("G,end", "last", "Last row", show=False, id="table.last"),
        Binding("enter", "open", "Open", show=False, id="table.open"),
        Binding("space", "mark", "Mark", show=False, id="table.mark"),
    ]
    COMPONENT_CLASSES: ClassVar[set[str]] = {
        "big-table--header",
        "big-table--row",
        "big-table--cursor",
        "big-table--marked",
        "big-table--dim",
        "big-table--empty",
    }
    DEFAULT_CSS = """
    BigTable {
        overflow-x: hidden;
        overflow-y: auto;
        scrollbar-gutter: stable;
        scrollbar-size-vertical: 1;
        color: $foreground;
        & > .big-table--header { text-style: bold; background: $panel; }
        & > .big-table--marked { color: $accent; text-style: bold; }
        & > .big-table--dim { text-style: dim; }
        & > .big-table--cursor { background: $block-cursor-blurred-background; text-style: bold; }
        & > .big-table--empty { color: $text-muted; }
    }
    """

    sort: reactive[tuple[str, bool] | None] = reactive(None)
    """The column that the rows are sorted by, and whether downwards; only the header tells."""
    empty: reactive[Content] = reactive(Content(""))
    """What stands in the table's middle while it has no rows."""

    class Moved(_Told[T | None]):
        """The cursor is on another row: a person moved it, its row vanished, or the first rows came."""

    class Opened(_Told[T]):
        """A person wants to see more of a row."""

    class Marked(_Told[T]):
        """A row was marked, or its mark taken away."""

    def __init__(
        self,
        columns: Sequence[Column],
        *,
        cells: Callable[[R], Sequence[Cell]],
        empty: Cell = "",
        glyph: Callable[[R], str] | None = None,
        dimmed: Callable[[R], bool] | None = None,
        id: str | None = None,  # noqa: A002 - Textual's name for it
        classes: str | None = None,
    ) -> None:
        super().__init__(id=id, classes=classes)
        self._columns = tuple(columns)
        self._cells = cells
        self._glyph = glyph
        self._dimmed = dimmed
        self._order: list[R] = []
        # The cursor's place in the order; None exactly while there are no rows.
        self._place: int | None = None
        self._marks: set[R] = set()
        self._placed: tuple[int, tuple[Placed, ...]] = (-1, ())
        self.set_reactive(BigTable.empty, Content(empty) if isinstance(empty, str) else empty)

    @property
    def order(self) -> Sequence[R]:
        """The rows from top to bottom; not to be changed."""
        return self._order

    @property
    def cursor(self) -> R | None:
        """The id of the row that actions are about; None while there are no rows."""
        return None if self._place is None else self._order[self._place]

    @property
    def marked(self) -> frozenset[R]:
        """The marked rows among those in the table: a mark of a row that a filter hides sleeps until it is back."""
        return frozenset(row for row in self._order if row in self._marks) if self._marks else frozenset()

    def set_rows(self, order: Sequence[R]) -> None:
        """Show these rows, each id once, in this order.

        The cursor stays on its row, and that on its line of the screen; if the cursor is out of view, the
        topmost row stays where it is instead. Posts Moved when the cursor's row is gone.
        """
        old, held, stood = self._order, self.cursor, self._place
        anchor = self._anchor()
        self._order = list(order)
        self._place = find_again(old, stood, self._order) if stood is not None else 0 if order else None
        self.virtual_size = Size(0, len(self._order) + _HEADER)
        if anchor is not None:
            place = self._place if anchor == stood else find_again(old, anchor, self._order)
            self._scroll_rows(self.scroll_offset.y + (place or 0) - anchor)
        self.refresh()
        if self.cursor != held:
            self.post_message(self.Moved(self, self.cursor))

    @property
    def rows_in_view(self) -> Sequence[R]:
        """The rows on the screen, from top to bottom."""
        top = self.scroll_offset.y
        return self._order[top : top + self._lines]

    def refresh_rows(self, ids: Iterable[R]) -> None:
        """Draw these rows anew, as far as they are on the screen."""
        wanted = set(ids)
        top = self.scroll_offset.y
        for line, row in enumerate(self._order[top : top + self._lines]):
            if row in wanted:
                self._refresh_place(top + line)

    def move_cursor_to(self, row_id: R) -> bool:
        """Put the cursor on a row and bring it into view; say whether it is there. Posts nothing."""
        try:
            place = self._order.index(row_id)
        except ValueError:
            return False
        self._put_cursor(place)
        return True

    def toggle_mark(self) -> None:
        """Mark the cursor's row, or take its mark away."""
        if (row := self.cursor) is not None and self._place is not None:
            self._marks ^= {row}
            self._refresh_place(self._place)
            self.post_message(self.Marked(self, row))

    def set_marks(self, ids: Iterable[R]) -> None:
        """Mark exactly these rows, also such as are not in the table now. Posts nothing."""
        self._marks = set(ids)
        self.refresh()

    def action_step(self, rows: int) -> None:
        """Move the cursor by some rows."""
        self._go(rows)

    def action_halves(self, halves: int) -> None:
        """Move the cursor and the view by halves of a page."""
        rows = halves * max(1, self._lines // 2)
        self._scroll_rows(self.scroll_offset.y + rows)
        self._go(rows)

    def action_first(self) -> None:
        """Move the cursor to the first row."""
        self._go(-len(self._order))

    def action_last(self) -> None:
        """Move the cursor to the last row."""
        self._go(len(self._order))

    def action_open(self) -> None:
        """Say that the cursor's row is to be opened."""
        if (row := self.cursor) is not None:
            self.post_message(self.Opened(self, row))

    def action_mark(self) -> None:
        """Mark the cursor's row, or take its mark away."""
        self.toggle_mark()

    def on_click(self, event: events.Click) -> None:
        """Put the cursor on the row that was clicked; a second click on it opens it."""
        offset = event.get_content_offset(self)
        if offset is None or offset.y < _HEADER:
            return
        place = self.scroll_offset.y + offset.y - _HEADER
        if place >= len(self._order):
            return
        event.stop()
        if place != self._place:
            # Rows may have moved between two clicks: then the second one is a first one, on another row.
            self._go_to(place)
        elif event.chain == 2:
            self.action_open()

    def on_resize(self) -> None:
        """Keep the cursor in view."""
        self._reveal()

    def watch_has_focus(self, _focus: bool) -> None:
        """Draw the cursor as one that answers to keys, or not."""
        if self._place is not None:
            self._refresh_place(self._place)

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen."""
        width = self.size.width
        if y < _HEADER:
            return Strip(self._header(width), width)
        place = self.scroll_offset.y + y - _HEADER
        if place < len(self._order):
            return Strip(self._row(place, width), width)
        if not self._order:
            return Strip(self._empty_line(y - _HEADER, width), width)
        return Strip.blank(width, self.get_visual_style("big-table--row").rich_style)

    @property
    def _lines(self) -> int:
        return max(0, self.size.height - _HEADER)

    def _anchor(self) -> int | None:
        """Return the place that is to stay on its line of the screen."""
        top = self.scroll_offset.y
        if self._place is not None and top <= self._place < top + self._lines:
            return self._place
        return top if self._lines and top < len(self._order) else None

    def _go(self, rows: int) -> None:
        if self._place is not None:
            self._go_to(min(max(0, self._place + rows), len(self._order) - 1))

    def _go_to(self, place: int) -> None:
        if self._put_cursor(place):
            self.post_message(self.Moved(self, self.cursor))

    def _put_cursor(self, place: int) -> bool:
        held, self._place = self._place, place
        self._reveal()
        if held == place:
            return False
        if held is not None:
            self._refresh_place(held)
        self._refresh_place(place)
        return True

    def _reveal(self) -> None:
        if self._place is None or not self._lines:
            return
        top = self.scroll_offset.y
        self._scroll_rows(min(self._place, max(top, self._place - self._lines + 1)))

    def _scroll_rows(self, top: int) -> None:
        reachable = min(max(0, top), self.max_scroll_y)
        if reachable != self.scroll_offset.y:
            self.scroll_to(y=reachable, animate=False, force=True)

    def _refresh_place(self, place: int) -> None:
        line = place - self.scroll_offset.y
        if 0 <= line < self._lines:
            self.refresh(Region(0, line + _HEADER, self.size.width, 1))

    def _header(self, width: int) -> Iterator[Segment]:
        style = self.get_visual_style("big-table--header")
        return self._line("", [self._title(column) for column in self._columns], width, style)

    def _title(self, column: Column) -> str:
        if self.sort is None or self.sort[0] != column.name:
            return column.name
        return f"{column.name} {'↓' if self.sort[1] else '↑'}"

    def _row(self, place: int, width: int) -> Iterator[Segment]:
        row = self._order[place]
        try:
            cells = self._cells(row)
            glyph = self._glyph(row) if self._glyph is not None else ""
            dim = self._dimmed is not None and self._dimmed(row)
        except KeyError:
            # The row has just gone from where the cells come from; the order without it is on its way.
            cells, glyph, dim = (), "", True
        at_cursor, marked = place == self._place, row in self._marks
        if at_cursor and self.has_focus:
            # The cursor's row is of one style: colours within it, turned round, would be patches.
            cells = [cell.plain if isinstance(cell, Content) else cell for cell in cells]
        style = self._row_style(at_cursor=at_cursor, marked=marked, dim=dim)
        gutter = f"{_CURSOR if at_cursor else ' '}{_MARK if marked else ' '}{glyph}"
        return self._line(gutter, cells, width, style)

    def _row_style(self, *, at_cursor: bool, marked: bool, dim: bool) -> Style:
        names = [("big-table--marked", marked), ("big-table--dim", dim), ("big-table--cursor", at_cursor)]
        style = self.get_visual_style("big-table--row", *(name for name, given in names if given))
        # Textual leaves `reverse` out of the style that it makes of a component class.
        return style + _REVERSE if at_cursor and self.has_focus else style

    def _line(self, gutter: str, cells: Sequence[Cell], width: int, style: Style) -> Iterator[Segment]:
        # The scrollbar lies over the last cell of what is drawn.
        usable = self.scrollable_content_region.width - _GUTTER
        if usable <= 0:
            return fit_cell("", width, style)
        placed = self._placed_columns(usable)
        used = sum(shown.width for shown in placed) + GAP * (len(placed) - 1) + _GUTTER
        shown = (
            chain(
                fit_cell(cells[at.place] if at.place < len(cells) else "", at.width, style, align=at.column.align),
                fit_cell("", GAP if number < len(placed) else width - used, style),
            )
            for number, at in enumerate(placed, start=1)
        )
        return chain(fit_cell(gutter, _GUTTER - 1, style), fit_cell("", 1, style), *shown)

    def _placed_columns(self, width: int) -> tuple[Placed, ...]:
        if self._placed[0] != width:
            self._placed = (width, place_columns(self._columns, width))
        return self._placed[1]

    def _empty_line(self, line: int, width: int) -> Iterator[Segment]:
        style = self.get_visual_style("big-table--empty")
        said = self.empty.wrap(max(1, width)) if self.empty else []
        number = line - max(0, self._lines - len(said)) // 2
        return fit_cell(said[number] if 0 <= number < len(said) else "", width, style, align="center")
