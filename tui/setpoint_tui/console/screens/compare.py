"""Compare: two environments side by side, only what differs, and taking over from one to the other."""

from itertools import permutations
from typing import Any, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from setpoint.errors import HubUnreachable, SetpointError
from setpoint_tui.comparison_answers import ComparedKey
from setpoint_tui.console.actions import bindings
from setpoint_tui.console.dialogs.choose import Choice, Choose
from setpoint_tui.console.refreshing import Refreshing
from setpoint_tui.console.screens.filtered import FilteredScreen
from setpoint_tui.console.widgets.big_table import BigTable, Column
from setpoint_tui.console.widgets.comparison import (
    compared_cells,
    compared_glyph,
    difference_head,
    sides_line,
    status_words,
    why_empty,
)
from setpoint_tui.console.widgets.diff_view import DiffView
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.formatting import copied_value, counted
from setpoint_tui.intents import Done
from setpoint_tui.model.comparing import Comparing, Pair, next_pair, pair_around
from setpoint_tui.model.diffing import ABSENT, diff_values
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.keys import Facts, KeyId, key_path
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.promoting import propose_promotion, why_nothing
from setpoint_tui.model.proposals import Proposal
from setpoint_tui.model.risk import role_refuses_because
from setpoint_tui.text_safety import safe_text

__all__ = ["CompareScreen"]

_OWN = (
    "filter", "open", "mark", "mark_all", "promote", "swap", "next_pair", "previous_pair", "choose_pair",
    "versions", "copy", "copy_path", "zoom", "back", "retry",
)  # fmt: skip


