"""Why a write was not made: what it was based on has changed, by whom is one key away."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime
from typing import ClassVar

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.containers import VerticalScroll
from textual.content import Content
from textual.screen import ModalScreen
from textual.widgets import Static

from setpoint_tui.formatting import NO_VALUE, counted, format_age, format_revision
from setpoint_tui.model.keys import key_path
from setpoint_tui.model.rolling_back import ChangedSince
from setpoint_tui.text_safety import safe_text

__all__ = ["ChangedSinceDialog"]

_MOST_KEYS = 200


class ChangedSinceDialog(ModalScreen[None]):
    """Names each key that has changed meanwhile, and what it holds now."""

    CSS_PATH = "version.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        ("escape,q,enter", "dismiss", "Close"),
        ("j", "scroll(1)", ""),
        ("k", "scroll(-1)", ""),
    ]

    def __init__(self, what: str, since: Sequence[ChangedSince]) -> None:
        super().__init__()
        self._what = what
        self._since = since

    def compose(self) -> ComposeResult:
        with VerticalScroll(id="changed-since"):
            yield Static(Content("\n").join(list(self._lines())), id="changed-since-text", markup=False)

    def action_scroll(self, step: int) -> None:
        """Scroll by a line."""
        self.query_one(VerticalScroll).scroll_relative(y=step, animate=False)

    def _lines(self) -> Iterator[Content]:
        have = "has" if len(self._since) == 1 else "have"
        yield Content.styled(
            f"! {safe_text(self._what)}: {counted(len(self._since), 'key')} {have} changed since", "bold $text-warning"
        )
        yield Content("")
        for one in self._since[:_MOST_KEYS]:
            yield _line(one)
        if len(self._since) > _MOST_KEYS:
            yield Content.styled(f"… and {counted(len(self._since) - _MOST_KEYS, 'more key')}", "$text-muted")
        yield Content("")
        yield Content.styled("Going on would take those changes back, too. Look at each key, then decide.", "")
        yield Content.styled("esc closes", "$text-muted")


def _line(one: ChangedSince) -> Content:
    name = (f"{safe_text(key_path(one.key))} ", "bold")
    env = (f"in {safe_text(one.env)} ", "$text-muted")
    if one.held is None:
        return Content.assemble(name, env, f"holds {NO_VALUE} now")
    age = "" if one.held.at is None else f", {format_age(one.held.at, datetime.now(UTC))} ago"
    since = (f"  {format_revision(one.held.revision)}{age}", "$text-muted")
    return Content.assemble(name, env, f"holds {safe_text(one.held.text, limit=200)} now", since)
