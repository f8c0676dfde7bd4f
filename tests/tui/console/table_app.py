"""An app that shows one table and notes what it tells."""

from collections.abc import AsyncGenerator, Callable, Sequence
from contextlib import asynccontextmanager

from textual.app import App, ComposeResult
from textual.content import Content
from textual.pilot import Pilot

from setpoint_tui.console.widgets.big_table import BigTable, Cell, Column

COLUMNS = (
    Column("KEY", None, priority=9),
    Column("TYPE", 6, priority=2),
    Column("VALUE", 10, priority=5, align="right"),
    Column("AGE", 4, priority=1),
)


def plain_cells(row: int) -> Sequence[Cell]:
    """The cells of a row with nothing special in it."""
    return [f"key-{row}", "int", str(row), "2m"]


class TableApp(App[None]):
    """A table of numbers."""

    def __init__(self, cells: Callable[[int], Sequence[Cell]]) -> None:
        super().__init__()
        self.told: list[tuple[str, int | None]] = []
        self.drawn: list[int] = []
        self.glyphs: dict[int, str] = {}
        self.dim: set[int] = set()
        self._cells = cells
        self.table = BigTable[int](
            COLUMNS,
            cells=self._draw,
            glyph=lambda row: self.glyphs.get(row, ""),
            dimmed=lambda row: row in self.dim,
            empty=Content("Nothing here yet\npress n"),
        )

    def compose(self) -> ComposeResult:
        yield self.table

    def _draw(self, row: int) -> Sequence[Cell]:
        self.drawn.append(row)
        return self._cells(row)

    def on_big_table_moved(self, event: BigTable.Moved[int]) -> None:
        self.told.append(("moved", event.id))

    def on_big_table_opened(self, event: BigTable.Opened[int]) -> None:
        self.told.append(("opened", event.id))

    def on_big_table_marked(self, event: BigTable.Marked[int]) -> None:
        self.told.append(("marked", event.id))

    @property
    def lines(self) -> list[str]:
        """What stands on the table's lines, the header first."""
        return [self.table.render_line(y).text for y in range(self.table.size.height)]

    @property
    def cursor_line(self) -> int:
        """The line of the screen that the cursor is drawn on."""
        (line,) = [y for y, text in enumerate(self.lines) if text.startswith("▸")]
        return line


@asynccontextmanager
async def shown_table(
    rows: Sequence[int],
    *,
    size: tuple[int, int] = (60, 11),
    cells: Callable[[int], Sequence[Cell]] = plain_cells,
) -> AsyncGenerator[tuple[TableApp, Pilot[None]]]:
    """Show a table with the focus, ten rows high unless told; what it told and drew so far is forgotten."""
    app = TableApp(cells)
    async with app.run_test(size=size) as pilot:
        app.table.focus()
        app.table.set_rows(rows)
        await pilot.pause()
        app.told.clear()
        app.drawn.clear()
        yield app, pilot
