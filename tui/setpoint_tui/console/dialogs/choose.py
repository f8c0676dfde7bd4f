"""One of a list, by typing a part of it."""

from dataclasses import dataclass
from typing import ClassVar, Generic, TypeVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import Vertical
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Input, OptionList, Static
from textual.widgets.option_list import Option

from setpoint_tui.text_safety import safe_text

__all__ = ["Choice", "Choose"]

T = TypeVar("T")

_MOST = 200
"""Options that are listed at once: who looks for another types more of it."""


@dataclass(frozen=True)
class Choice(Generic[T]):
    """What is chosen, its name, and a remark."""

    value: T
    name: str
    remark: str = ""


class Choose(ModalScreen[T | None], Generic[T]):
    """Gives back what was chosen, or None."""

    CSS_PATH = "choose.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape", "dismiss(None)", "Cancel"),
        ("down", "move(1)", ""),
        ("up", "move(-1)", ""),
    ]

    def __init__(self, title: str, choices: list[Choice[T]]) -> None:
        super().__init__()
        self._title = title
        self._choices = choices
        self._shown: list[Choice[T]] = []

    def compose(self) -> ComposeResult:
        with Vertical(id="choose"):
            yield Static(self._title, id="choose-title", markup=False)
            yield Input(placeholder="type a part of the name")
            yield OptionList()

    def on_mount(self) -> None:
        self._fill("")

    def on_input_changed(self, event: Input.Changed) -> None:
        self._fill(event.value)

    def on_input_submitted(self) -> None:
        place = self.query_one(OptionList).highlighted
        if place is not None and place < len(self._shown):
            self.dismiss(self._shown[place].value)

    def on_option_list_option_selected(self, event: OptionList.OptionSelected) -> None:
        self.dismiss(self._shown[event.option_index].value)

    def action_move(self, step: int) -> None:
        """Move the choice while the cursor stays in the text."""
        listed = self.query_one(OptionList)
        listed.action_cursor_down() if step > 0 else listed.action_cursor_up()

    def _fill(self, text: str) -> None:
        words = text.lower().split()
        found = [choice for choice in self._choices if all(word in choice.name.lower() for word in words)]
        self._shown = found[:_MOST]
        listed = self.query_one(OptionList)
        listed.clear_options()
        listed.add_options([Option(_line(choice)) for choice in self._shown])
        if self._shown:
            listed.highlighted = 0


def _line(choice: Choice[T]) -> Content:
    return Content.assemble(
        safe_text(choice.name, limit=120), (f"  {safe_text(choice.remark, limit=120)}", "$text-muted")
    )
