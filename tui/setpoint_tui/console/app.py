"""The console, put together: the screens as modes, the common actions, themes, keys, and the hub that is followed."""

import os
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, ClassVar

from textual.app import App
from textual.binding import Binding, BindingType
from textual.content import Content
from textual.screen import Screen

from setpoint_tui.connection import Connection
from setpoint_tui.console import themes
from setpoint_tui.console.acting import Acting
from setpoint_tui.console.actions import ACTIONS
from setpoint_tui.console.bridge import Bridge
from setpoint_tui.console.dialogs.choose import Choice, Choose
from setpoint_tui.console.dialogs.dialog import Dialog
from setpoint_tui.console.dialogs.help import HelpDialog
from setpoint_tui.console.dialogs.messages import MessagesDialog
from setpoint_tui.console.dialogs.tell import TellDialog
from setpoint_tui.console.palette import ActionCommands
from setpoint_tui.console.screens.activity import ActivityScreen
from setpoint_tui.console.screens.base import ConsoleScreen
from setpoint_tui.console.screens.compare import CompareScreen
from setpoint_tui.console.screens.fleet import FleetScreen
from setpoint_tui.console.screens.keys import KeysScreen
from setpoint_tui.console.screens.reviews import ReviewsScreen
from setpoint_tui.console.screens.versions import VersionsScreen
from setpoint_tui.console.widgets.scopes import Scope
from setpoint_tui.console.widgets.who import who_lines
from setpoint_tui.console_settings import ConsoleSettings, connection_of
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.kept_state import KeptState, state_file
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.keys import KeyId
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.risk import role_refuses_because
from setpoint_tui.text_safety import safe_text

__all__ = ["Console"]

_SCREENS: tuple[type[ConsoleScreen], ...] = (KeysScreen, FleetScreen, ReviewsScreen, CompareScreen, ActivityScreen)


