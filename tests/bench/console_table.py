"""The console's table and filter over very many keys, in a terminal of 120 by 36 that swallows what it is sent."""

import argparse
import asyncio
import gc
import platform
import resource
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any

from textual import events
from textual._compositor import CompositorUpdate
from textual.app import App, ComposeResult
from textual.screen import Screen
from textual.strip import Strip

from bench.table import Table, milliseconds, percentile
from setpoint_tui.console.widgets.big_table import BigTable, Cell, Column
from setpoint_tui.model.filtering import FilterIndex, parse_filter

KeyId = tuple[str, str]

NOW = datetime(2026, 1, 1, tzinfo=UTC)
PRESSES = 300
ROUNDS = 15
COLUMNS = (
    Column("KEY", None, priority=9),
    Column("TYPE", 6, priority=3),
    Column("VALUE", 24, priority=8),
    Column("REV", 6, align="right", priority=1),
    Column("AGE", 4, align="right", priority=2),
)


@dataclass(frozen=True, slots=True)
class Row:
    """One key in one environment."""

    namespace: str
    key: str
    type: str
    owner: str
    tags: tuple[str, ...]
    value_text: str
    changed_at: datetime


class WatchedTable(BigTable[KeyId]):
    """A table that knows whether it was drawn."""

    drawn = False

    def render_line(self, y: int) -> Strip:
        """Return one line of the screen."""
        self.drawn = True
        return super().render_line(y)


class Terminal(App[None]):
    """One table; it counts as painted when what a terminal would be sent is made from lines it drew."""

    def __init__(self, cells: Callable[[KeyId], Sequence[Cell]]) -> None:
        super().__init__()
        self.table = WatchedTable(COLUMNS, cells=cells)
        self.painted = asyncio.Event()

    def compose(self) -> ComposeResult:
        yield self.table

    def _display(self, screen: Screen[object], renderable: Any) -> None:
        if isinstance(renderable, CompositorUpdate):
            renderable.render_segments(self.console)
            if self.table.drawn:
                self.painted.set()
        super()._display(screen, renderable)

    async def until_painted(self, act: Callable[[], object]) -> float:
        """Do something; return the seconds until it was painted."""
        self.painted.clear()
        self.table.drawn = False
        began = time.perf_counter()
        act()
        async with asyncio.timeout(20):
            await self.painted.wait()
        return time.perf_counter() - began

    def press(self, key: str) -> None:
        """Send a key as the terminal does."""
        self.post_message(events.Key(key, key if len(key) == 1 else None))


async def run(asked: argparse.Namespace) -> list[Table]:
    """Measure filling, moving, repainting and filtering."""
    before = resident()
    rows = made_rows(asked.rows)
    index = FilterIndex[KeyId](rows.__getitem__)
    began = time.perf_counter()
    for row_id, row in rows.items():
        index.put(row_id, f"{row.namespace}/{row.key}")
    indexed = time.perf_counter() - began
    table = Table(f"the console's table, {asked.rows:,} rows at 120x36", ("", "median", "p99"))
    table.add("indexing every name for the filter", milliseconds(indexed), "")
    app = Terminal(lambda row_id: cells_of(rows[row_id]))
    async with app.run_test(size=(120, 36)) as pilot:
        app.table.focus()
        await pilot.pause()
        await measure_table(table, app, list(rows))
        await measure_filter(table, app, index, list(rows))
    table.add("memory: rows, index and table", f"{(resident() - before) / 1e6:,.0f} MB", "")
    return [table]


async def measure_table(table: Table, app: Terminal, order: list[KeyId]) -> None:
    """Measure what people and changes do to the table."""
    shown = app.table
    add(table, "filling, until painted", [await app.until_painted(lambda: shown.set_rows(order))])
    add(table, "cursor down, key to paint", [await app.until_painted(lambda: app.press("j")) for _ in range(PRESSES)])
    gc.freeze()
    spared = [await app.until_painted(lambda: app.press("j")) for _ in range(PRESSES)]
    add(table, "the same, what is loaded kept from the garbage collector", spared)
    pages = [await app.until_painted(lambda: app.press("pagedown")) for _ in range(PRESSES)]
    add(table, "page down, key to paint", pages)
    middle = order[len(order) // 2]
    shown.move_cursor_to(middle)
    await app.until_painted(shown.refresh)
    add(table, "drawing one row", [draw_one(shown) for _ in range(PRESSES)])
    changed = [await app.until_painted(lambda: shown.refresh_rows([middle])) for _ in range(PRESSES)]
    add(table, "one row changed, until painted", changed)
    orders = [order[::-1], order] * (ROUNDS // 2)
    turned = [await app.until_painted(lambda new=new: shown.set_rows(new)) for new in orders]  # type: ignore[misc]
    add(table, "order turned round, cursor kept, until painted", turned)


async def measure_filter(table: Table, app: Terminal, index: FilterIndex[KeyId], order: list[KeyId]) -> None:
    """Measure letters typed into the filter, each until the rows that are left are painted."""
    taken: dict[str, list[float]] = {}
    for _ in range(ROUNDS):
        for text in ("r", "re", "retry 99", "type:json", "re:retry.*99", ""):
            index.put(order[0], "/".join(order[0]))
            taken.setdefault(text, []).append(
                await app.until_painted(lambda text=text: app.table.set_rows(index.search(parse_filter(text), NOW)))  # type: ignore[misc]
            )
    for text, seconds in taken.items():
        add(table, f"filter {text}" if text else "filter cleared", seconds)


def draw_one(shown: BigTable[KeyId]) -> float:
    """Return the seconds that one line takes to be made."""
    began = time.perf_counter()
    shown.render_line(10)
    return time.perf_counter() - began


def add(table: Table, name: str, seconds: list[float]) -> None:
    """Add a row of figures."""
    worst = milliseconds(percentile(seconds, 0.99)) if len(seconds) > 1 else ""
    table.add(name, milliseconds(percentile(seconds, 0.5)), worst)


def made_rows(count: int) -> dict[KeyId, Row]:
    """Return keys such as companies have, in 200 namespaces."""
    areas = ("retry", "limit", "timeout", "flag", "region", "cache")
    types = ("int", "string", "bool", "float", "json")
    rows: dict[KeyId, Row] = {}
    for number in range(count):
        space, key = f"service-{number % 200:03}", f"checkout.{areas[number % 6]}.max-{number:06}"
        changed = NOW - timedelta(seconds=number)
        rows[space, key] = Row(space, key, types[number % 5], f"team-{number % 40}", (), f"value {number}", changed)
    return rows


def cells_of(row: Row) -> Sequence[Cell]:
    """Return a row's cells."""
    return (row.key, row.type, row.value_text, "r1847", "2m")


def resident() -> int:
    """Return the most bytes that this process has held."""
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss
    return peak if platform.system() == "Darwin" else peak * 1024
