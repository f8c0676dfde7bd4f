"""A screen with a table, and below it an entry that filters it: what is the same on all of them."""

from typing import Any

from textual.widget import Widget
from textual.widgets import Input

from setpoint_tui.console.screens.base import ConsoleScreen
from setpoint_tui.console.widgets.big_table import BigTable

__all__ = ["FilteredScreen"]


class FilteredScreen(ConsoleScreen):
    """Subclasses compose the table, and an `Input` whose id is `filter`, and do what its change asks for."""

    @property
    def table(self) -> BigTable[Any]:
        """What is filtered."""
        raise NotImplementedError

    @property
    def entry(self) -> Input:
        """Where the filter is typed."""
        return self.query_one("#filter", Input)

    def action_filter(self) -> None:
        """Type a filter."""
        self.entry.add_class("-open")
        self.entry.focus()

    def on_input_submitted(self) -> None:
        self.table.focus()

    def clear_filter(self) -> None:
        """Show everything again, with the focus on the table."""
        self.entry.value = ""
        self.leave_filter()

    def leave_filter(self) -> None:
        """Let the entry go, with what is typed in it."""
        self.entry.remove_class("-open")
        self.table.focus()

    def restore_filter(self, kept: dict[str, object]) -> None:
        """Take the filter of an earlier console, if that kept one."""
        text = kept.get("filter")
        if isinstance(text, str) and text:
            self.entry.value = text

    def zoom(self, pane: Widget) -> None:
        """Give the pane beside the table the whole screen, or give it back."""
        zoomed = self.toggle_class("-zoomed").has_class("-zoomed")
        (pane if zoomed else self.table).focus()

    def action_retry(self) -> None:
        """Try the hub again now."""
        self.console.action_retry()
