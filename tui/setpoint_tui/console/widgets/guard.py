"""What a protected environment asks before it takes a write: an armed session, its name, and more past a review."""

import time
from collections.abc import Iterator

from textual.app import ComposeResult
from textual.containers import Horizontal, Vertical
from textual.message import Message
from textual.widgets import Checkbox, Input, Static

from setpoint_tui.console.widgets.check import Check
from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.formatting import format_countdown
from setpoint_tui.model.arming import Arming
from setpoint_tui.text_safety import safe_text

__all__ = ["Guard"]

_WORD = "break glass"
_LONGEST_REASON = 2_000


class Guard(Vertical):
    """Fields between the differences and the buttons. `why_not` says what is missing of them."""

    DEFAULT_CSS = """
    Guard { height: auto; }
    Guard Checkbox { height: 1; padding: 0; border: none; background: $surface; }
    Guard .glass { display: none; }
    Guard.-glass .glass { display: block; }
    """

    class Changed(Message):
        """Something was typed or chosen."""

    def __init__(self, env: str, *, offers_glass: bool) -> None:
        super().__init__()
        self._env = env
        self._offers_glass = offers_glass

    def compose(self) -> ComposeResult:
        yield from _row(f"type {safe_text(self._env)} ", "typed-name")
        if self._offers_glass:
            yield Check("break the glass: at once, without a review", id="glass", compact=True)
            yield from _row("why it cannot wait ", "glass-reason", "glass")
            yield from _row(f"type {_WORD} ", "glass-word", "glass")

    @property
    def breaks_glass(self) -> bool:
        """Whether the person chose to go past review."""
        return self._offers_glass and self.query_one("#glass", Checkbox).value

    @property
    def glass_reason(self) -> str:
        """Why it cannot wait."""
        return self._typed("#glass-reason") if self.breaks_glass else ""

    def why_not(self, arming: Arming) -> str | None:
        """Return what is missing before a write may be sent, or None."""
        name = safe_text(self._env)
        if not arming.left(self._env, time.monotonic()):
            return f"{name} is not armed: F2 arms it for ten minutes"
        if self._typed("#typed-name") != self._env:
            return f"type the name {name} to confirm"
        if self.breaks_glass and not self.glass_reason:
            return "say why it cannot wait: everybody who is connected will read it"
        if self.breaks_glass and self._typed("#glass-word").lower() != _WORD:
            return f"type the words {_WORD} to confirm that it goes past review"
        return None

    def armed_words(self, arming: Arming) -> str | None:
        """Say for how long the environment is armed, or None."""
        left = arming.left(self._env, time.monotonic())
        return f"armed for {format_countdown(left)} more" if left else None

    def next_field(self, after: str | None) -> Input | None:
        """Return the field that is filled in after another one, or None after the last."""
        fields = ["typed-name", *(("glass-reason", "glass-word") if self.breaks_glass else ())]
        place = fields.index(after) + 1 if after in fields else 0
        return self.query_one(f"#{fields[place]}", Input) if place < len(fields) else None

    def on_checkbox_changed(self) -> None:
        self.set_class(self.breaks_glass, "-glass")
        self.post_message(self.Changed())

    def _typed(self, field: str) -> str:
        return self.query_one(field, Input).value.strip()


def _row(label: str, field: str, classes: str = "") -> Iterator[Horizontal]:
    yield Horizontal(
        Static(label, classes="label", markup=False),
        PlainInput(id=field, compact=True, max_length=_LONGEST_REASON),
        classes=f"row {classes}".strip(),
    )
