"""What was said on the line above the keys, newest first."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from setpoint_tui.model.notices import Notice
from setpoint_tui.text_safety import safe_text

__all__ = ["MessagesDialog"]


class MessagesDialog(ModalScreen[None]):
    """The last messages."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [("escape,q,N", "dismiss", "Close")]

    def __init__(self, notices: list[Notice]) -> None:
        super().__init__()
        self._notices = notices

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text())

    def _text(self) -> Content:
        if not self._notices:
            return Content("nothing was said yet")
        lines = [
            Content.assemble((f"{one.at} {one.severity.value} ", "$text-muted"), safe_text(one.text))
            for one in reversed(self._notices)
        ]
        return Content("\n").join(lines)
