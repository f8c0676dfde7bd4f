"""Keys: environments and namespaces at the left, keys in the middle, the key under the cursor at the right."""

import time
from collections.abc import Sequence
from datetime import UTC, datetime, timedelta
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input, Static

from setpoint_tui.console.actions import ACTIONS, bindings
from setpoint_tui.console.screens.base import ConsoleScreen
from setpoint_tui.console.widgets.big_table import BigTable, Column
from setpoint_tui.console.widgets.detail import DetailPane
from setpoint_tui.console.widgets.scopes import Scopes
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.formatting import NO_VALUE, copied_value, format_age, format_revision
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.key_list import SORTS, KeyList, Which
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.place import Loading
from setpoint_tui.model.risk import role_refuses_because
from setpoint_tui.text_safety import safe_text

__all__ = ["KeysScreen"]

_FRESH = timedelta(seconds=10)
"""How long a value that changed is marked with Δ."""

_RESORT_SECONDS = 1.0
"""Between two sorts by what others keep changing: a list that jumps ten times a second cannot be read."""

_OWN = (
    "filter", "open", "edit", "editor", "new", "delete", "versions", "diff", "promote",
    "copy", "copy_path", "mark", "sort", "freeze", "deleted", "zoom", "back", "retry",
)  # fmt: skip

_NEEDS_KEY = ("open", "edit", "editor", "delete", "versions", "diff", "promote", "copy", "copy_path")

_SORT_COLUMNS = {"key": "KEY", "type": "TYPE", "value": "VALUE", "rev": "REV", "age": "AGE"}


