"""Where the person is: shared by all screens, so that a switch of screen keeps the place."""

from dataclasses import dataclass

from setpoint_tui.model.keys import KeyId

__all__ = ["Selection"]


@dataclass(slots=True)
class Selection:
    """The environment, the namespace (None: all of them) and the key that is selected by its name, never by its row."""

    env: str | None = None
    namespace: str | None = None
    key: KeyId | None = None
