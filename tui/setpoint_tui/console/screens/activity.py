"""Activity: who changed what in all environments, as it happens, and everything before."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import Input, Static

from setpoint.errors import HubUnreachable
from setpoint_tui.answers import PastChangeSet
from setpoint_tui.console.actions import bindings
from setpoint_tui.console.dialogs.choose import Choice, Choose
from setpoint_tui.console.refreshing import Refreshing
from setpoint_tui.console.rolling_back import roll_back_set
from setpoint_tui.console.screens.filtered import FilteredScreen
from setpoint_tui.console.widgets.activity_rows import change_set_cells, change_set_lines, gap_cells, gap_lines
from setpoint_tui.console.widgets.big_table import BigTable, Cell, Column
from setpoint_tui.console.widgets.diff_view import DiffView
from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.formatting import counted, format_change, format_revision
from setpoint_tui.model.activity_list import ActivityList
from setpoint_tui.model.activity_log import Gap
from setpoint_tui.model.activity_view import ActivityRow
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.link_state import Offline, Refused, not_there_because
from setpoint_tui.model.risk import role_refuses_because
from setpoint_tui.text_safety import safe_text

__all__ = ["ActivityScreen"]

_NEAR_END = 3
"""Rows before the last one at which older change sets are fetched."""

_OWN = ("filter", "open_change", "mine", "here", "rollback_set", "copy_id", "zoom", "back")


class ActivityScreen(FilteredScreen):
    """The log, newest on top. The cursor stays on its change set, unless it is on the newest: then it follows."""

    NAME = "activity"
    CSS_PATH = "activity.tcss"
    HINTS = ("help", "open_change", "filter", "mine", "here", "rollback_set", "quit")
    FILTER_HELP = "words AND; env: ns: who: how: note: rev: since:1h !not"
    ACTION_IDS = _OWN
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*_OWN)]

    def __init__(self) -> None:
        super().__init__()
        self.listed = ActivityList()
        self._trouble: str | None = None
        """What is wrong with the filter as it is typed."""
        self._wanted: Gap | None = None
        """What the person asked to be fetched."""
        self._loading: str | None = None
        """The environment of which change sets are being fetched."""
        self._fetching = Refreshing(self, self._fetch, "older changes")

    def compose_body(self) -> ComposeResult:
        with Vertical(id="panes"):
            yield BigTable[ActivityRow](
                [
                    Column("WHEN", 11, priority=7),
                    Column("ENV", 12, priority=8),
                    Column("REV", 6, align="right", priority=6),
                    Column("WHO", 8, priority=9),
                    Column("HOW", 8, priority=4),
                    Column("WHAT", None, priority=10, least=24),
                    Column("NOTE", 18, priority=3),
                ],
                cells=self._cells,
                dimmed=lambda _: not self.model.is_live,
                id="activity-table",
                classes="pane",
            )
            yield DiffView(id="difference")
        yield PlainInput(placeholder="words, env: ns: who: how: note: rev: since:1h !not", id="filter")
        yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        self.restore(self.console.bridge.restored_of(self.NAME))
        self.table.focus()
        self.set_interval(5.0, self._age)

    # -- what is on show

    @property
    def table(self) -> BigTable[ActivityRow]:
        """The log."""
        return cast("BigTable[ActivityRow]", self.query_one("#activity-table"))

    @property
    def _heads(self) -> dict[str, int]:
        return {env: self.model.revision(env) for env in self.model.environments}

    def show_body(self, dirty: Dirty) -> None:
        if dirty.has(Topic.ACTIVITY, Topic.ENVIRONMENTS, Topic.SELECTION, Topic.LINK):
            self._update_rows()
            if self.model.is_live and self.listed.newest_missing(self.model.activity, self._heads):
                self._fetching.ask()
        self._draw()

    def _update_rows(self) -> None:
        model, table = self.model, self.table
        me = None if model.whoami is None else model.whoami.user.id
        here = (model.selection.env, model.selection.namespace)
        follows = bool(table.order) and table.cursor == table.order[0]
        self.listed.arrange(model.activity, self._heads, datetime.now(UTC), me=me, here=here)
        table.set_rows(self.listed.rows)
        if follows and self.listed.rows:
            table.move_cursor_to(self.listed.rows[0])
        table.refresh()

    def _draw(self) -> None:
        listed, table = self.listed, self.table
        table.empty = self._empty()
        table.border_title = "activity of " + (safe_text(self._here_words) if listed.only_here else "all environments")
        self._draw_difference()
        shown = sum(1 for row in listed.rows if not isinstance(row, Gap))
        words = [f"/ {safe_text(listed.filter_text)}"] if listed.filter_text else []
        words += ["only mine"] if listed.only_mine else []
        words += [f"only {safe_text(self._here_words)}"] if listed.only_here else []
        words += ["esc shows all"] if listed.is_narrowed else []
        words += [f"{shown:,} of {counted(len(self.model.activity), 'change set')} loaded"]
        words += [f"loading {safe_text(self._loading)}…"] if self._loading else []
        status = Content.styled(" · ".join(words), "$text-muted")
        if self._trouble is not None:
            status = Content.styled(safe_text(self._trouble), "$text-error")
        self.query_one("#status", Static).update(status)

    @property
    def _here_words(self) -> str:
        selection = self.model.selection
        return f"{selection.env or ''}{'/' + selection.namespace if selection.namespace else ''}"

    def _draw_difference(self) -> None:
        pane, row = self.query_one(DiffView), self.table.cursor
        done = self._at_cursor
        if done is not None:
            pane.border_title = f"{format_revision(done.revision)} in full"
            pane.show([], head=list(change_set_lines(done, self.model)), about=row)
        else:
            pane.border_title = "nothing selected" if row is None else "not here"
            pane.show([], head=list(gap_lines(row, self.model)) if isinstance(row, Gap) else [], about=row)

    def _empty(self) -> Content:
        if self.listed.is_narrowed and self.model.environments:
            return Content("nothing matches · esc shows all")
        if not self.model.environments:
            return Content(not_there_because(self.model.link))
        return Content("nothing was ever changed · n on the screen of keys makes the first key")

    def _cells(self, row: ActivityRow) -> Sequence[Cell]:
        if isinstance(row, Gap):
            return gap_cells(row, self.model, is_loading=row.env == self._loading)
        done = self.model.activity.get(*row)
        return () if done is None else change_set_cells(done, self.model, datetime.now(UTC))

    def _age(self) -> None:
        """Time passes although nothing is heard: since: lets go of what has become older."""
        if self.is_current and self.listed.filter.depends_on_time:
            self._update_rows()

    # -- what is fetched

    async def _fetch(self) -> None:
        """Fetch what the person asked for, else what is missing of the newest."""
        log = self.model.activity
        wanted, self._wanted = self._wanted, None
        try:
            if wanted is not None:
                await self._fetch_of(wanted.env, self.listed.missing_of(log, wanted))
            else:
                for env, missing in self.listed.newest_missing(log, self._heads).items():
                    await self._fetch_of(env, missing)
        except HubUnreachable:
            # The bar says so; it is asked for again once there is a connection.
            return
        finally:
            self._loading = None
            self._update_rows()
            self._draw()

    async def _fetch_of(self, env: str, revisions: Sequence[int]) -> None:
        if revisions:
            self._loading = env
            self._draw()
            await self.console.bridge.past(env, revisions)

    def _fetch_gap(self, gap: Gap | None) -> None:
        if gap is not None and self.model.is_live and self.listed.missing_of(self.model.activity, gap):
            self._wanted = gap
            self._fetching.ask()

    def on_big_table_moved(self, _: BigTable.Moved[ActivityRow]) -> None:
        row = self.table.cursor
        self._draw_difference()
        if isinstance(row, Gap):
            self._fetch_gap(row if not row.reason else None)
        elif row in self.listed.rows[-_NEAR_END:]:
            self._fetch_gap(self.listed.older())

    # -- what the person does

    @property
    def _at_cursor(self) -> PastChangeSet | None:
        row = self.table.cursor
        return None if row is None or isinstance(row, Gap) else self.model.activity.get(*row)

    def why_off(self, action_id: str) -> str | None:
        if action_id in ("open_change", "rollback_set", "copy_id") and self.is_mounted and self._at_cursor is None:
            return "no change set is under the cursor"
        if action_id == "rollback_set" and (refused := role_refuses_because(self.model)) is not None:
            return refused
        return super().why_off(action_id)

    def action_open(self) -> None:
        """Go to the versions of what changed; of several keys, one is chosen first."""
        row, done = self.table.cursor, self._at_cursor
        if isinstance(row, Gap):
            self.model.activity.forget_refusals(row)
            self._fetch_gap(row)
            return
        if done is None or not done.changes:
            return
        keys = [(change.namespace, change.key) for change in done.changes]
        if len(keys) == 1:
            self.console.open_versions(done.env, keys[0])
            return
        choices = [Choice[KeyId](key, key_path(key), _values(done, key)) for key in keys]
        self.console.push_screen(
            Choose(f"{format_revision(done.revision)} changed {counted(len(keys), 'key')}: versions of", choices),
            lambda key: None if key is None else self.console.open_versions(done.env, key),
        )

    def on_big_table_opened(self) -> None:
        self.action_open()

    def action_rollback_set(self) -> None:
        """Take this change set back; without a connection, try the hub again."""
        if isinstance(self.model.link, Offline | Refused):
            self.console.action_retry()
            return
        done = self._at_cursor
        if not self.refuse("rollback_set") and done is not None:
            self.console.bridge.run_write(self._roll_back(done))

    async def _roll_back(self, done: PastChangeSet) -> None:
        await roll_back_set(self.console, done.env, done.revision)

    def action_copy_id(self) -> None:
        """Copy the change set's id."""
        done = self._at_cursor
        if not self.refuse("copy_id") and done is not None:
            self.console.copy(done.change_set, f"the id of {format_revision(done.revision)}")

    def action_mine(self) -> None:
        """Show only what I changed, or everything."""
        self.listed.only_mine = not self.listed.only_mine
        self._narrowed()

    def action_here(self) -> None:
        """Show only the selected environment and namespace, or everything."""
        self.listed.only_here = not self.listed.only_here
        self._narrowed()

    def on_input_changed(self, event: Input.Changed) -> None:
        try:
            self.listed.set_filter(event.value)
            self._trouble = None
        except InvalidFilter as error:
            self._trouble = str(error)
        self._narrowed()

    def _narrowed(self) -> None:
        self._update_rows()
        self._draw()

    def action_back(self) -> None:
        """Let a zoomed pane go, or show everything again."""
        if self.has_class("-zoomed"):
            self.action_zoom()
            return
        self.listed.only_mine = self.listed.only_here = False
        self.clear_filter()
        self._narrowed()

    def action_zoom(self) -> None:
        """Give the change set under the cursor the whole screen, or give it back."""
        self.zoom(self.query_one(DiffView))

    # -- keeping

    def keep(self) -> dict[str, object]:
        return {
            "filter": self.listed.filter_text,
            "mine": self.listed.only_mine,
            "here": self.listed.only_here,
        }

    def restore(self, kept: dict[str, object]) -> None:
        self.listed.only_mine = kept.get("mine") is True
        self.listed.only_here = kept.get("here") is True
        self.restore_filter(kept)


def _values(done: PastChangeSet, key: KeyId) -> str:
    change = next(change for change in done.changes if (change.namespace, change.key) == key)
    return " → ".join(format_change(change, change.type))