class KeysScreen(ConsoleScreen):
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
                [
                    Column("KEY", None, priority=10, share=3, least=24),
                    Column("TYPE", 5, priority=3),
                    Column("VALUE", None, priority=9, share=2),
                    Column("REV", 6, align="right", priority=2),
                    Column("AGE", 4, align="right", priority=4),
                ],
                cells=self._cells,
                glyph=self._glyph,
                dimmed=self._is_old,
                id="keys-table",
                classes="pane",
            )
            yield DetailPane()
        yield Input(placeholder="words, re: type: owner: tag: value: changed:<1h !not", id="filter")
        yield Static(id="status", markup=False)

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
        self.table.sort = (_SORT_COLUMNS[self.listed.sort], self.listed.descending)
        if dirty.values:
            self.table.refresh_rows([key for at, key in dirty.values if at == env])
        elif dirty.has(Topic.VALUES) or self.model.is_live != self._was_live:
            self.table.refresh()
        self._was_live = self.model.is_live
        self.table.empty = self._empty()

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
        drawn = {key: (self._glyph(key), self._cells(key)[-1]) for key in self.table.rows_in_view}
        self.table.refresh_rows([key for key, aged in drawn.items() if aged != self._aged.get(key)])
        self._aged = drawn
        self.query_one(DetailPane).show(self.model)
        if self.listed.is_stale:
            self._update_rows(Dirty())

    # -- rows

    def _cells(self, key: KeyId) -> Sequence[str | Content]:
        facts = self.model.facts[key]
        name = facts.key if self.model.selection.namespace is not None else key_path(key)
        held = self.model.held(self.model.selection.env or "", key)
        kind = "str" if facts.type == "string" else facts.type
        if held is None:
            return (name, kind, Content.styled(NO_VALUE, "$text-muted"), "", "")
        age = "" if held.at is None else format_age(held.at, datetime.now(UTC))
        return (name, kind, held.text, format_revision(held.revision), age)

    def _glyph(self, key: KeyId) -> str:
        env = self.model.selection.env or ""
        if self.model.drafts.get(env, key) is not None:
            return "✎"
        held = self.model.held(env, key)
        is_fresh = held is not None and held.at is not None and datetime.now(UTC) - held.at < _FRESH
        return "Δ" if is_fresh else ""

    def _is_old(self, _: KeyId) -> bool:
        return not self.model.is_live

    def _empty(self) -> Content:
        place = self.model.places.get(self.model.selection.env or "")
        if place is None or (place.loading is not Loading.COMPLETE and not self.model.facts_complete):
            trouble = place.trouble if place is not None else None
            return Content(safe_text(trouble)) if trouble else Content("loading…")
        if self.listed.filter_text:
            return Content.assemble("nothing matches ", (safe_text(self.listed.filter_text), "bold"), " · esc clears")
        if self.listed.which != "all":
            return Content("no such keys here · X shows all")
        return Content("no keys yet · n makes the first")

    def _show_status(self) -> None:
        listed, env = self.listed, self.model.selection.env or ""
        scope = self.model.selection.namespace or "all namespaces"
        shown = f"  {len(listed.order):,} match" if listed.filter_text else ""
        self.table.border_title = f"{safe_text(scope)}  {listed.in_scope:,} keys{shown}"
        words = [f"/ {safe_text(listed.filter_text)}  esc clears"] if listed.filter_text else []
        words += [f"{len(listed.order):,} of {listed.in_scope:,}"]
        words += [f"{len(self.table.marked)} marked"] if self.table.marked else []
        words += {"all": [], "set": ["with a value here"], "unset": ["without a value here"]}[listed.which]
        words += ["order frozen: f lets it go"] if listed.frozen else []
        words += [f"sort {listed.sort} {'↓' if listed.descending else '↑'}", safe_text(env)]
        self.query_one("#status", Static).update(Content.styled(" · ".join(words), "$text-muted"))

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
            self.query_one("#status", Static).update(Content.styled(safe_text(str(error)), "$text-error"))
            return
        self.listed.update()
        self.table.set_rows(self.listed.order)
        self.table.empty = self._empty()
        self._keep_cursor()
        self._show_status()

    def on_input_submitted(self) -> None:
        self.table.focus()

    def action_filter(self) -> None:
        """Type a filter."""
        self.query_one("#filter", Input).add_class("-open")
        self.query_one("#filter", Input).focus()

    def action_back(self) -> None:
        """Clear the filter, or let a zoomed pane go."""
        entry = self.query_one("#filter", Input)
        if self.has_class("-zoomed"):
            self.action_zoom()
        elif entry.value:
            entry.value = ""
        entry.remove_class("-open")
        self.table.focus()

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

    # -- what changes something

    def why_off(self, action_id: str) -> str | None:
        if action_id in _NEEDS_KEY and self._here is None:
            return "no key is selected"
        if ACTIONS[action_id].writes and (refused := role_refuses_because(self.model)) is not None:
            return refused
        # An edit can be begun without a connection: it becomes a draft.
        return None if action_id in ("edit", "editor") else super().why_off(action_id)

    @property
    def _here(self) -> tuple[str, KeyId] | None:
        """The environment and the key that actions are about: those that the model holds as selected."""
        selection = self.model.selection
        if selection.env is None or selection.key is None or selection.key not in self.model.facts:
            return None
        return selection.env, selection.key

    def action_edit(self) -> None:
        """Change the value."""
        if not self.refuse("edit") and self._here is not None:
            self.console.bridge.run_write(self.console.acting.edit(*self._here))

    def action_edit_outside(self) -> None:
        """Change the value in $EDITOR."""
        if not self.refuse("editor") and self._here is not None:
            self.console.bridge.run_write(self.console.acting.edit_outside(*self._here))

    def action_new(self) -> None:
        """Make a key."""
        env = self.model.selection.env
        if not self.refuse("new") and env is not None:
            key = self.model.selection.key
            namespace = self.model.selection.namespace or (None if key is None else key[0])
            self.console.bridge.run_write(self.console.acting.create(env, namespace))

    def action_delete(self) -> None:
        """Take the values of the marked keys away, or of the selected one."""
        if not self.refuse("delete") and self._here is not None:
            env, key = self._here
            marked = [one for one in self.table.order if one in self.table.marked]
            self.console.bridge.run_write(self._delete(env, marked or [key]))

    async def _delete(self, env: str, keys: list[KeyId]) -> None:
        await self.console.acting.delete(env, keys)

    def action_diff(self) -> None:
        """Show what differs: from the marked keys, or between the environments."""
        if not self.refuse("diff") and self._here is not None:
            self.console.bridge.run_write(self.console.acting.differences(*self._here, self.table.marked))

    def action_versions(self) -> None:
        """Show every value that the key ever had here."""
        if not self.refuse("versions") and self._here is not None:
            self.console.open_versions(*self._here)

    def action_promote(self) -> None:
        """Compare the key's namespace with the next environment."""
        if not self.refuse("promote") and self._here is not None:
            env, key = self._here
            self.model.select(env=env, namespace=key[0], key=key)
            self.console.action_go("compare")

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
        self.console.copy(copied_value(held.type, held.value), f"the value of {key_path(key)}")

    def action_copy_path(self) -> None:
        """Copy namespace/key."""
        if self.model.selection.key is not None:
            path = key_path(self.model.selection.key)
            self.console.copy(path, path)

    def action_retry(self) -> None:
        """Try the hub again now."""
        self.console.action_retry()

    # -- keeping

    def keep(self) -> dict[str, object]:
        listed = self.listed
        return {"filter": listed.filter_text, "sort": listed.sort, "descending": listed.descending}

    def restore(self, kept: dict[str, object]) -> None:
        self.listed.restore_sort(kept.get("sort"), kept.get("descending"))
        text = kept.get("filter")
        if isinstance(text, str) and text:
            self.query_one("#filter", Input).value = text
