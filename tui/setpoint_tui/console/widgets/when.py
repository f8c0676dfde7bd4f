"""When a change is to be made: now, or at a time that one types, told again before anything is sent."""

from datetime import UTC, datetime

from textual.app import ComposeResult
from textual.containers import Horizontal
from textual.widgets import Input, Static

from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.moments import moment_words, parse_moment

__all__ = ["WhenRow"]

_LONGEST = 40


class WhenRow(Horizontal):
    """Empty is now. A span such as `in 2h` counts from the moment at which the person says yes."""

    DEFAULT_CSS = """
    WhenRow { height: 1; }
    """

    def compose(self) -> ComposeResult:
        yield Static("when ", classes="label")
        yield PlainInput(
            placeholder="now; or 22:00, 2026-12-01 22:00, in 2h", id="when", compact=True, max_length=_LONGEST
        )

    @property
    def is_now(self) -> bool:
        """Whether no time was typed."""
        return not self._typed

    @property
    def mistake(self) -> str | None:
        """What is wrong with what was typed, or None."""
        try:
            self.read()
        except InvalidSettings as error:
            return f"{error}; empty is now"
        return None

    @property
    def words(self) -> str | None:
        """The time that was typed as it is told again; None: now, or none that can be used."""
        try:
            at = self.read()
        except InvalidSettings:
            return None
        return None if at is None else moment_words(at, datetime.now(UTC))

    def read(self) -> datetime | None:
        """Return the time; None is now. Raises InvalidSettings."""
        return None if self.is_now else parse_moment(self._typed, datetime.now(UTC))

    @property
    def _typed(self) -> str:
        return self.query_one("#when", Input).value.strip()
