"""What all dialogs that may write share: they hear what changes, and close once."""

from typing import TYPE_CHECKING, Generic, TypeVar, cast

from textual.screen import ModalScreen

from setpoint_tui.console.screens.base import ConsoleScreen
from setpoint_tui.model.dirty import Dirty
from setpoint_tui.model.model import Model

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["Dialog"]

T = TypeVar("T")


class Dialog(ModalScreen[T], Generic[T]):
    """A dialog over a screen of the console. It is told what changes also while another lies above it."""

    HORIZONTAL_BREAKPOINTS = ConsoleScreen.HORIZONTAL_BREAKPOINTS
    VERTICAL_BREAKPOINTS = ConsoleScreen.VERTICAL_BREAKPOINTS

    def __init__(self) -> None:
        super().__init__()
        self._result: tuple[T] | None = None
        """What is given back, once it is decided; none is decided twice."""

    @property
    def console(self) -> "Console":
        """The app that this dialog is of."""
        return cast("Console", self.app)

    @property
    def model(self) -> Model:
        """What the console knows."""
        return self.console.bridge.model

    def show(self, dirty: Dirty) -> None:
        """Bring the dialog up to date."""

    def on_screen_resume(self) -> None:
        if self._result is not None:
            self.dismiss(self._result[0])
        else:
            self.show(Dirty.everything())

    def close(self, result: T) -> None:
        """Give `result` back: now, or as soon as what lies above is closed.

        A second key that was already on its way closes nothing else.
        """
        if self._result is not None:
            return
        self._result = (result,)
        if self.is_current:
            self.dismiss(result)
