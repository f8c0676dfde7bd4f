"""Setting what a widget shows only when it is another: each setting lays the screen out anew."""

from textual.content import Content
from textual.widget import Widget
from textual.widgets import Static

__all__ = ["Line", "retitle"]


def retitle(widget: Widget, title: str) -> None:
    """Set the title in a widget's border. `title` holds names alone, which have no markup in them."""
    if widget.border_title != title:
        widget.border_title = title


class Line(Static):
    """A line of text that is drawn anew only when it says something else."""

    def __init__(self, *, id: str) -> None:  # noqa: A002  # Textual's name for it
        super().__init__(id=id, markup=False)
        self._said = Content("")

    def say(self, text: Content) -> None:
        """Show a text."""
        if not text.is_same(self._said):
            self._said = text
            self.update(text)
