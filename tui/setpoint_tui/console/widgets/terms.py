"""When a change is to take itself back: an optional line of two times."""

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.durations import parse_duration
from setpoint_tui.errors import InvalidSettings

__all__ = ["TermsRow"]

_LONGEST = 12
_FIELDS = {"expires": "expires_in", "confirm-within": "confirm_within"}
_MOST_SECONDS = 7_776_000.0


class TermsRow(Horizontal):
    """Both may stay empty: then the change stays until the next one."""

    DEFAULT_CSS = """
    TermsRow { height: 1; }
    TermsRow .label { width: auto; color: $text-muted; }
    TermsRow Input { width: 8; background: $panel; margin-right: 1; }
    EditDialog.-low TermsRow, EditDialog.-flat TermsRow { display: none; }
    """

    def compose(self) -> ComposeResult:
        yield Static("takes itself back after ", classes="label")
        yield PlainInput(placeholder="never", id="expires", compact=True, max_length=_LONGEST)
        yield Static("unless confirmed within ", classes="label")
        yield PlainInput(placeholder="-", id="confirm-within", compact=True, max_length=_LONGEST)

    @property
    def mistake(self) -> str | None:
        """What is wrong with what was typed, or None."""
        try:
            found = self.terms
        except InvalidSettings as error:
            return str(error)
        if any(not 1 <= seconds <= _MOST_SECONDS for seconds in found.values()):
            return "a change takes itself back after 1s at least, and 90d at most"
        return None

    @property
    def terms(self) -> dict[str, float]:
        """The times in seconds, as the hub names them. Raises InvalidSettings."""
        typed = {name: self.query_one(f"#{field}", Input).value.strip() for field, name in _FIELDS.items()}
        return {name: parse_duration(text) for name, text in typed.items() if text}
