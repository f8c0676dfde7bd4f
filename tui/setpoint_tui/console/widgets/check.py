"""A box to tick that tells its state by its mark, not by a colour alone."""

from textual.widgets import Checkbox

__all__ = ["Check"]


class Check(Checkbox):
    """`[x]` is chosen, `[ ]` is not."""

    BUTTON_LEFT = "["
    BUTTON_RIGHT = "]"
    BUTTON_INNER = " "

    DEFAULT_CSS = """
    Check > .toggle--button, Check.-on > .toggle--button { color: $text; background: $surface; }
    """

    def watch_value(self) -> None:
        self.BUTTON_INNER = "x" if self.value else " "
        super().watch_value()
