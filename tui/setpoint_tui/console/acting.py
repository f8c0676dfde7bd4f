"""Everything that writes, as a person meets it: asked first, made once, and its outcome said."""

import asyncio
import time
from collections.abc import Awaitable, Callable, Collection
from contextlib import suppress
from dataclasses import replace
from typing import TYPE_CHECKING

from textual.content import Content

from setpoint.errors import SetpointError
from setpoint_tui.console.dialogs.confirm import ConfirmDialog, Confirmed
from setpoint_tui.console.dialogs.create import CreateDialog
from setpoint_tui.console.dialogs.drafts import DraftsDialog
from setpoint_tui.console.dialogs.tell import TellDialog
from setpoint_tui.console.editing import Editing
from setpoint_tui.console.telling import conflict_lines, environment_lines, key_lines
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.formatting import counted, format_duration, format_revision
from setpoint_tui.intents import Conflicted, Outcome, Refused, Unknown
from setpoint_tui.looking import fetch_detail, fetch_fleet
from setpoint_tui.model.diff_lines import ABSENT
from setpoint_tui.model.drafts import holds_what_is_written
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.own_writes import OwnWrite, WriteState
from setpoint_tui.model.proposals import Proposal, ProposedChange
from setpoint_tui.model.risk import role_refuses_because
from setpoint_tui.outcomes import outcome_words, settled_words
from setpoint_tui.text_safety import safe_text

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console
    from setpoint_tui.console.bridge import Bridge
    from setpoint_tui.model.model import Model

__all__ = ["Acting"]

Perform = Callable[[Intent], Awaitable[Outcome]]

_SETTLE_SECONDS = 2.0
"""Between two questions about a write of unknown outcome."""


