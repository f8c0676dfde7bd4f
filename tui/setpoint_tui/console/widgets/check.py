"""A box to tick that tells its state by its mark, not by a colour alone."""

from textual.content import Content
from textual.widgets import Checkbox

__all__ = ["Check"]


class Check(Checkbox):
    """`[x]` is chosen, `[ ]` is not."""

    def render(self) -> Content:
        """Draw mark and label, in the width that the usual box takes."""
        label = self.label.pad(1, 1).stylize_before(self.get_visual_style("toggle--label"))
        return Content.assemble(("[x]" if self.value else "[ ]", "bold"), label)
