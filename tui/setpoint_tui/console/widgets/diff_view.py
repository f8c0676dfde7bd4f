"""What differs between two values, with signs for those who see no colours."""

from collections.abc import Iterable, Sequence

from textual.app import ComposeResult
from textual.containers import VerticalScroll
from textual.content import Content
from textual.widgets import Static

from setpoint_tui.model.diff_lines import DiffLine, SpanKind
from setpoint_tui.text_safety import safe_text

__all__ = ["DiffView", "diff_content"]

_STYLES: dict[SpanKind, str] = {
    "same": "",
    "added": "bold $text-success",
    "removed": "$text-error",
    "context": "$text-muted",
    "path": "bold",
}
_SIGNS = {"+": "bold $text-success", "-": "bold $text-error", "~": "bold $text-warning", " ": ""}


def diff_content(lines: Iterable[DiffLine]) -> list[Content]:
    """Return each line of a diff as it is drawn: its sign, a space, its spans."""
    return [_drawn(line) for line in lines]


class DiffView(VerticalScroll):
    """A diff with a few lines of its own above it. Long lines wrap; a new diff begins at its top."""

    DEFAULT_CSS = """
    DiffView { padding: 0 1; }
    DiffView > Static { width: 1fr; height: auto; }
    """

    def __init__(self, *, id: str | None = None, classes: str = "pane") -> None:  # noqa: A002 - Textual's name for it
        super().__init__(id=id, classes=classes)
        self._text = Static(markup=False)
        self._drawn: Content | None = None
        self._about: object = None

    def compose(self) -> ComposeResult:
        yield self._text

    def show(self, lines: Sequence[DiffLine], *, head: Sequence[Content] = (), about: object = None) -> None:
        """Draw a diff below `head`. `about` says what it is of: as long as that is the same, the place is kept."""
        drawn = Content("\n").join([*head, *diff_content(lines)])
        if self._drawn is None or not drawn.is_same(self._drawn):
            self._drawn = drawn
            self._text.update(drawn)
        if about != self._about:
            self._about = about
            self.scroll_home(animate=False)

    @property
    def shown_text(self) -> str:
        """What is drawn, without its colours."""
        return "" if self._drawn is None else self._drawn.plain


def _drawn(line: DiffLine) -> Content:
    spans = [(safe_text(piece.text), _STYLES[piece.kind]) for piece in line.spans]
    return Content.assemble((f"{line.sign} ", _SIGNS[line.sign]), *spans)
