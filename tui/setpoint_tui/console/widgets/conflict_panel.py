"""What to do when the key that one edits was changed by somebody else: base, theirs, mine, and the choice."""

from collections.abc import Iterator, Sequence
from enum import Enum
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.message import Message
from textual.widgets import Button, Static

from setpoint_tui.console.widgets.diff_view import diff_content
from setpoint_tui.model.conflicts import Base, Meanwhile, overlap_sentence
from setpoint_tui.model.diff_lines import Absent, DiffLine
from setpoint_tui.model.diffing import diff_values
from setpoint_tui.text_safety import safe_text

__all__ = ["Choice", "ConflictPanel"]

_LINES = 5
"""Lines of each side: the whole of both is a key away, in Versions."""


class Choice(Enum):
    """What is done about it."""

    MINE = "mine"
    THEIRS = "theirs"
    BOTH = "both"


class ConflictPanel(Vertical, can_focus=True):
    """Its keys work only while it has the focus, so that nobody decides by typing on."""

    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("m", "choose('mine')", "Keep mine"),
        Binding("t", "choose('theirs')", "Take theirs"),
        Binding("g", "choose('both')", "Merge both"),
    ]
    DEFAULT_CSS = """
    ConflictPanel { display: none; height: auto; border: tall $warning; padding: 0 1; margin: 1 0 0 0; }
    ConflictPanel.-open { display: block; }
    ConflictPanel:focus { border: tall $accent; }
    ConflictPanel #conflict-text { height: auto; max-height: 12; }
    ConflictPanel Horizontal { height: 1; }
    ConflictPanel Button { margin-right: 2; }
    """

    class Chosen(Message):
        """The person has decided."""

        def __init__(self, choice: Choice) -> None:
            super().__init__()
            self.choice = choice

    def compose(self) -> ComposeResult:
        yield Static(id="conflict-text", markup=False)
        with Horizontal():
            yield Button("m Keep mine", id="mine", compact=True)
            yield Button("t Take theirs", id="theirs", compact=True)
            yield Button("g Merge both", id="both", compact=True)

    def open(self, who: str, base: Base, mine: object | Absent, found: Meanwhile, value_type: str) -> None:
        """Show both changes."""
        self.query_one("#conflict-text", Static).update(
            Content("\n").join(list(_words(who, base, mine, found, value_type)))
        )
        together = found.together
        self.query_one("#both", Button).display = together is not None and together.merged is not None
        self.add_class("-open")

    def close(self) -> None:
        """There is nothing to decide."""
        self.remove_class("-open")

    @property
    def is_open(self) -> bool:
        """Whether something is to be decided."""
        return self.has_class("-open")

    def on_button_pressed(self, event: Button.Pressed) -> None:
        event.stop()
        self.action_choose(event.button.id or "")

    def action_choose(self, name: str) -> None:
        """Decide; merging only where it is offered."""
        choice = Choice(name)
        if choice is not Choice.BOTH or self.query_one("#both", Button).display:
            self.post_message(self.Chosen(choice))


def _words(who: str, base: Base, mine: object | Absent, found: Meanwhile, value_type: str) -> Iterator[Content]:
    yield Content.styled(f"! {who}", "bold $text-warning")
    if base.is_known:
        yield Content.styled("base → theirs", "$text-muted")
        yield from _short(diff_values(value_type, base.value, found.theirs.value))
        if not isinstance(mine, Absent):
            yield Content.styled("base → mine", "$text-muted")
            yield from _short(diff_values(value_type, base.value, mine))
    elif not isinstance(mine, Absent):
        yield Content.styled("theirs → mine", "$text-muted")
        yield from _short(diff_values(value_type, found.theirs.value, mine))
    yield Content.styled(safe_text(overlap_sentence(found.together)), "bold")


def _short(lines: Sequence[DiffLine]) -> Iterator[Content]:
    if not lines:
        yield Content.styled("  the same", "$text-muted")
    yield from diff_content(lines[:_LINES])
    if len(lines) > _LINES:
        yield Content.styled(f"  … {len(lines) - _LINES:,} more lines", "$text-muted")
