"""An entry of one line that holds nothing a terminal would act on, whatever is pasted into it."""

from typing import ClassVar

from textual.binding import Binding, BindingType
from textual.widgets import Input

__all__ = ["PlainInput"]


class PlainInput(Input):
    """Drops characters that cannot be shown. `ctrl+d` is the dialog's, as in every field of it."""

    BINDINGS: ClassVar[list[BindingType]] = [Binding("ctrl+d", "screen.discard", show=False)]

    def validate_value(self, value: str) -> str:
        """Keep what can be shown."""
        return value if value.isprintable() else "".join(one for one in value if one.isprintable())
