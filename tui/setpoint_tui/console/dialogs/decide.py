"""A word on a review: what is decided, on which diff, and what is said with it."""

from collections.abc import Iterator
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from setpoint_tui.console.dialogs.dialog import Dialog
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.console.widgets.review_view import diff_lines
from setpoint_tui.formatting import counted
from setpoint_tui.model.dirty import Dirty
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.review_answers import Review
from setpoint_tui.text_safety import safe_text

__all__ = ["DecideDialog"]

_LONGEST = 2_000
_EFFECTS = {
    "reject": "it will not be applied; whoever wants it proposes it again",
    "comment": "it is kept with the review, and changes nothing",
    "withdraw": "it will not be applied; propose it again when you want it",
    "rebase": "based on what holds now it is another diff: approvals given so far do not count any more",
}


class DecideDialog(Dialog[str | None]):
    """Gives back what is said with the decision, and None when there is none.

    An approval asks for the environment's name: whoever gives it answers for what happens there.
    """

    CSS_PATH = "decide.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [Binding("escape", "cancel", "Back")]

    def __init__(self, review: Review, kind: str) -> None:
        super().__init__()
        self._review = review
        self._kind = kind

    def compose(self) -> ComposeResult:
        with Vertical(id="decide"):
            yield Static(id="decide-title", markup=False)
            with VerticalScroll(id="decide-body"):
                lines = diff_lines(self._review, rebased=self._kind == "rebase")
                yield Static(Content("\n").join(list(lines)), id="decide-text", markup=False)
            yield Static(id="decide-effect", markup=False)
            with Horizontal(classes="row"):
                wanted = "(required)" if self._kind == "comment" else "(may stay empty)"
                yield Static("say ", classes="label")
                yield PlainInput(placeholder=wanted, id="words", compact=True, max_length=_LONGEST)
            if self._kind == "approve":
                with Horizontal(classes="row"):
                    yield Static(f"type {safe_text(self._review.env)} ", classes="label", markup=False)
                    yield PlainInput(id="typed-name", compact=True)
            with Horizontal(id="decide-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button(self._kind.capitalize(), id="yes", variant="warning", compact=True)
                yield Static("tab to the button · esc back", id="decide-hint", markup=False)

    def on_mount(self) -> None:
        self.query_one("#decide-title", Static).update(
            Content.assemble(
                environment_badge(self.model, self._review.env),
                (f"  {self._kind} review {self._review.id}", "bold"),
                (f"  by {safe_text(self._review.author.name, limit=40)}", "$text-muted"),
            )
        )
        self._draw()
        self.query_one("#words").focus()

    def show_body(self, dirty: Dirty) -> None:
        if dirty:
            self._draw()

    def _draw(self) -> None:
        self.query_one("#decide-effect", Static).update(Content("\n").join(list(self._effect())))
        self.query_one("#yes", Button).disabled = self._why_not() is not None

    # -- what the person does

    def action_cancel(self) -> None:
        """Go back; nothing is decided."""
        self.close(None)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id != "yes":
            self.close(None)
        elif self._why_not() is None:
            self.close(self.query_one("#words", Input).value.strip())

    def on_input_changed(self) -> None:
        self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to what is asked next; `enter` in a field decides nothing."""
        if event.input.id == "words" and self._kind == "approve":
            self.query_one("#typed-name").focus()
        elif self._why_not() is None:
            self.query_one("#yes").focus()

    # -- what is shown

    def _why_not(self) -> str | None:
        refused = writes_refused_because(self.model.link)
        if refused is not None:
            return refused
        now = self.model.reviews.known.get(self._review.id, self._review)
        if self._kind == "approve" and (now.diff_hash, now.state) != (self._review.diff_hash, self._review.state):
            return "it is not what you look at any more: go back with esc and look again"
        if self._kind == "comment" and not self.query_one("#words", Input).value.strip():
            return "say something"
        if self._kind == "approve" and self.query_one("#typed-name", Input).value.strip() != self._review.env:
            return f"type the name {safe_text(self._review.env)} to approve"
        return None

    def _effect(self) -> Iterator[Content]:
        yield Content.assemble(("reason  ", "$text-muted"), safe_text(self._review.reason, limit=300))
        if self._kind == "approve":
            standing = self._review.approvals
            said = f"approval {standing.given + 1} of {standing.needed}, of this very diff; nothing is applied by it"
            yield Content.styled(said, "$text-warning")
        else:
            given = self._review.approvals.given
            lapse = f" ({counted(given, 'approval')})" if self._kind == "rebase" and given else ""
            yield Content.styled(_EFFECTS[self._kind] + lapse, "$text-warning")
        missing = self._why_not()
        if missing is not None:
            yield Content.styled(missing, "$text-warning")
