"""Typing a secret: hidden, checked against its type, and never kept as a draft."""

from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.widgets import Input, Static

from setpoint_tui.console.dialogs.dialog import Dialog
from setpoint_tui.console.dialogs.edit import Submission
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.console.widgets.terms import TermsRow
from setpoint_tui.model.conflicts import base_of
from setpoint_tui.model.editing import EditedText, Mistake, read_text
from setpoint_tui.model.keys import Facts, Held, key_path
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.text_safety import safe_text

__all__ = ["SecretDialog"]


class SecretDialog(Dialog[Submission | None]):
    """Gives back what is to be written, based on the version that was there when it opened; None: nothing."""

    CSS_PATH = "secret.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Look at the change"),
        Binding("escape", "leave", "Forget it"),
    ]

    def __init__(self, env: str, facts: Facts, held: Held | None) -> None:
        super().__init__()
        self._env = env
        self._facts = facts
        self._held = held

    def compose(self) -> ComposeResult:
        with Vertical(id="secret"):
            yield Static(id="secret-title", markup=False)
            yield Static(id="secret-about", markup=False)
            with Horizontal(classes="row"):
                yield Static("value ", classes="label")
                yield Input(password=True, placeholder="not shown, not kept", id="secret-value", compact=True)
            with Horizontal(classes="row"):
                yield Static("reason ", classes="label")
                yield PlainInput(id="note", compact=True)
            yield TermsRow()
            yield Static(id="secret-state", markup=False)
            yield Static("ctrl+s write… · esc forgets what was typed", id="secret-hint")

    def on_mount(self) -> None:
        path = safe_text(key_path(self._facts.id), limit=300)
        badge = environment_badge(self.model, self._env)
        title = Content.assemble(badge, "  ", (path, "bold"), f"  {self._facts.type}, secret")
        self.query_one("#secret-title", Static).update(title)
        now = "no value yet" if self._held is None else self._held.text
        about = f"now {now}\nOne line; for more than one, `setpoint set … @FILE`"
        self.query_one("#secret-about", Static).update(Content.styled(about, "$text-muted"))
        self.query_one("#secret-value").focus()

    def on_input_changed(self) -> None:
        self._tell("")

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to what is asked next; `enter` writes nothing."""
        if event.input.id == "secret-value":
            self.query_one("#note").focus()

    def action_leave(self) -> None:
        """Close, and forget what was typed."""
        self.close(None)

    def action_submit(self) -> None:
        """Go on to the change as it would be written."""
        text, terms = self.query_one("#secret-value", Input).value, self.query_one(TermsRow)
        read = read_text(self._facts.value_type, EditedText(text))
        refused = writes_refused_because(self.model.link)
        if not text:
            self._tell("type the value")
        elif isinstance(read, Mistake):
            # The reason might repeat it.
            self._tell(f"that is no value of type {self._facts.type}")
        elif terms.mistake is not None or refused is not None:
            self._tell(terms.mistake or refused or "")
        else:
            note = self.query_one("#note", Input).value.strip()
            self.close(Submission(self._env, self._facts, base_of(self._held), read.value, note, terms.terms))

    def _tell(self, mistake: str) -> None:
        words = Content.styled(f"✗ {safe_text(mistake)}", "bold $text-error") if mistake else Content("")
        self.query_one("#secret-state", Static).update(words)
