"""Reviews: what waits for approval at the left, the exact diff of the one under the cursor at the right."""

from collections import defaultdict
from collections.abc import Iterator
from typing import ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Horizontal
from textual.content import Content
from textual.widgets import Input

from setpoint.errors import HubUnreachable, SetpointError
from setpoint_tui.console.actions import ACTIONS, bindings
from setpoint_tui.console.deciding import apply_review, decide_on
from setpoint_tui.console.refreshing import Refreshing
from setpoint_tui.console.screens.filtered import FilteredScreen
from setpoint_tui.console.widgets import review_view
from setpoint_tui.console.widgets.big_table import BigTable
from setpoint_tui.console.widgets.diff_view import DiffView
from setpoint_tui.console.widgets.quiet import Line, retitle
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.reviews import WAITING, Which, due_at, why_not_applied, why_not_decided
from setpoint_tui.review_answers import Review
from setpoint_tui.text_safety import safe_text

__all__ = ["ReviewsScreen"]

_OWN = (
    "filter", "open", "review_states", "review_approve", "review_reject", "review_comment", "review_withdraw",
    "review_rebase", "review_apply", "versions", "zoom", "back", "retry",
)  # fmt: skip
_FOLLOWING: dict[Which, Which] = {"open": "mine", "mine": "all", "all": "open"}


