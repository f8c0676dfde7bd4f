"""How a change that takes itself back is told, with the time that is left."""

from textual.content import Content

from setpoint_tui.formatting import format_countdown, format_revision
from setpoint_tui.model.temporary import Due
from setpoint_tui.text_safety import safe_text

__all__ = ["GLYPH", "expiring_line"]

GLYPH = "◷"


def expiring_line(due: Due, now: float, confirm_key: str) -> Content:
    """Say when a value is taken back, and how to keep it."""
    change = due.change
    of = f"({format_revision(change.revision)} by {safe_text(change.by.name, limit=40)})"
    left = format_countdown(due.left(now))
    if due.waits_for_confirmation:
        words = f"{GLYPH} waits for confirmation: taken back in {left} {of}; {confirm_key} keeps it"
        return Content.styled(words, "bold $text-warning")
    return Content.styled(f"{GLYPH} takes itself back in {left} {of}", "bold $text-warning")
