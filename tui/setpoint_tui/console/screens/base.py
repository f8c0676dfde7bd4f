"""What all screens share: the bar above, the lines below, the common keys, and being told what changed."""

import logging
from typing import TYPE_CHECKING, ClassVar, cast

from textual.app import ComposeResult
from textual.binding import BindingType
from textual.screen import Screen

from setpoint_tui.console.actions import ACTIONS, bindings
from setpoint_tui.console.widgets.bars import Bar, Hints, NoticeLine, TooSmall, TopBar
from setpoint_tui.console.widgets.glass import GlassBanner
from setpoint_tui.model.dirty import Dirty
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.model.model import Model
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.risk import role_refuses_because

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["ConsoleScreen"]

log = logging.getLogger(__name__)

COMMON = (
    "help", "palette", "keys", "fleet", "reviews", "compare", "activity", "scope", "next_environment",
    "previous_environment", "hub", "resync", "undo", "drafts", "who", "arm", "acknowledge", "notices", "quit",
)  # fmt: skip


class ConsoleScreen(Screen[None]):
    """One screen. Subclasses compose their body and show what changed."""

    NAME: ClassVar[str]
    """Its name: of its mode, and of what is kept of it."""
    HINTS: ClassVar[tuple[str, ...]] = ("help", "palette", "quit")
    """The ids of the actions in the footer, at most seven, help first."""
    FILTER_HELP: ClassVar[str] = ACTIONS["filter"].help
    """What a filter of this screen can hold."""
    ACTION_IDS: ClassVar[tuple[str, ...]] = ()
    """The ids of this screen's own actions, for help and palette; `BINDINGS` holds them too."""
    BINDINGS: ClassVar[list[BindingType]] = [*bindings(*COMMON)]
    HORIZONTAL_BREAKPOINTS = [  # noqa: RUF012  # Textual's own attribute, and not annotated as of the class there
        (0, "-tiny"),
        (60, "-cramped"),
        (72, "-narrow"),
        (100, "-wide"),
    ]
    VERTICAL_BREAKPOINTS = [  # noqa: RUF012  # as above
        (0, "-flat"),
        (16, "-low"),
        (18, "-short"),
        (30, "-tall"),
    ]

    def compose(self) -> ComposeResult:
        yield TooSmall()
        yield TopBar()
        yield GlassBanner()
        yield from self.compose_body()
        yield NoticeLine()
        yield Hints()

    def compose_body(self) -> ComposeResult:
        """Compose what stands between the bars."""
        yield from ()

    @property
    def console(self) -> "Console":
        """The app that this screen is of."""
        return cast("Console", self.app)

    @property
    def model(self) -> Model:
        """What the console knows."""
        return self.console.bridge.model

    @property
    def env_on_show(self) -> str | None:
        """The environment that the screen is about, as the bar above it says."""
        return self.model.selection.env

    @property
    def offered(self) -> tuple[str, ...]:
        """The ids of everything that can be done here, this screen's own first."""
        return (*self.ACTION_IDS, *COMMON)

    # -- being told

    def show(self, dirty: Dirty) -> None:
        """Bring the screen up to date. A failure is told and never ends the console."""
        if not self.is_mounted:
            # It is told everything once it is there.
            return
        try:
            for bar in self.query(Bar):
                bar.show()
            self.show_body(dirty)
        except Exception as error:
            log.exception("%s could not be drawn", self.NAME)
            self.console.bridge.say(f"internal error on this screen: {error!r}; it goes on", Severity.ERROR)

    def show_body(self, dirty: Dirty) -> None:
        """Bring what stands between the bars up to date."""

    def on_screen_resume(self) -> None:
        self.show(Dirty.everything())

    def keep(self) -> dict[str, object]:
        """Return what the next console needs to open this screen as it is, as JSON."""
        return {}

    def restore(self, kept: dict[str, object]) -> None:
        """Take what `keep` gave; anything that cannot be used is ignored."""

    # -- what may be done now

    def why_off(self, action_id: str) -> str | None:
        """Return why an action is off now, or None when it is on."""
        if ACTIONS[action_id].writes:
            return writes_refused_because(self.model.link)
        if action_id == "acknowledge" and not self.model.glass.changes:
            return "no glass was broken"
        if action_id == "arm" and not self.model.is_protected(self.env_on_show or ""):
            return "this environment is not protected"
        return role_refuses_because(self.model, self.env_on_show) if action_id == "arm" else None

    def refuse(self, action_id: str) -> bool:
        """Say why an action is off; return whether it is."""
        reason = self.why_off(action_id)
        if reason is not None:
            self.console.bridge.say(f"{ACTIONS[action_id].title}: {reason}", Severity.WARNING)
        return reason is not None