class ReviewsScreen(FilteredScreen):
    """Look at what others want to change, and decide."""

    NAME = "reviews"
    CSS_PATH = "reviews.tcss"
    HINTS = ("help", "review_approve", "review_apply", "review_reject", "review_comment", "review_states", "quit")
    FILTER_HELP = "words AND; !not"
    ACTION_IDS = _OWN
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*_OWN)]

    def __init__(self) -> None:
        super().__init__()
        self._which: Which = "open"
        self._text = ""
        self._trouble: str | None = None
        """Why the review under the cursor could not be looked at."""
        self._refreshing = Refreshing(self, self._read, "review")

    def compose_body(self) -> ComposeResult:
        with Horizontal(id="panes"):
            yield BigTable[int](
                review_view.COLUMNS,
                cells=lambda number: review_view.review_cells(self.model.reviews.known[number]),
                glyph=lambda number: review_view.review_glyph(self.model.reviews.known[number]),
                dimmed=lambda _: not self.model.is_live,
                id="reviews-table",
                classes="pane",
            )
            yield DiffView(id="review")
        yield Input(placeholder="words of number, environment, author, reason, ticket or key; !not", id="filter")
        yield Line(id="status")

    def on_mount(self) -> None:
        self.restore(self.console.bridge.restored_of(self.NAME))
        self.table.focus()
        self.set_interval(1.0, self._age)

    # -- what is on show

    @property
    def table(self) -> BigTable[int]:
        """The queue."""
        return cast("BigTable[int]", self.query_one("#reviews-table"))

    @property
    def selected(self) -> Review | None:
        """The review under the cursor as far as it was fetched whole."""
        cursor = self.table.cursor
        return None if cursor is None else self.model.reviews.whole.get(cursor)

    @property
    def env_on_show(self) -> str | None:
        """The environment of the review under the cursor: what can be done here is done there."""
        review = None
        if self.is_mounted and self.table.cursor is not None:
            review = self.model.reviews.known.get(self.table.cursor)
        return super().env_on_show if review is None else review.env

    @property
    def _me(self) -> int | None:
        who = self.model.whoami
        return None if who is None else who.user.id

    def show_body(self, dirty: Dirty) -> None:
        if dirty.has(Topic.REVIEWS, Topic.LINK, Topic.SELECTION, Topic.WRITES):
            self._list()
        if dirty.has(Topic.REVIEWS, Topic.LINK, Topic.SELECTION, Topic.VALUES, Topic.ACTIVITY):
            self._show_review()

    def _list(self) -> None:
        reviews = self.model.reviews
        if reviews.wanted is not None and reviews.wanted in reviews.known:
            self._make_room_for(reviews.wanted)
        self.table.set_rows(reviews.listed(self._which, self._text, self._me))
        if reviews.wanted is not None and self.table.move_cursor_to(reviews.wanted):
            reviews.wanted = None
        self.table.empty = review_view.why_no_review(self.model, self._which, self._text)
        waiting = f"{reviews.waiting:,} {'waits' if reviews.waiting == 1 else 'wait'}"
        retitle(self.table, waiting if reviews.loaded else "reviews")
        self.table.refresh()
        words = review_view.status_words(self.model, self._which, self._text, len(self.table.order))
        self.query_one("#status", Line).say(words)

    def _make_room_for(self, number: int) -> None:
        """See to it that a review is listed."""
        if number not in self.model.reviews.listed(self._which, self._text, self._me):
            self._which = "all"
            self._text = self.entry.value = ""

    def _show_review(self) -> None:
        pane, cursor = self.query_one("#review", DiffView), self.table.cursor
        if cursor is None:
            retitle(pane, "review")
            pane.show([])
            return
        if self.model.is_live and not self.model.reviews.is_current(cursor) and self._trouble is None:
            self._refreshing.ask()
        review = self.selected
        known = self.model.reviews.known.get(cursor)
        retitle(pane, safe_text(f"review {cursor}" + ("" if known is None else f" of {known.env}"), limit=100))
        if review is None:
            pane.show([], head=[Content(safe_text(self._trouble or "loading…", limit=300))], about=cursor)
            return
        head = [*review_view.review_lines(self.model, review), Content(""), *self._what_i_may()]
        pane.show([], head=head, about=cursor)

    def _what_i_may(self) -> Iterator[Content]:
        """Yield what can be done now by which key, and why not for what one may expect to do."""
        why = {name: self.why_off(name) for name in _OWN if name.startswith("review_") and name != "review_states"}
        offered = [f"{self.console.key_of(name)} {ACTIONS[name].title}" for name in why if why[name] is None]
        yield Content.assemble(("you may  ", "$text-muted"), ("  ".join(offered) or "look", "bold"))
        if self.selected is None or self.selected.state not in WAITING:
            # It is settled, which is said above.
            return
        refused: defaultdict[str, list[str]] = defaultdict(list)
        for name in ("review_approve", "review_apply"):
            reason = why[name]
            if reason is not None:
                refused[reason].append(f"no {ACTIONS[name].title}")
        for reason, names in refused.items():
            yield Content.styled(f"{', '.join(names)}: {reason}", "$text-muted")
        not_now = why_not_decided(self.selected, "apply", self._me)
        if why["review_apply"] is None and not_now is not None:
            key, title = self.console.key_of("review_apply"), ACTIONS["review_apply"].title
            said = f"no {title} now: {safe_text(not_now, limit=300)}; {key} gives it a time"
            yield Content.styled(said, "$text-muted")

    def _age(self) -> None:
        """Ages grow, and what is to be applied at a time comes nearer, although nothing is heard."""
        if self.is_current:
            self.table.refresh()
            if self.selected is not None and due_at(self.selected) is not None:
                self._show_review()

    # -- reading

    async def _read(self) -> None:
        number = self.table.cursor
        if number is None:
            return
        try:
            await self.console.bridge.review(number)
        except HubUnreachable:
            # The bar says so, and what is known stays.
            return
        except SetpointError as error:
            self._trouble = str(error)
        self._show_review()

    # -- what the person does

    def on_big_table_moved(self, event: BigTable.Moved[int]) -> None:
        if event.id == self.table.cursor:
            self._trouble = None
            self._show_review()

    def on_big_table_opened(self, _: BigTable.Opened[int]) -> None:
        self.action_open()

    def on_input_changed(self, event: Input.Changed) -> None:
        self._text = event.value
        self._list()
        self._show_review()

    def action_open(self) -> None:
        """Give the diff the whole screen, or give it back."""
        self.action_zoom()

    def action_zoom(self) -> None:
        """Give the diff the whole screen, or give it back."""
        self.zoom(self.query_one("#review", DiffView))

    def action_back(self) -> None:
        """Let the zoomed diff go, or clear the filter."""
        if self.has_class("-zoomed"):
            self.action_zoom()
        else:
            self.clear_filter()

    def action_states(self) -> None:
        """List what waits, then what I proposed, then all."""
        self._which = _FOLLOWING[self._which]
        self._list()
        self._show_review()

    def action_versions(self) -> None:
        """Show what became of its first key."""
        review = self.selected
        if not self.refuse("versions") and review is not None:
            change = review.changes[0]
            self.console.open_versions(review.env, (change.namespace, change.key))

    # -- deciding

    def why_off(self, action_id: str) -> str | None:
        off = super().why_off(action_id)
        if off is not None or not self.is_mounted:
            return off
        if not action_id.startswith("review_") or action_id == "review_states":
            return "no review is selected" if action_id == "versions" and not self._has_changes else None
        if self.selected is None:
            return "no review is selected"
        if action_id == "review_apply":
            # The dialog says what is missing for now, and offers another time.
            why = why_not_applied(self.selected, self._me)
        else:
            why = why_not_decided(self.selected, action_id.removeprefix("review_"), self._me)
        return None if why is None else safe_text(why, limit=300)

    @property
    def _has_changes(self) -> bool:
        return self.selected is not None and bool(self.selected.changes)

    def action_decide(self, kind: str) -> None:
        """Say something about the review under the cursor, and mean it."""
        review = self.selected
        if not self.refuse(f"review_{kind}") and review is not None:
            self.console.bridge.run_write(decide_on(self.console, review, kind))

    def action_apply(self) -> None:
        """Make the change that was approved."""
        review = self.selected
        if not self.refuse("review_apply") and review is not None:
            self.console.bridge.run_write(apply_review(self.console, review))

    # -- keeping

    def keep(self) -> dict[str, object]:
        return {"which": self._which, "filter": self._text}

    def restore(self, kept: dict[str, object]) -> None:
        which = kept.get("which")
        if which in ("open", "mine", "all"):
            self._which = which
        self.restore_filter(kept)