class Acting:
    """Each method that asks is run by `bridge.run_write`: it waits for dialogs, and is never cancelled by another."""

    def __init__(self, app: "Console") -> None:
        self._app = app
        self.editing = Editing(app, self)
        self._settling = False

    @property
    def _bridge(self) -> "Bridge":
        return self._app.bridge

    @property
    def _model(self) -> "Model":
        return self._bridge.model

    # -- proposals

    async def propose(self, proposal: Proposal) -> Outcome | None:
        """Show what a write would do; make it when the person says yes, and say what became of it. None: cancelled."""
        confirmed = await self.confirmed(proposal)
        return await self.make(proposal, confirmed) if isinstance(confirmed, Confirmed) else confirmed

    async def make(self, proposal: Proposal, confirmed: Confirmed) -> Outcome:
        """Make a write that the person said yes to, say what became of it, and show a conflict."""
        outcome = await self._make(proposal, confirmed, self._bridge.intents.perform)
        if isinstance(outcome, Conflicted):
            title = Content.assemble(environment_badge(self._model, proposal.intent.env), "  ", ("Conflict", "bold"))
            lines = list(conflict_lines(self._model, proposal, outcome))
            await self._app.push_screen_wait(TellDialog(title, lines))
        return outcome

    async def carry_out(self, proposal: Proposal, perform: Perform | None = None) -> Outcome | None:
        """Propose, and leave it to the caller to show a conflict. `perform` makes the write."""
        confirmed = await self.confirmed(proposal)
        if not isinstance(confirmed, Confirmed):
            return confirmed
        return await self._make(proposal, confirmed, perform or self._bridge.intents.perform)

    async def confirmed(self, proposal: Proposal) -> Confirmed | Refused | None:
        """Ask the person; None: they said no; Refused: it cannot be sent now, which was said."""
        hub = self._bridge.feed.connection
        refused = role_refuses_because(self._model, proposal.intent.env) or writes_refused_because(self._model.link)
        confirmed = await self._asked(proposal) if refused is None else None
        if confirmed is not None and self._bridge.feed.connection is not hub:
            refused = "the console went over to another hub meanwhile"
        if refused is None:
            return confirmed
        outcome = Refused(refused, "unavailable")
        self._said(outcome, proposal)
        return outcome

    # -- what keys and the palette start

    async def edit(self, env: str, key: KeyId) -> None:
        """Change a value in the console."""
        await self.editing.edit(env, key)

    async def edit_outside(self, env: str, key: KeyId) -> None:
        """Change a value in $EDITOR."""
        await self.editing.edit_outside(env, key)

    async def create(self, env: str, namespace: str | None) -> None:
        """Make a key, and go on to its value in an environment."""
        refused = role_refuses_because(self._model, None)
        if refused is not None:
            self._bridge.say(refused, Severity.WARNING)
            return
        made = await self._app.push_screen_wait(CreateDialog(namespace or "", list(self._model.namespaces())))
        if made is None:
            return
        key = (made.namespace, made.key)
        within = self._model.selection.namespace
        self._model.select(env=env, namespace=within if within == made.namespace else None, key=key)
        self._bridge.say(f"{key_path(key)} is made; it has no value yet", Severity.SUCCESS)
        await self.editing.edit(env, key)

    async def delete(self, env: str, keys: Collection[KeyId]) -> Outcome | None:
        """Take the values of some keys away in an environment; their history stays."""
        held = {key: self._model.held(env, key) for key in keys}
        going = {key: found for key, found in held.items() if found is not None}
        left_out = tuple(f"{key_path(key)} has no value in {env}" for key, found in held.items() if found is None)
        if not going:
            self._bridge.say(f"there is no value in {env} to delete", Severity.WARNING)
            return None
        changes = [
            {"namespace": key[0], "key": key[1], "delete": True, "expected_version": found.version}
            for key, found in going.items()
        ]
        what = key_path(next(iter(going))) if len(going) == 1 else counted(len(going), "value")
        title = f"delete {safe_text(what, limit=120)}"
        return await self.propose(
            Proposal(
                Intent("set", {"env": env, "changes": changes, "note": ""}, env, title, tuple(going)),
                title,
                tuple(ProposedChange(key, found.type, found.value, ABSENT) for key, found in going.items()),
                left_out,
                based_on=format_revision(self._model.revision(env)),
            )
        )

    async def undo(self) -> None:
        """Take my last change back while it is fresh; say why when it cannot be."""
        last = self._model.own.last_undoable
        newest = self._model.own.newest
        now = time.monotonic()
        if newest is not None and newest.state in (WriteState.PENDING, WriteState.UNKNOWN):
            self._bridge.say(f"{newest.title}: what became of it is not known yet, so nothing is taken back")
        elif last is None or last.revision is None:
            self._bridge.say("there is no change of yours to take back")
        elif not last.can_be_undone(now):
            said = f"{last.title} ({format_revision(last.revision)}) is {format_duration(now - last.at)} old"
            self._bridge.say(f"{said}: too old for u; v shows its versions, r rolls back there")
        else:
            await self._take_back(last)

    async def drafts(self) -> None:
        """Show the drafts; go on with the one that is chosen."""
        draft = await self._app.push_screen_wait(DraftsDialog())
        if draft is not None:
            await self.editing.edit(draft.env, draft.id)

    async def differences(self, env: str, key: KeyId, marked: Collection[KeyId]) -> None:
        """Show how a key differs from a marked one, or, with none marked, from itself in other environments."""
        others = [one for one in marked if one != key]
        title = Content.assemble(environment_badge(self._model, env), "  ", (safe_text(key_path(key)), "bold"))
        if others:
            lines = [line for one in others[:10] for line in key_lines(self._model, env, one, key)]
        else:
            await self._look_at(env, key)
            detail, facts = self._model.details.get(env, key), self._model.facts.get(key)
            if detail is None or facts is None:
                self._bridge.say("the other environments are not known now", Severity.WARNING)
                return
            lines = list(environment_lines(self._model, env, key, facts.type, detail))
        await self._app.push_screen_wait(TellDialog(title, lines))

    # -- writes whose answer was lost

    async def settle(self) -> None:
        """Ask the hub about writes of unknown outcome until each is known, or the connection gone; say what it was."""
        if self._settling:
            return
        self._settling = True
        try:
            while self._model.own.unsettled and self._model.is_live:
                for settled in await self._bridge.intents.settle():
                    self._bridge.say(*settled_words(settled))
                    self._forget_written_drafts(settled)
                if self._model.own.unsettled:
                    await asyncio.sleep(_SETTLE_SECONDS)
        finally:
            self._settling = False

    def _forget_written_drafts(self, settled: OwnWrite) -> None:
        for key in settled.keys:
            draft = self._model.drafts.get(settled.env, key)
            if draft is not None and holds_what_is_written(draft, self._model.held(settled.env, key)):
                self._model.drop_draft(settled.env, key)
        self._bridge.keep()

    # -- parts

    async def _take_back(self, last: OwnWrite) -> None:
        assert last.revision is not None
        title = f"take back {format_revision(last.revision)} ({last.title})"
        intents = self._bridge.intents
        params = {"env": last.env, "change_set": last.revision, "note": ""}
        proposal = Proposal(
            Intent("rollback", params, last.env, title, last.keys), title, self._changes_back(last.env, last.revision)
        )
        if not self._model.is_protected(last.env):
            self._said(await intents.undo(last), proposal)
            return
        await self.carry_out(proposal, lambda intent: intents.undo(last, params=intent.params))

    def _changes_back(self, env: str, revision: int) -> tuple[ProposedChange, ...]:
        for change_set in reversed(self._model.activity):
            if (change_set.env, change_set.revision) == (env, revision):
                return tuple(
                    ProposedChange(
                        (change.namespace, change.key),
                        change.type,
                        ABSENT if change.version is None else change.new,
                        ABSENT if change.previous_version is None else change.old,
                    )
                    for change in change_set.changes
                )
        return ()

    async def _make(self, proposal: Proposal, confirmed: Confirmed, perform: Perform) -> Outcome:
        intent = replace(proposal.intent, params={**proposal.intent.params, **confirmed.params})
        return self._said(await perform(intent), proposal)

    async def _asked(self, proposal: Proposal) -> Confirmed | None:
        env = proposal.intent.env
        if env not in self._model.fleet:
            # The dialog shows the reach as soon as it is known; it does not wait for it.
            self._app.run_worker(self._look_at_fleet(env), group="fleet of a proposal", exit_on_error=False)
        protected = self._model.is_protected(env)
        return await self._app.push_screen_wait(ConfirmDialog(proposal, protected=protected))

    async def _look_at_fleet(self, env: str) -> None:
        with suppress(SetpointError):
            await fetch_fleet(self._bridge.feed, env)

    async def _look_at(self, env: str, key: KeyId) -> None:
        found = self._model.details.get(env, key)
        if found is None or found.stale:
            with suppress(SetpointError):
                await fetch_detail(self._bridge.feed, env, key)

    def _said(self, outcome: Outcome, proposal: Proposal) -> Outcome:
        self._bridge.say(*outcome_words(outcome, proposal.intent.env, proposal.title))
        if isinstance(outcome, Unknown):
            self._bridge.run_write(self.settle())
        return outcome
