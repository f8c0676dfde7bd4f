"""One question with a yes and a no, and the focus on no."""

from collections.abc import Sequence
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Button, Static

from setpoint_tui.console.dialogs.dialog import Dialog

__all__ = ["AskDialog"]


class AskDialog(Dialog[bool]):
    """Gives back whether the person said yes. The lines are already safe."""

    CSS_PATH = "ask.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape,n", "say(False)", "No"), Binding("y", "say(True)", "Yes")]

    def __init__(self, title: Content, lines: Sequence[Content], yes: str) -> None:
        super().__init__()
        self._title = title
        self._lines = lines
        self._yes = yes

    def compose(self) -> ComposeResult:
        with Vertical(id="ask"):
            yield Static(self._title, id="ask-title", markup=False)
            yield Static(Content("\n").join(list(self._lines)), markup=False)
            with Horizontal(id="ask-buttons"):
                yield Button("Cancel", id="no", compact=True)
                yield Button(f"{self._yes} (y)", id="yes", variant="warning", compact=True)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        self.close(event.button.id == "yes")

    def action_say(self, yes: bool) -> None:
        """Answer."""
        self.close(yes)
