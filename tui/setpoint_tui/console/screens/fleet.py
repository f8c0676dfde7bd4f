"""Fleet: what each instance of an environment runs, problems first, and how far our last write has reached."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.content import Content
from textual.widgets import Input, Static

from setpoint_tui.answers import Instance
from setpoint_tui.console.actions import bindings
from setpoint_tui.console.dialogs.instance import InstanceDialog
from setpoint_tui.console.screens.filtered import FilteredScreen
from setpoint_tui.console.widgets.big_table import BigTable, Cell, Column
from setpoint_tui.console.widgets.fleet_rows import header_cells, instance_cells, summary_lines
from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.console.widgets.reach import reach_bar
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.formatting import format_revision
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.fleet_list import FleetList
from setpoint_tui.model.fleet_view import SORTS, FleetRow, ServiceCount, ServiceHeader
from setpoint_tui.model.link_state import not_there_because
from setpoint_tui.model.own_writes import OwnWrite
from setpoint_tui.text_safety import safe_text

__all__ = ["FleetScreen"]

_OWN = ("filter", "open", "sort", "group", "copy_name", "back", "retry")

_COLUMNS = {
    "state": "STATE",
    "service": "SERVICE",
    "instance": "INSTANCE",
    "runs": "RUNS",
    "behind": "BEHIND BY",
    "seen": "SEEN",
}

_REACH_SHOWN_SECONDS = 60.0
"""How long the reach of our last write stays on show once it is complete."""


class FleetScreen(FilteredScreen):
    """The instances of the selected environment. It changes nothing."""

    NAME = "fleet"
    CSS_PATH = "fleet.tcss"
    HINTS = ("help", "open", "filter", "sort", "group", "next_environment", "quit")
    FILTER_HELP = "words AND; service: state: source: label: runs: !not"
    ACTION_IDS = _OWN
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*_OWN)]

    def __init__(self) -> None:
        super().__init__()
        self.listed = FleetList()
        self._trouble: str | None = None
        """What is wrong with the filter as it is typed."""

    def compose_body(self) -> ComposeResult:
        yield Static(id="summary", markup=False)
        yield BigTable[FleetRow](
            [
                Column("SERVICE", 14, priority=4),
                Column("INSTANCE", 24, priority=10),
                Column("RUNS", 7, align="right", priority=8),
                Column("TARGET", 7, align="right", priority=3),
                Column("BEHIND BY", 9, align="right", priority=6),
                Column("SEEN", 6, align="right", priority=5),
                Column("SOURCE", 6, priority=2),
                Column("APPLIED", 7, align="right", priority=1),
                Column("STATE", None, priority=9, least=12),
            ],
            cells=self._cells,
            dimmed=lambda _: not self.model.is_live,
            id="fleet-table",
            classes="pane",
        )
        yield PlainInput(placeholder="words, service: state: source: label: runs: !not", id="filter")
        yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        self.restore(self.console.bridge.restored_of(self.NAME))
        self.table.focus()
        self.set_interval(1.0, self._age)

    # -- what is on show

    @property
    def table(self) -> BigTable[FleetRow]:
        """The instances."""
        return cast("BigTable[FleetRow]", self.query_one("#fleet-table"))

    @property
    def _env(self) -> str:
        return self.model.selection.env or ""

    def show_body(self, dirty: Dirty) -> None:
        if dirty.has(Topic.FLEET, Topic.SELECTION, Topic.LINK):
            self._update_rows()
        if dirty.has(Topic.FLEET, Topic.SELECTION, Topic.LINK, Topic.WRITES):
            self._draw_around()

    def _update_rows(self) -> None:
        if self.listed.take(self._env, self.model.fleet.get(self._env)):
            self.table.set_rows(self.listed.order)
        self.table.refresh()

    def _draw_around(self) -> None:
        table, listed = self.table, self.listed
        table.empty = self._empty()
        table.sort = (_COLUMNS[listed.sort], listed.descending)
        table.border_title = f"fleet of {safe_text(self._env)}"
        self._draw_summary()
        self._draw_status()

    def _draw_summary(self) -> None:
        width, most = max(self.size.width - 4, 20), self._summary_lines
        lines: list[Content] = []
        write = self._reaching()
        if write is not None and write.receipt is not None and write.revision is not None and most > 1:
            head = Content.styled(f"our {format_revision(write.revision)} {safe_text(write.title, limit=60)}", "bold")
            lines += [head, *reach_bar(write.receipt, width)][: 4 if most > 3 else 2]
        if self.listed.shown:
            lines += summary_lines(self.listed.summary, width, most)
        summary = self.query_one("#summary", Static)
        summary.update(Content("\n").join(lines))
        summary.display = bool(lines)

    @property
    def _summary_lines(self) -> int:
        """How much room the numbers may take."""
        height = self.size.height
        return 6 if height >= 30 else 3 if height >= 20 else 1

    def _reaching(self) -> OwnWrite | None:
        newest = self.model.own.newest
        if newest is None or newest.env != self._env or newest.revision is None:
            return None
        recent = time.monotonic() - newest.at < _REACH_SHOWN_SECONDS
        return newest if newest.is_reaching or recent else None

    def _draw_status(self) -> None:
        listed, seen = self.listed, self.model.fleet.get(self._env)
        words = [f"/ {safe_text(listed.filter_text)}  esc clears"] if listed.filter_text else []
        words += [f"{listed.shown:,} of {listed.total:,}"]
        words += [f"sort {listed.sort} {'↓' if listed.descending else '↑'}"]
        words += ["by service"] if listed.grouped else []
        if seen is not None:
            words.append(f"as of {seen.at:%H:%M:%S}")
        trouble = self._trouble or self.model.fleet_trouble.get(self._env)
        if trouble is not None:
            words.insert(0, safe_text(trouble, limit=200))
        self.query_one("#status", Static).update(
            Content.styled(" · ".join(words), "$text-muted" if trouble is None else "$text-error")
        )

    def _empty(self) -> Content:
        env, seen = safe_text(self._env), self.model.fleet.get(self._env)
        trouble = self.model.fleet_trouble.get(self._env)
        if trouble is not None:
            return Content(safe_text(trouble))
        if seen is None:
            return Content(not_there_because(self.model.link))
        if seen.instances:
            return Content.assemble("nothing matches ", (safe_text(self.listed.filter_text), "bold"), " · esc clears")
        return Content(
            f"no instance follows {env} yet: start a service with SETPOINT_ENV={env}, "
            f"or go to another environment with {self.console.key_of('next_environment')}"
        )

    def _cells(self, row: FleetRow) -> Sequence[Cell]:
        if isinstance(row, ServiceHeader):
            return header_cells(self._counted(row.service))
        seen = self.model.fleet.get(self._env)
        since = 0.0 if seen is None else max(0.0, (datetime.now(UTC) - seen.at).total_seconds())
        return instance_cells(self.listed.by_id[row], since=since, grouped=self.listed.grouped)

    def _counted(self, service: str) -> ServiceCount:
        found = [one for one in self.listed.summary.services if one.service == service]
        return found[0] if found else ServiceCount(service, 0, 0)

    def _age(self) -> None:
        """Times since an instance was heard grow although nothing is heard."""
        if self.is_current:
            self.table.refresh()
            self._draw_summary()

    # -- what the person does

    @property
    def _at_cursor(self) -> Instance | None:
        row = self.table.cursor
        return self.listed.by_id.get(row) if isinstance(row, str) else None

    def why_off(self, action_id: str) -> str | None:
        if action_id in ("open", "copy_name") and self.is_mounted and self._at_cursor is None:
            return "no instance is under the cursor"
        return super().why_off(action_id)

    def action_open(self) -> None:
        """Show everything about the instance under the cursor."""
        found = self._at_cursor
        if found is not None:
            self.console.push_screen(InstanceDialog(self._env, found))

    def on_big_table_opened(self) -> None:
        self.action_open()

    def action_copy_name(self) -> None:
        """Copy the instance's name."""
        found = self._at_cursor
        if not self.refuse("copy_name") and found is not None:
            self.console.copy(found.client_id, found.client_id)

    def action_sort(self) -> None:
        """Sort by the next column; at the last one, begin again."""
        self.listed.arrange(sort=SORTS[(SORTS.index(self.listed.sort) + 1) % len(SORTS)])
        self._rearranged()

    def action_group(self) -> None:
        """Put the instances of a service together, or not."""
        self.listed.arrange(grouped=not self.listed.grouped)
        self._rearranged()
        # The cursor's row stays on its line: what came to stand above the first one is brought into view.
        self.table.scroll_relative(y=-1, animate=False)

    def _rearranged(self) -> None:
        self.table.set_rows(self.listed.order)
        self._draw_around()

    def on_input_changed(self, event: Input.Changed) -> None:
        try:
            self.listed.set_filter(event.value)
            self._trouble = None
        except InvalidFilter as error:
            self._trouble = str(error)
        self._rearranged()

    def action_back(self) -> None:
        """Clear the filter."""
        self.clear_filter()

    # -- keeping

    def keep(self) -> dict[str, object]:
        listed = self.listed
        return {"filter": listed.filter_text, "sort": listed.sort, "grouped": listed.grouped}

    def restore(self, kept: dict[str, object]) -> None:
        self.listed.restore(kept.get("sort"), kept.get("grouped"))
        self.restore_filter(kept)
