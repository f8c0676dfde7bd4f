"""The command palette: every action of the screen on show, and of the console, by its name."""

import time
from dataclasses import replace
from functools import partial
from typing import TYPE_CHECKING, cast

from textual.command import DiscoveryHit, Hit, Hits, Provider

from setpoint_tui.console.actions import ACTIONS, Action
from setpoint_tui.text_safety import safe_text

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["ActionCommands"]


class ActionCommands(Provider):
    """Offers what can be done now; what is off says why."""

    async def discover(self) -> Hits:
        for action in self._actions():
            yield DiscoveryHit(self._title(action), partial(self._run, action), help=self._help(action))

    async def search(self, query: str) -> Hits:
        matcher = self.matcher(query)
        for action in self._actions():
            score = matcher.match(f"{action.title} {action.help}")
            if score > 0:
                yield Hit(score, self._title(action), partial(self._run, action), help=self._help(action))

    @property
    def _console(self) -> "Console":
        return cast("Console", self.app)

    def _actions(self) -> list[Action]:
        front = self._console.front
        return [] if front is None else [*(ACTIONS[name] for name in front.offered), *self._armings()]

    def _armings(self) -> list[Action]:
        """Return an action for each protected environment, whichever is on show: `arm production`."""
        model, arm = self._console.bridge.model, ACTIONS["arm"]
        found: list[Action] = []
        for env in model.environments:
            if model.is_protected(env):
                verb = "Disarm" if model.arming.left(env, time.monotonic()) else "Arm"
                found.append(replace(arm, title=f"{verb} {safe_text(env, limit=60)}", run=f"app.arm({env!r})"))
        return found

    def _title(self, action: Action) -> str:
        return f"{action.title}  ({self._console.key_of(action.id)})"

    def _help(self, action: Action) -> str:
        front = self._console.front
        named = action is not ACTIONS.get(action.id)
        reason = front.why_off(action.id) if front is not None and not named else None
        return action.help if reason is None else f"off: {reason}"

    async def _run(self, action: Action) -> None:
        front = self._console.front
        if front is not None:
            await self._console.run_action(action.run, default_namespace=front)
