"""Versions: every value that a key ever had in one environment, what changed between any two, and the way back."""

import time
from typing import ClassVar, Literal, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Static

from setpoint.errors import HubUnreachable, SetpointError
from setpoint_tui.answers import HistoryChange
from setpoint_tui.console.actions import ACTIONS, bindings
from setpoint_tui.console.dialogs.version import VersionDialog
from setpoint_tui.console.refreshing import Refreshing
from setpoint_tui.console.rolling_back import roll_back_set
from setpoint_tui.console.screens.base import ConsoleScreen
from setpoint_tui.console.widgets.big_table import BigTable, Column
from setpoint_tui.console.widgets.diff_view import DiffView
from setpoint_tui.console.widgets.story import (
    about_line,
    change_cells,
    change_glyph,
    change_head,
    status_line,
    why_empty,
)
from setpoint_tui.formatting import copied_value, format_revision
from setpoint_tui.model.diffing import diff_values
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.link_state import Offline
from setpoint_tui.model.proposals import Proposal
from setpoint_tui.model.risk import role_refuses_because
from setpoint_tui.model.rolling_back import propose_key, why_not
from setpoint_tui.model.story import Story, value_after, value_before

__all__ = ["VersionsScreen"]

_FRESH_SECONDS = 10
_NEAR_END = 10
"""Rows before the last one at which older changes are fetched."""

_OWN = ("open", "mark", "diff", "rollback", "rollback_all", "copy", "copy_path", "zoom", "back")

_Base = Literal["previous", "marked", "now"]


