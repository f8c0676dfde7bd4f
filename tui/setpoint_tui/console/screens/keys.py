"""Keys: environments and namespaces at the left, keys in the middle, the key under the cursor at the right."""

import time
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input

from setpoint_tui.console.actions import bindings
from setpoint_tui.console.screens.key_actions import KeyActions
from setpoint_tui.console.secrets import copy_secret
from setpoint_tui.console.widgets import key_rows
from setpoint_tui.console.widgets.big_table import BigTable
from setpoint_tui.console.widgets.detail import DetailPane
from setpoint_tui.console.widgets.quiet import Line, retitle
from setpoint_tui.console.widgets.scopes import Scopes
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.formatting import copied_value
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.key_list import SORTS, KeyList, Which
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.place import Loading
from setpoint_tui.text_safety import safe_text

__all__ = ["KeysScreen"]

_RESORT_SECONDS = 1.0
"""Between two sorts by what others keep changing: a list that jumps ten times a second cannot be read."""

_OWN = (
    "filter", "open", "edit", "editor", "new", "delete", "versions", "diff", "promote",
    "copy", "copy_path", "keep_change", "reveal", "mark", "sort", "freeze", "deleted", "zoom", "back", "retry",
)  # fmt: skip


class KeysScreen(KeyActions):
    """Browse and edit."""

    NAME = "keys"
    CSS_PATH = "keys.tcss"
    HINTS = ("help", "open", "edit", "versions", "compare", "promote", "quit")
    ACTION_IDS = _OWN
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*_OWN)]

    def __init__(self) -> None:
        super().__init__()
        self._list: KeyList | None = None
        self._sorted_at = 0.0
        self._was_live = False
        self._aged: dict[KeyId, tuple[str, str | Content]] = {}
        """What the rows on the screen showed of their age, so that only those that look older are drawn anew."""
        self._scope: tuple[str | None, str | None] | None = None

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            yield Scopes()
            yield BigTable[KeyId](
                key_rows.COLUMNS,
                cells=lambda key: key_rows.cells(self.model, key),
                glyph=lambda key: key_rows.glyph(self.model, key),
                dimmed=lambda _: not self.model.is_live,
                id="keys-table",
                classes="pane",
            )
            yield DetailPane()
        yield Input(placeholder="words, re: type: owner: tag: value: changed:<1h !not", id="filter")
        yield Line(id="status")

    def on_mount(self) -> None:
        self._list = KeyList(self.model)
        self.restore(self.console.bridge.restored_of(self.NAME))
        self.query_one(BigTable).focus()
        self.set_interval(1.0, self._age)

    # -- what is on show

    @property
    def listed(self) -> KeyList:
        """The list of keys; it exists from mounting on."""
        assert self._list is not None
        return self._list

    @property
    def table(self) -> BigTable[KeyId]:
        """The middle pane."""
        return cast("BigTable[KeyId]", self.query_one("#keys-table"))

    def show_body(self, dirty: Dirty) -> None:
        if dirty.has(Topic.KEYS, Topic.ENVIRONMENTS, Topic.SELECTION):
            self.query_one(Scopes).show(self.model)
        self._follow_scope()
        self.listed.note(dirty)
        self._update_rows(dirty)
        if dirty.has(Topic.SELECTION):
            self._keep_cursor()
        if dirty.has(Topic.DETAIL, Topic.SELECTION, Topic.VALUES, Topic.KEYS, Topic.WRITES, Topic.ENVIRONMENTS):
            self._show_detail()
        self._show_status()

    def _follow_scope(self) -> None:
        selection = self.model.selection
        scope = (selection.env, selection.namespace)
        if scope != self._scope:
            self._scope = scope
            self.listed.mark_stale()
            self._sorted_at = 0.0
            if selection.env is not None:
                self.console.bridge.go_to(selection.env, selection.namespace, selection.key)

    def _update_rows(self, dirty: Dirty) -> None:
        env = self.model.selection.env
        now = time.monotonic()
        place = self.model.places.get(env or "")
        # A long listing comes in pages: sorting anew for each of them would take longer than the listing.
        settled = place is not None and place.loading is Loading.COMPLETE
        at_once = dirty.has(Topic.SELECTION) or (settled and dirty.has(Topic.KEYS))
        moves = self.listed.is_stale and (at_once or now - self._sorted_at >= _RESORT_SECONDS)
        if moves:
            self._sorted_at = now
            self.listed.update()
            self.table.set_rows(self.listed.order)
            self._keep_cursor()
        self.table.sort = (key_rows.SORT_COLUMNS[self.listed.sort], self.listed.descending)
        if dirty.values:
            self.table.refresh_rows([key for at, key in dirty.values if at == env])
        elif dirty.has(Topic.VALUES) or self.model.is_live != self._was_live:
            self.table.refresh()
        self._was_live = self.model.is_live
        self.table.empty = key_rows.empty_words(self.model, self.listed)

    def _keep_cursor(self) -> None:
        """The model's key is the one that is selected: put the cursor there, or take what the cursor is at."""
        key = self.model.selection.key
        if key is not None and key in self.model.facts and self.table.move_cursor_to(key):
            return
        if self.table.cursor is not None and self.table.cursor != key:
            self._select(self.table.cursor)

    def _select(self, key: KeyId | None) -> None:
        self.model.selection.key = key
        self.model.dirty.mark(Topic.SELECTION)

    def _show_detail(self) -> None:
        selection = self.model.selection
        if selection.env is not None and selection.key is not None:
            detail = self.model.details.get(selection.env, selection.key)
            if detail is None or detail.stale:
                self.console.bridge.look_at(selection.env, selection.key)
        self.query_one(DetailPane).show(self.model)

    def _age(self) -> None:
        """Ages grow, and marks of freshness fade, although nothing is heard."""
        if not self.is_current:
            return
        drawn = {
            key: (key_rows.glyph(self.model, key), key_rows.cells(self.model, key)[-1])
            for key in self.table.rows_in_view
        }
        self.table.refresh_rows([key for key, aged in drawn.items() if aged != self._aged.get(key)])
        self._aged = drawn
        self.query_one(DetailPane).show(self.model)
        if self.listed.is_stale:
            self._update_rows(Dirty())

    def _show_status(self) -> None:
        retitle(self.table, key_rows.title(self.model, self.listed))
        words = key_rows.status_words(self.model, self.listed, len(self.table.marked))
        self.query_one("#status", Line).say(words)

    # -- what the person does

    def on_scopes_chosen(self, event: Scopes.Chosen) -> None:
        self.console.bridge.go_to(event.env, event.within)

    def on_big_table_moved(self, event: BigTable.Moved[KeyId]) -> None:
        # One that was on its way while the cursor was put elsewhere is out of date.
        if event.id == self.table.cursor:
            self._select(event.id)

    def on_input_changed(self, event: Input.Changed) -> None:
        try:
            self.listed.set_filter(event.value)
        except InvalidFilter as error:
            self.query_one("#status", Line).say(Content.styled(safe_text(str(error)), "$text-error"))
            return
        self.listed.update()
        self.table.set_rows(self.listed.order)
        self.table.empty = key_rows.empty_words(self.model, self.listed)
        self._keep_cursor()
        self._show_status()

    def action_back(self) -> None:
        """Clear the filter, or let a zoomed pane go."""
        if self.has_class("-zoomed"):
            self.action_zoom()
            self.leave_filter()
        else:
            self.clear_filter()

    def action_sort(self) -> None:
        """Sort by the next column; at the last one, begin again."""
        self.listed.sort_by(SORTS[(SORTS.index(self.listed.sort) + 1) % len(SORTS)])
        self._sorted_at = 0.0
        self.show(Dirty({Topic.KEYS}))

    def action_freeze(self) -> None:
        """Hold the order, or let it go."""
        self.listed.freeze()
        self.show(Dirty({Topic.KEYS}))

    def action_deleted(self) -> None:
        """Show all keys, then those without a value, then those with one."""
        following: dict[Which, Which] = {"all": "unset", "unset": "set", "set": "all"}
        self.listed.show(following[self.listed.which])
        self.show(Dirty({Topic.KEYS}))

    def action_mark(self) -> None:
        """Mark the key under the cursor."""
        self.table.toggle_mark()
        self._show_status()

    def action_zoom(self) -> None:
        """Give the pane with the focus the whole screen, or give it back."""
        zoomed = self.toggle_class("-zoomed").has_class("-zoomed")
        for pane in self.query("#panes > *"):
            pane.set_class(zoomed and not (pane.has_focus or pane.has_focus_within), "-away")
        if not zoomed:
            self.query_one(DetailPane).remove_class("-open")

    # -- what the actions are about

    @property
    def marked(self) -> list[KeyId]:
        marked = self.table.marked
        return [key for key in self.table.order if key in marked]

    def forget_marks(self) -> None:
        self.table.set_marks(())
        self._show_status()

    def action_open(self) -> None:
        """Give the detail the whole screen, or give it back."""
        if self.has_class("-zoomed"):
            self.action_back()
        elif not self.refuse("open"):
            # On a small screen the detail is hidden until now, and what is hidden takes no focus.
            self.query_one(DetailPane).add_class("-open")
            self.call_after_refresh(self._zoom_detail)

    def _zoom_detail(self) -> None:
        self.query_one(DetailPane).focus()
        self.action_zoom()

    def on_big_table_opened(self) -> None:
        self.action_open()

    def action_copy(self) -> None:
        """Copy the value."""
        key = self.model.selection.key
        held = self.model.held(self.model.selection.env or "", key) if key else None
        if key is None or held is None:
            self.console.bridge.say("there is no value to copy")
            return
        if held.secret:
            self.console.bridge.run_write(copy_secret(self.console, self.model.selection.env or "", key, held))
            return
        self.console.copy(copied_value(held.type, held.value), f"the value of {key_path(key)}")

    def action_copy_path(self) -> None:
        """Copy namespace/key."""
        if self.model.selection.key is not None:
            path = key_path(self.model.selection.key)
            self.console.copy(path, path)

    # -- keeping

    def keep(self) -> dict[str, object]:
        listed = self.listed
        return {"filter": listed.filter_text, "sort": listed.sort, "descending": listed.descending}

    def restore(self, kept: dict[str, object]) -> None:
        self.listed.restore_sort(kept.get("sort"), kept.get("descending"))
        self.restore_filter(kept)