class Console(App[None]):
    """The console over one hub at a time. Nothing that a hub, a connection or a widget does ends it."""

    TITLE = "Setpoint"
    CSS_PATH = Path(__file__).with_name("console.tcss")
    COMMANDS: ClassVar = {ActionCommands}
    BINDINGS: ClassVar[list[BindingType]] = []
    MODES: ClassVar[dict[str, str | Callable[[], Screen[Any]]]] = {screen.NAME: screen for screen in _SCREENS}
    DEFAULT_MODE = KeysScreen.NAME

    def __init__(
        self,
        connection: Connection,
        settings: ConsoleSettings,
        *,
        hub_name: str = "",
        first_env: str | None = None,
        environ: Mapping[str, str] = os.environ,
    ) -> None:
        super().__init__()
        self.hub_name = hub_name
        self.settings = settings
        self.environ = environ
        self.bridge = Bridge(self, connection, self._kept(connection))
        self.bridge.model.selection.env = self.bridge.model.selection.env or first_env
        self.acting = Acting(self)
        self._terminal_name = ""
        themes.register(self, settings.theme)

    def on_mount(self) -> None:
        self.set_keymap(dict(self.settings.keys))
        self.bridge.start()
        wanted = self.bridge.restored.get("open")
        if wanted in self.MODES:
            self.action_go(str(wanted))
        for name in set(self.settings.keys) - set(ACTIONS):
            self.bridge.say(f"{self.settings.path}: there is no action {name!r} to give a key to", Severity.WARNING)

    # -- screens

    def show(self, dirty: Dirty) -> None:
        """Tell every screen that is on show what changed: the console's own, and a dialog above it."""
        if dirty.has(Topic.SELECTION, Topic.ENVIRONMENTS):
            self._name_terminal()
        for screen in self.screen_stack:
            if isinstance(screen, Dialog) or (isinstance(screen, ConsoleScreen) and screen is self.front):
                screen.show(dirty)

    def _name_terminal(self) -> None:
        """Give the terminal's own title the environment: with several open, it tells them apart."""
        env = self.bridge.model.selection.env
        protected = env is not None and self.bridge.model.is_protected(env)
        words = safe_text(f"{'▓▓ ' if protected else ''}{env or 'setpoint'} · setpoint", limit=80)
        if self._driver is not None and words != self._terminal_name:
            self._terminal_name = words
            self._driver.write(f"\x1b]2;{words}\x07")

    @property
    def front(self) -> ConsoleScreen | None:
        """The uppermost of the console's own screens, which a dialog may lie over."""
        own = [screen for screen in self.screen_stack if isinstance(screen, ConsoleScreen)]
        return own[-1] if own else None

    def screens_to_keep(self) -> dict[str, object]:
        """Return what the next console needs to open the screens as they are."""
        kept: dict[str, object] = {"open": self.current_mode}
        for stack in self._screen_stacks.values():
            for screen in stack:
                if isinstance(screen, ConsoleScreen) and screen.is_mounted:
                    kept[screen.NAME] = screen.keep()
        return kept

    def tab_title(self, name: str) -> str:
        """Return what a screen is called in the bar, with the number of what waits there."""
        waiting = self.bridge.model.reviews.waiting if name == ReviewsScreen.NAME else 0
        return f"{ACTIONS[name].title} ({waiting})" if waiting else ACTIONS[name].title

    def key_of(self, action_id: str) -> str:
        """Return the key of an action as it is shown, after the keymap."""
        keys = self.settings.keys.get(action_id, ACTIONS[action_id].keys)
        return self.get_key_display(Binding(keys.split(",")[0].strip(), ""))

    def open_key(self, env: str, key: KeyId) -> None:
        """Show a key on the screen of keys."""
        self.bridge.model.select(env=env, namespace=None, key=key)
        self.action_go(KeysScreen.NAME)

    def open_versions(self, env: str, key: KeyId) -> None:
        """Show what became of a key in an environment, above the screen on show."""
        model = self.bridge.model
        self.bridge.go_to(env, model.selection.namespace if env == model.selection.env else None, key)
        self.push_screen(VersionsScreen(env, key))

    # -- common actions

    def action_go(self, name: str) -> None:
        """Change to a screen; of the one on show, take away what lies above it."""
        if name in self.MODES and name != self.current_mode:
            self.switch_mode(name)
        elif name == self.current_mode and len(self.screen_stack) > 1 and isinstance(self.screen, ConsoleScreen):
            self.pop_screen()

    def action_help(self) -> None:
        """Show every key of this screen."""
        if self.front is not None:
            self.push_screen(HelpDialog(self.front))

    def action_palette(self) -> None:
        """Find an action by its name."""
        self.action_command_palette()

    def action_notices(self) -> None:
        """Show what was said."""
        self.push_screen(MessagesDialog(list(self.bridge.model.notices.lines)))

    def action_undo(self) -> None:
        """Take my last change back."""
        self.bridge.run_write(self.acting.undo())

    def action_drafts(self) -> None:
        """Show what was begun and not written."""
        self.bridge.run_write(self.acting.drafts())

    def action_who(self) -> None:
        """Show who I am, and what I may do."""
        title = Content.styled("Who you are here, and what you may do", "bold")
        self.push_screen(TellDialog(title, list(who_lines(self.bridge.model))))

    def action_arm(self, env: str | None = None) -> None:
        """Let a protected environment be written to for ten minutes; once more, and it is over."""
        name = env or (self.front.env_on_show if self.front is not None else None) or ""
        model, now = self.bridge.model, time.monotonic()
        refused = role_refuses_because(model, name)
        if not model.is_protected(name):
            self.bridge.say(f"{safe_text(name, limit=60)} is not protected: it needs no arming")
        elif refused is not None:
            self.bridge.say(f"Arm: {refused}", Severity.WARNING)
        elif model.arming.left(name, now):
            model.arming.disarm(name)
            self.bridge.say(f"{safe_text(name, limit=60)} is disarmed", Severity.SUCCESS)
        else:
            model.arming.arm(name, now)
            self.bridge.say(f"{safe_text(name, limit=60)} is armed for ten minutes: ! disarms it", Severity.WARNING)

    def action_acknowledge(self) -> None:
        """Take the banner of a broken glass away: it was seen."""
        if self.bridge.model.glass.acknowledge():
            self.bridge.model.dirty.mark(Topic.ACTIVITY)

    async def action_resync(self) -> None:
        """Load everything on show anew."""
        self.bridge.resync()

    def action_retry(self) -> None:
        """Try the hub again now."""
        self.bridge.feed.retry_now()

    def action_environment(self, step: int) -> None:
        """Go to the next environment, or to the one before."""
        model = self.bridge.model
        names = list(model.environments)
        if names and model.selection.env in names:
            place = names.index(model.selection.env)
            self.bridge.go_to(names[(place + step) % len(names)])

    def action_scope(self) -> None:
        """Choose environment and namespace from a list."""
        model = self.bridge.model
        choices: list[Choice[Scope]] = []
        for env in model.environments:
            choices.append(Choice[Scope]((env, None), env, "every namespace"))
            for namespace, count in model.namespaces().items():
                choices.append(Choice[Scope]((env, namespace), f"{env} / {namespace}", f"{count} keys"))
        self.push_screen(Choose("Go to", choices), self._go_to_scope)

    def _go_to_scope(self, chosen: Scope | None) -> None:
        if chosen is not None:
            self.bridge.go_to(*chosen)

    def action_hub(self) -> None:
        """Switch to another hub of the settings file."""
        choices = [Choice(name, name, hub.url) for name, hub in self.settings.hubs.items()]
        if not choices:
            self.bridge.say(f"no other hub is named in {self.settings.path}", Severity.WARNING)
            return
        self.push_screen(Choose("Switch to the hub", choices), self._switch_hub)

    def _switch_hub(self, name: str | None) -> None:
        if name is None:
            return
        try:
            connection = connection_of(name, self.settings.hubs[name], self.environ)
        except InvalidSettings as error:
            self.bridge.say(str(error), Severity.ERROR)
            return
        self.hub_name = name
        self.bridge.go_over(connection, self._kept(connection))

    def action_leave(self) -> None:
        """Leave; drafts and places are kept."""
        self.leave()

    def leave(self, code: int = 0) -> None:
        """Leave with an exit code."""
        self.bridge.keep()
        self.exit(return_code=code)

    def copy(self, text: str, what: str) -> None:
        """Put a text on the clipboard, by the terminal's own means."""
        self.copy_to_clipboard(text)
        self.bridge.say(f"copied {safe_text(what, limit=80)}", Severity.SUCCESS)

    def _kept(self, connection: Connection) -> KeptState:
        return KeptState(state_file(self.settings.state_folder, connection.address.url))