class VersionsScreen(ConsoleScreen):
    """The story of one key, above the screen that it was opened from."""

    NAME = "versions"
    CSS_PATH = "versions.tcss"
    HINTS = ("help", "open", "mark", "diff", "rollback", "rollback_all", "back")
    ACTION_IDS = _OWN
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*_OWN)]

    def __init__(self, env: str, key: KeyId) -> None:
        super().__init__()
        self.story = Story(env, key)
        self._base: _Base = "previous"
        self._fresh: dict[int, float] = {}
        self._trouble: str | None = None
        self._behind = True
        """Whether the newest page may tell something new."""
        self._newest = Refreshing(self, self._read_newest, "newest versions")
        self._older = Refreshing(self, self._read_older, "older versions")

    def compose_body(self) -> ComposeResult:
        yield Static(id="about", markup=False)
        with Horizontal(id="panes"):
            yield BigTable[int](
                [
                    Column("REV", 7, align="right", priority=10),
                    Column("AGE", 5, align="right", priority=7),
                    Column("WHO", 10, priority=6),
                    Column("HOW", 10, priority=4),
                    Column("OLD → NEW", None, priority=9),
                    Column("NOTE", None, priority=3, least=10),
                ],
                cells=lambda revision: change_cells(self.story, revision),
                glyph=lambda revision: change_glyph(self.story, revision, self._fresh),
                dimmed=lambda _: not self.model.is_live,
                id="versions-table",
                classes="pane",
            )
            yield DiffView(id="difference")
        yield Static(id="status", markup=False)

    def on_mount(self) -> None:
        self.table.focus()
        self.watch(self.table, "scroll_y", self._fetch_older_at_end, init=False)
        self.set_interval(1.0, self._age)

    # -- what is on show

    @property
    def table(self) -> BigTable[int]:
        """The list of changes."""
        return cast("BigTable[int]", self.query_one("#versions-table"))

    @property
    def _at_cursor(self) -> HistoryChange | None:
        return self.story.get(self.table.cursor)

    @property
    def _marked(self) -> HistoryChange | None:
        return self.story.get(next(iter(self.table.marked), None))

    def show_body(self, dirty: Dirty) -> None:
        self._follow_environment(dirty)
        place = (self.story.env, self.story.key)
        if place in dirty.values or not self.model.is_live or dirty.has(Topic.KEYS):
            self._behind = True
        if self._behind and self.model.is_live:
            self._newest.ask()
        self._draw()

    def _follow_environment(self, dirty: Dirty) -> None:
        """The bar's environment is the one that is shown: `[` and `]` show the same key in another one."""
        env = self.model.selection.env
        if dirty.has(Topic.SELECTION) and self.is_current and env is not None and env != self.story.env:
            self.story = Story(env, self.story.key)
            self._trouble, self._behind = None, True
            self._fresh.clear()
            self.table.set_marks(())
            self.table.set_rows(())

    def _draw(self) -> None:
        story, live = self.story, self.model.is_live
        self.table.empty = why_empty(story, self._trouble, self.model.link)
        self.table.set_class(not live, "old")
        self.table.border_title = "versions"
        self.table.refresh()
        self.query_one("#about", Static).update(about_line(story))
        self._show_difference()
        self.query_one("#status", Static).update(status_line(story, self._marked, self._trouble))

    def _show_difference(self) -> None:
        pane, change = self.query_one(DiffView), self._at_cursor
        if change is None:
            pane.border_title = "difference"
            pane.show([], head=[Content.styled("no version under the cursor", "$text-muted")])
            return
        words, old, new = self._sides(change)
        pane.border_title = words
        lines = diff_values(self.story.type, old, new)
        head = list(change_head(change))
        if not lines:
            head.append(Content.styled("the same value", "$text-muted"))
        pane.show(lines, head=head, about=(self.story.env, change.revision, self._base))

    def _sides(self, change: HistoryChange) -> tuple[str, object, object]:
        """Return what is compared, in words, and the two values: the earlier one first."""
        here, other = format_revision(change.revision), self._marked
        if self._base == "marked" and other is not None:
            first, second = sorted((change, other), key=lambda one: one.revision)
            words = f"{format_revision(first.revision)} → {format_revision(second.revision)}, marked"
            return words, value_after(first), value_after(second)
        if self._base == "now" and self.story.present is not None:
            return f"now → {here}", value_after(self.story.present), value_after(change)
        return f"before → {here}", value_before(change), value_after(change)

    def _age(self) -> None:
        """Ages grow, and marks of freshness fade, although nothing is heard."""
        if self.is_current:
            limit = time.monotonic() - _FRESH_SECONDS
            self._fresh = {revision: at for revision, at in self._fresh.items() if at > limit}
            self.table.refresh()

    # -- reading

    async def _read_newest(self) -> None:
        story = self.story
        self._behind = False
        try:
            found = await self.console.bridge.story(story.env, story.key)
        except SetpointError as error:
            self._failed(error)
            return
        if story is not self.story:
            return
        began = story.is_known
        news = story.put_newest(found)
        if began:
            self._fresh.update(dict.fromkeys(news, time.monotonic()))
        self._trouble = None
        self.table.set_rows(story.order)
        self._draw()

    async def _read_older(self) -> None:
        story = self.story
        if story.older is None:
            return
        try:
            found = await self.console.bridge.story(story.env, story.key, before=story.older)
        except SetpointError as error:
            self._failed(error)
            return
        if story is self.story:
            story.put_older(found)
            self.table.set_rows(story.order)
            self._draw()

    def _failed(self, error: SetpointError) -> None:
        # Without a connection the bar says so, and what is known stays.
        if isinstance(error, HubUnreachable):
            self._behind = True
        else:
            self._trouble = str(error)
        self._draw()

    def _fetch_older_at_end(self) -> None:
        """Fetch older changes when the end of the list is near, by the cursor or on the screen."""
        if self.story.older is None or not self.model.is_live:
            return
        order = self.table.order
        bottom = self.table.scroll_offset.y + self.table.size.height
        cursor = self.table.cursor
        near = order[-_NEAR_END:]
        if bottom >= len(order) or (cursor is not None and cursor in near):
            self._older.ask()

    # -- what the person does

    def on_big_table_moved(self, _: BigTable.Moved[int]) -> None:
        self._show_difference()
        self._fetch_older_at_end()

    def on_big_table_marked(self, event: BigTable.Marked[int]) -> None:
        # One row at most: two are compared, the marked one and the one under the cursor.
        if len(self.table.marked) > 1:
            self.table.set_marks({event.id})
        if self._base == "marked" and self._marked is None:
            self._base = "previous"
        self._draw()

    def on_big_table_opened(self, event: BigTable.Opened[int]) -> None:
        self._open(self.story.get(event.id))

    def action_open(self) -> None:
        """Show the whole value, and the change set that it came with."""
        self._open(self._at_cursor)

    def _open(self, change: HistoryChange | None) -> None:
        if change is not None:
            self.console.push_screen(VersionDialog(self.story.env, self.story.key, self.story.type, change))

    def action_mark(self) -> None:
        """Mark the version under the cursor."""
        self.table.toggle_mark()

    def action_diff(self) -> None:
        """Compare with the marked version, with what holds now, with the one before: one after another."""
        following: dict[_Base, _Base] = {"previous": "now", "marked": "now", "now": "previous"}
        self._base = "marked" if self._marked is not None and self._base != "marked" else following[self._base]
        self._draw()

    def action_back(self) -> None:
        """Let a zoomed pane go, or go back to where this was opened."""
        if self.has_class("-zoomed"):
            self.action_zoom()
        else:
            self.dismiss()

    def action_zoom(self) -> None:
        """Give the difference the whole screen, or give it back."""
        zoomed = self.toggle_class("-zoomed").has_class("-zoomed")
        (self.query_one(DiffView) if zoomed else self.table).focus()

    def action_copy(self) -> None:
        """Copy the value of the version under the cursor."""
        change = self._at_cursor
        if change is None or change.version is None:
            self.console.bridge.say("there is no value to copy")
            return
        what = f"{key_path(self.story.key)} as of {format_revision(change.revision)}"
        self.console.copy(copied_value(self.story.type, change.value), what)

    def action_copy_path(self) -> None:
        """Copy namespace/key."""
        self.console.copy(key_path(self.story.key), key_path(self.story.key))

    # -- going back

    def why_off(self, action_id: str) -> str | None:
        off = super().why_off(action_id)
        if off is not None or not self.is_mounted:
            return off
        refused = role_refuses_because(self.model, self.story.env) if ACTIONS[action_id].writes else None
        if refused is not None:
            return refused
        if action_id == "rollback":
            return why_not(self.story, self._at_cursor)
        if action_id == "rollback_all" and self._at_cursor is None:
            return "there is no version under the cursor"
        return None

    def action_rollback(self) -> None:
        """Make the version under the cursor hold again; without a connection, try the hub again."""
        if isinstance(self.model.link, Offline):
            self.console.action_retry()
            return
        change = self._at_cursor
        if not self.refuse("rollback") and change is not None:
            self.console.bridge.run_write(self._write(propose_key(self.story, change)))

    def action_rollback_all(self) -> None:
        """Put back everything that the change set of the version under the cursor changed."""
        change = self._at_cursor
        if not self.refuse("rollback_all") and change is not None:
            self.console.bridge.run_write(self._roll_back_set(self.story.env, change.revision))

    async def _roll_back_set(self, env: str, revision: int) -> None:
        await roll_back_set(self.console, env, revision)
        self._behind = True

    async def _write(self, proposal: Proposal) -> None:
        await self.console.acting.propose(proposal)
        self._behind = True
