"""Everything that writes, as a person meets it: asked first, made once, and its outcome said."""

from collections.abc import Awaitable, Callable
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from setpoint.errors import SetpointError
from setpoint_tui.console.dialogs.confirm import ConfirmDialog
from setpoint_tui.intents import Intent, Outcome, Refused
from setpoint_tui.looking import fetch_fleet
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.model.proposals import Proposal
from setpoint_tui.model.risk import role_refuses_because
from setpoint_tui.outcomes import outcome_words

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console
    from setpoint_tui.console.bridge import Bridge
    from setpoint_tui.model.model import Model

__all__ = ["Acting"]

Perform = Callable[[Intent], Awaitable[Outcome]]


class Acting:
    """Each method that asks is run by `bridge.run_write`: it waits for dialogs, and is never cancelled by another."""

    def __init__(self, app: "Console") -> None:
        self._app = app

    @property
    def _bridge(self) -> "Bridge":
        return self._app.bridge

    @property
    def _model(self) -> "Model":
        return self._bridge.model

    async def propose(self, proposal: Proposal) -> Outcome | None:
        """Show what a write would do; make it when the person says yes, and say what became of it. None: cancelled."""
        return await self.carry_out(proposal)

    async def carry_out(self, proposal: Proposal, perform: Perform | None = None) -> Outcome | None:
        """Do the same, and leave it to the caller to show a conflict. `perform` makes the write."""
        hub = self._bridge.feed.connection
        refused = role_refuses_because(self._model) or writes_refused_because(self._model.link)
        if refused is not None:
            return self._said(Refused(refused, "unavailable"), proposal)
        note = await self._confirmed(proposal)
        if note is None:
            return None
        if self._bridge.feed.connection is not hub:
            return self._said(Refused("the console went over to another hub meanwhile", "unavailable"), proposal)
        intent = replace(proposal.intent, params={**proposal.intent.params, "note": note})
        return self._said(await (perform or self._bridge.intents.perform)(intent), proposal)

    async def _confirmed(self, proposal: Proposal) -> str | None:
        env = proposal.intent.env
        if env not in self._model.fleet:
            # The dialog shows the reach as soon as it is known; it does not wait for it.
            self._app.run_worker(self._look_at_fleet(env), group="fleet of a proposal", exit_on_error=False)
        protected = self._model.is_protected(env)
        return await self._app.push_screen_wait(ConfirmDialog(proposal, protected=protected))

    async def _look_at_fleet(self, env: str) -> None:
        with suppress(SetpointError):
            await fetch_fleet(self._bridge.feed, env)

    def _said(self, outcome: Outcome, proposal: Proposal) -> Outcome:
        self._bridge.say(*outcome_words(outcome, proposal.intent.env, proposal.title))
        return outcome
