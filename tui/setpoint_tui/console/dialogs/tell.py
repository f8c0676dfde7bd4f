"""Something to be read: a conflict, or what differs. It changes nothing."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Static

from setpoint_tui.console.dialogs.dialog import Dialog

__all__ = ["TellDialog"]


class TellDialog(Dialog[None]):
    """A title and lines that are already safe; any of the usual keys closes it."""

    CSS_PATH = "tell.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape,q,enter,d", "leave", "Close"),
        Binding("j", "scroll(1)", show=False),
        Binding("k", "scroll(-1)", show=False),
    ]

    def __init__(self, title: Content, lines: Sequence[Content]) -> None:
        super().__init__()
        self._title = title
        self._lines = lines

    def compose(self) -> ComposeResult:
        with Vertical(id="tell"):
            yield Static(self._title, id="tell-title", markup=False)
            with VerticalScroll():
                yield Static(Content("\n").join(list(self._lines)), markup=False)
            yield Static("esc closes", id="tell-hint")

    def action_leave(self) -> None:
        """Close."""
        self.close(None)

    def action_scroll(self, step: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)
