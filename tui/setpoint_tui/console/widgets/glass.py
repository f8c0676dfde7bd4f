"""The banner of a broken glass: who changed a protected environment without a review, on every console."""

from textual.content import Content

from setpoint_tui.console.widgets.bars import Bar
from setpoint_tui.formatting import format_revision
from setpoint_tui.model.model import Model
from setpoint_tui.text_safety import safe_text

__all__ = ["GlassBanner"]


class GlassBanner(Bar):
    """One line, there as long as something is to be acknowledged; a click does that, too."""

    DEFAULT_CSS = """
    GlassBanner { display: none; height: 1; padding: 0 1; background: $error; color: $text; text-style: bold; }
    GlassBanner.-broken { display: block; }
    """

    def draw(self, model: Model) -> Content:
        broken = model.glass.changes
        self.set_class(bool(broken), "-broken")
        if not broken:
            return Content("")
        last = broken[-1]
        more = f" and {len(broken) - 1} more" if len(broken) > 1 else ""
        key = self.console.key_of("acknowledge")
        who = f"{safe_text(last.by.name, limit=40)} {format_revision(last.revision)} {last.at.astimezone():%H:%M}"
        head = Content(f"▲ GLASS BROKEN in {safe_text(last.env, limit=40)}{more}: {who} ")
        tail = Content(f"  {key} seen")
        room = max(self.size.width or self.app.size.width, 30) - 2 - head.cell_length - tail.cell_length
        return head + Content(f"“{safe_text(last.note, limit=200)}”").truncate(max(room, 0), ellipsis=True) + tail

    def on_click(self) -> None:
        self.console.action_acknowledge()
