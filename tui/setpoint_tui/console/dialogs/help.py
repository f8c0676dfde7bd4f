"""Every key of a screen and what it does, and for what is off now the reason."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from setpoint_tui.console.actions import ACTIONS
from setpoint_tui.console.screens.base import COMMON, ConsoleScreen

__all__ = ["HelpDialog"]

_ALWAYS = (
    ("j k g G", "down, up, first, last; the arrows, page up and down too"),
    ("tab", "the next pane"),
    ("mouse", "click to move, twice to open, wheel to scroll"),
)


class HelpDialog(ModalScreen[None]):
    """The help of one screen."""

    CSS_PATH = "help.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,question_mark,f1,q", "dismiss", "Close"),
        ("j", "scroll(1)", ""),
        ("k", "scroll(-1)", ""),
    ]

    def __init__(self, about: ConsoleScreen) -> None:
        super().__init__()
        self._about = about

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="help"):
            yield Static(self._text())

    def action_scroll(self, step: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def _text(self) -> Content:
        lines = [
            Content.styled(f"{ACTIONS[self._about.NAME].title if self._about.NAME in ACTIONS else 'Here'}", "bold")
        ]
        lines += [self._line(name) for name in self._about.ACTION_IDS]
        lines += [Content(""), Content.styled("Moving", "bold")]
        lines += [Content.assemble((f"{keys:>12}  ", "bold $text-accent"), words) for keys, words in _ALWAYS]
        lines += [Content(""), Content.styled("Everywhere", "bold")]
        lines += [self._line(name) for name in COMMON]
        console = self._about.console
        lines += [
            Content(""),
            Content.styled(f"keys, hubs and theme: {console.settings.path}", "$text-muted"),
        ]
        return Content("\n").join(lines)

    def _line(self, name: str) -> Content:
        action = ACTIONS[name]
        key = self._about.console.key_of(name)
        reason = self._about.why_off(name)
        if reason is None:
            words = self._about.FILTER_HELP if name == "filter" else action.help
            return Content.assemble((f"{key:>12}  ", "bold $text-accent"), f"{action.title:<16} {words}")
        return Content.assemble((f"{key:>12}  {action.title:<16} off: {reason}", "dim"))