class CompareScreen(FilteredScreen):
    """What differs between a source and a target. It writes to the target alone."""

    NAME = "compare"
    CSS_PATH = "compare.tcss"
    HINTS = ("help", "mark", "mark_all", "promote", "swap", "versions", "quit")
    ACTION_IDS = _OWN
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*_OWN)]

    def __init__(self) -> None:
        super().__init__()
        self.comparing = Comparing(self._facts)
        self._wanted: Pair | None = None
        """The pair that a person chose; None: the one around the selected environment."""
        self._trouble: str | None = None
        self._stale = True
        """Whether to compare again although no environment is known to have moved."""
        self._refreshing = Refreshing(self, self._read, "comparison")

    def compose_body(self) -> ComposeResult:
        yield Static(id="sides", markup=False)
        with Vertical(id="panes"):
            yield BigTable[KeyId](
                [
                    Column("KEY", None, priority=10),
                    Column("SOURCE", None, priority=8),
                    Column("TARGET", None, priority=8),
                    Column("PROMOTING", 18, priority=9),
                ],
                cells=lambda key: compared_cells(self.comparing, key),
                glyph=lambda key: compared_glyph(self.comparing, key),
                dimmed=lambda _: not self.model.is_live,
                id="compare-table",
                classes="pane",
            )
            yield DiffView(id="difference")
        yield Input(placeholder="words, re: type: owner: tag: value: changed:<1h !not", id="filter")
        yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        self.restore(self.console.bridge.restored_of(self.NAME))
        self.table.focus()

    # -- what is on show

    def _facts(self, key: KeyId) -> Facts | None:
        return self.model.facts.get(key)

    @property
    def table(self) -> BigTable[KeyId]:
        """The rows that differ."""
        return cast("BigTable[KeyId]", self.query_one("#compare-table"))

    @property
    def _row(self) -> ComparedKey | None:
        cursor = self.table.cursor
        return None if cursor is None else self.comparing.rows.get(cursor)

    def show_body(self, dirty: Dirty) -> None:
        self._follow_pair()
        live = self.model.is_live
        if not live or dirty.has(Topic.KEYS):
            self._stale = True
        if live and self.comparing.pair is not None and (self._stale or self.comparing.is_behind(self.model.revision)):
            self._refreshing.ask()
        self._draw()

    def _follow_pair(self) -> None:
        environments = list(self.model.environments)
        if not environments:
            return
        selection = self.model.selection
        wanted = self._wanted
        if wanted is None or not set(wanted) <= set(environments) or selection.env not in wanted:
            # The bar's environment is always one of the two: what it says must not be about a third.
            wanted = pair_around(environments, selection.env)
        self._wanted = wanted
        if self.comparing.look_at(wanted, selection.namespace):
            self._trouble, self._stale = None, True
            self.table.set_rows(())
            self.table.set_marks(self.comparing.marked)

    def _draw(self) -> None:
        comparing = self.comparing
        self.table.empty = why_empty(self.model, comparing, self._trouble)
        self.table.set_class(not self.model.is_live, "old")
        self.table.border_title = safe_text(comparing.namespace or "all namespaces")
        self.table.refresh()
        self.query_one("#sides", Static).update(sides_line(self.model, comparing))
        self._show_difference()
        words = status_words(comparing, len(self.table.marked), self._trouble)
        self.query_one("#status", Static).update(Content.styled(" · ".join(words), "$text-muted"))

    def _show_difference(self) -> None:
        pane, row = self.query_one("#difference", DiffView), self._row
        if row is None or self.comparing.pair is None:
            pane.border_title = "difference"
            pane.show([])
            return
        source, target = self.comparing.pair
        pane.border_title = safe_text(f"{key_path((row.namespace, row.key))}, what promoting does in {target}")
        old = ABSENT if row.target is None else row.target.value
        new = ABSENT if row.source is None else row.source.value
        lines = diff_values(row.type, old, new)
        head = difference_head(row, source, target, changed=(row.namespace, row.key) in self.comparing.changed)
        pane.show(lines, head=list(head), about=(self.comparing.pair, row.namespace, row.key))

    # -- reading

    async def _read(self) -> None:
        pair, namespace = self.comparing.pair, self.comparing.namespace
        if pair is None:
            return
        self._stale = False
        try:
            found = await self.console.bridge.comparison(*pair, namespace)
        except SetpointError as error:
            self._failed(error)
            return
        if (pair, namespace) != (self.comparing.pair, self.comparing.namespace):
            return
        first = self.comparing.found is None
        lost = self.comparing.take(found)
        self._trouble = None
        self._list()
        if first and self.model.selection.key is not None:
            self.table.move_cursor_to(self.model.selection.key)
        if lost:
            self.console.bridge.say(
                f"{counted(len(lost), 'marked row')} changed meanwhile and lost the mark", Severity.WARNING
            )
        self._draw()

    def _failed(self, error: SetpointError) -> None:
        # Without a connection the bar says so, and what is known stays.
        if isinstance(error, HubUnreachable):
            self._stale = True
        else:
            self._trouble = str(error)
        self._draw()

    def _list(self) -> None:
        self.table.set_rows(self.comparing.order)
        self.table.set_marks(self.comparing.marked)

    # -- what the person does

    def on_big_table_moved(self, event: BigTable.Moved[KeyId]) -> None:
        if event.id is not None:
            self.model.selection.key = event.id
            self.model.dirty.mark(Topic.SELECTION)
        self._show_difference()

    def on_big_table_marked(self, _: BigTable.Marked[KeyId]) -> None:
        self.comparing.set_marks(self.table.marked)
        self._draw()

    def on_big_table_opened(self, _: BigTable.Opened[KeyId]) -> None:
        self.action_zoom()

    def on_input_changed(self, event: Input.Changed) -> None:
        try:
            self.comparing.set_filter(event.value)
        except InvalidFilter as error:
            self.query_one("#status", Static).update(Content.styled(safe_text(str(error)), "$text-error"))
            return
        self._list()
        self._draw()

    def action_open(self) -> None:
        """Show the whole difference of the row under the cursor."""
        self.action_zoom()

    def action_back(self) -> None:
        """Let a zoomed pane go, clear the filter, take the marks away: one of them."""
        if self.has_class("-zoomed"):
            self.action_zoom()
        elif self.entry.value:
            self.entry.value = ""
        elif not self.entry.has_focus:
            self.comparing.forget_marks()
            self._list()
            self._draw()
        self.leave_filter()

    def action_zoom(self) -> None:
        """Give the difference the whole screen, or give it back."""
        self.zoom(self.query_one("#difference", DiffView))

    def action_mark(self) -> None:
        """Mark the row under the cursor."""
        self.table.toggle_mark()

    def action_mark_all(self) -> None:
        """Mark every listed row that is valid and deletes nothing."""
        self.comparing.mark_promotable()
        self._list()
        self._draw()

    def action_swap(self) -> None:
        """Turn source and target round."""
        if self.comparing.pair is not None:
            source, target = self.comparing.pair
            self._go_to((target, source))

    def action_pair(self, step: int) -> None:
        """Go along the order of promotion."""
        pair = next_pair(list(self.model.environments), self.comparing.pair, step)
        if pair is not None:
            self._go_to(pair)

    def action_choose_pair(self) -> None:
        """Choose both environments from a list."""
        pairs = permutations(self.model.environments, 2)
        choices = [Choice(pair, f"{pair[0]} → {pair[1]}") for pair in pairs]
        self.console.push_screen(Choose("Compare", choices), self._chosen_pair)

    def _chosen_pair(self, pair: Pair | None) -> None:
        if pair is not None:
            self._go_to(pair)

    def _go_to(self, pair: Pair) -> None:
        self._wanted = pair
        if self.model.selection.env not in pair:
            self.console.bridge.go_to(pair[0], self.model.selection.namespace, self.model.selection.key)
        self.show(Dirty({Topic.SELECTION}))

    def action_versions(self) -> None:
        """Show what became of this key in the target."""
        if self._row is not None and self.comparing.pair is not None:
            self.console.open_versions(self.comparing.pair[1], (self._row.namespace, self._row.key))

    def action_copy(self) -> None:
        """Copy the source's value."""
        row = self._row
        if row is None or row.source is None:
            self.console.bridge.say("there is no value in the source to copy")
            return
        path = key_path((row.namespace, row.key))
        self.console.copy(copied_value(row.type, row.source.value), f"the value of {path} in the source")

    def action_copy_path(self) -> None:
        """Copy namespace/key."""
        if self._row is not None:
            path = key_path((self._row.namespace, self._row.key))
            self.console.copy(path, path)

    # -- promoting

    def why_off(self, action_id: str) -> str | None:
        off = super().why_off(action_id)
        if off is None and action_id == "promote" and self.is_mounted:
            target = None if self.comparing.pair is None else self.comparing.pair[1]
            return role_refuses_because(self.model, target) or why_nothing(self.comparing, self.table.cursor)
        return off

    def action_promote(self) -> None:
        """Take over the marked rows, or the one under the cursor, as one change set."""
        if not self.refuse("promote"):
            proposal = propose_promotion(self.comparing, self.table.cursor)
            self.console.bridge.run_write(self._promote(proposal))

    async def _promote(self, proposal: Proposal) -> None:
        outcome = await self.console.acting.propose(proposal)
        self._stale = True
        if isinstance(outcome, Done):
            self.comparing.set_marks(self.comparing.marked - set(proposal.intent.keys))

    # -- keeping

    def keep(self) -> dict[str, object]:
        return {"pair": list(self._wanted) if self._wanted else None, "filter": self.comparing.filter_text}

    def restore(self, kept: dict[str, object]) -> None:
        self._wanted = _pair_of(kept.get("pair"))
        self.restore_filter(kept)


def _pair_of(kept: object) -> Pair | None:
    """Read a pair that was kept; None: it cannot be used."""
    names = cast("list[Any]", kept) if isinstance(kept, list) else []
    match names:
        case [str() as source, str() as target] if source != target:
            return source, target
        case _:
            return None
