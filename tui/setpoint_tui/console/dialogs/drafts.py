"""Edits that were begun and not written: gone on with, or thrown away."""

from collections.abc import Iterator
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.widgets import OptionList, Static
from textual.widgets.option_list import Option

from setpoint_tui.console.dialogs.dialog import Dialog
from setpoint_tui.formatting import format_age
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.drafts import Draft
from setpoint_tui.model.keys import key_path
from setpoint_tui.text_safety import safe_text

__all__ = ["DraftsDialog"]

_MOST = 300


class DraftsDialog(Dialog[Draft | None]):
    """Gives back the draft to go on with, or None. `x` pressed twice throws one away."""

    CSS_PATH = "drafts.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,D", "leave", "Close"),
        Binding("x", "discard", "Throw away"),
        Binding("j", "step(1)", show=False),
        Binding("k", "step(-1)", show=False),
    ]

    def __init__(self) -> None:
        super().__init__()
        self._drafts: list[Draft] = []
        self._warned: Draft | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="drafts"):
            yield Static("Drafts", id="drafts-title")
            yield OptionList()
            yield Static("enter goes on with it · x throws it away · esc back", id="drafts-hint", markup=False)

    def show_body(self, dirty: Dirty) -> None:
        if dirty.has(Topic.WRITES):
            self._fill()

    def action_leave(self) -> None:
        """Close; the drafts stay."""
        self.close(None)

    def action_step(self, step: int) -> None:
        """Go to the next, or to the one before."""
        listed = self.query_one(OptionList)
        listed.action_cursor_down() if step > 0 else listed.action_cursor_up()

    def action_discard(self) -> None:
        """Throw the draft away, once that was asked for twice."""
        place = self.query_one(OptionList).highlighted
        if place is None or place >= len(self._drafts):
            return
        draft = self._drafts[place]
        if self._warned != draft:
            self._warned = draft
            self._say(f"x again throws the draft of {safe_text(key_path(draft.id), limit=80)} away")
            return
        self._warned = None
        self.model.drop_draft(draft.env, draft.id)
        self.console.bridge.keep()
        self._say("thrown away")
        self._fill()

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.close(self._drafts[event.option_index])

    def _fill(self) -> None:
        drafts = sorted(self.model.drafts, key=lambda draft: draft.saved_at, reverse=True)[:_MOST]
        if drafts == self._drafts and drafts:
            return
        listed = self.query_one(OptionList)
        before = listed.highlighted or 0
        self._drafts = drafts
        listed.clear_options()
        listed.add_options([Option(Content("").join(list(_line(draft)))) for draft in drafts])
        if drafts:
            listed.highlighted = min(before, len(drafts) - 1)
            listed.focus()
        else:
            self._say("no drafts: an edit that you leave by esc becomes one")

    def _say(self, text: str) -> None:
        self.query_one("#drafts-hint", Static).update(text)


def _line(draft: Draft) -> Iterator[Content]:
    yield Content.styled(f"{safe_text(draft.env, limit=30)}  ", "$text-accent")
    yield Content.styled(safe_text(key_path(draft.id), limit=100), "bold")
    yield Content.styled(f"  {_age(draft)}  ", "$text-muted")
    yield Content(safe_text(" ".join(draft.text[:200].split()), limit=60))


def _age(draft: Draft) -> str:
    try:
        saved = datetime.fromisoformat(draft.saved_at)
    except ValueError:
        return ""
    return "" if saved.tzinfo is None else f"{format_age(saved, datetime.now(UTC))} ago"
