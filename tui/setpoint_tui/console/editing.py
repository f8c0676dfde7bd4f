"""One value from the first look to the write: what its editor begins with, and how it is proposed."""

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from setpoint.errors import SetpointError
from setpoint.protocol.values import ValueType, is_value_type
from setpoint_tui.answers import History, read_answer
from setpoint_tui.console.dialogs.edit import Begun, EditDialog, Submission
from setpoint_tui.console.lending import edit_in_terminal, editor_command
from setpoint_tui.console.secrets import edit_secret
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.formatting import format_revision
from setpoint_tui.intents import Outcome
from setpoint_tui.model.conflicts import Base, base_of, first_text
from setpoint_tui.model.diff_lines import ABSENT
from setpoint_tui.model.drafts import Draft
from setpoint_tui.model.editing import EditedText, ReadValue, read_text
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.keys import Facts, KeyId, key_path
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.place import Loading
from setpoint_tui.model.proposals import Proposal, ProposedChange
from setpoint_tui.text_safety import safe_text

if TYPE_CHECKING:
    from setpoint_tui.console.acting import Acting
    from setpoint_tui.console.app import Console

__all__ = ["Editing", "Lent"]

_LOOKED_BACK = 500
"""Changes of a key in which the base of an old draft is looked for."""


@dataclass(frozen=True, slots=True)
class Lent:
    """What came back from the person's own editor."""

    edited: EditedText
    trouble: str = ""


class Editing:
    """Opens editors, and turns what they give into proposals."""

    def __init__(self, app: "Console", acting: "Acting") -> None:
        self._app = app
        self._acting = acting

    async def edit(self, env: str, key: KeyId) -> None:
        """Edit a value in the console; a draft that waits is gone on with."""
        facts = self._app.bridge.model.facts.get(key)
        if facts is not None and facts.secret:
            await edit_secret(self._app, env, key)
            return
        begun = await self._begin(env, key)
        if begun is not None:
            await self._app.push_screen_wait(EditDialog(begun))

    async def edit_outside(self, env: str, key: KeyId) -> None:
        """Edit a value in $EDITOR; when what it leaves is valid, the change is shown at once."""
        facts = self._app.bridge.model.facts.get(key)
        if facts is not None and facts.secret:
            said = f"{safe_text(key_path(key))} is a secret, and goes into no file: e asks for it, hidden"
            self._app.bridge.say(said, Severity.WARNING)
            return
        begun = await self._begin(env, key)
        if begun is None:
            return
        lent = await self.lend(begun.facts.type, begun.edited)
        if lent.edited == begun.edited and not begun.note:
            said = lent.trouble or f"{safe_text(key_path(key))} was not changed"
            self._app.bridge.say(said, Severity.WARNING if lent.trouble else Severity.INFORMATION)
            return
        valid = isinstance(read_text(_type(begun.facts), lent.edited), ReadValue)
        ready = replace(begun, edited=lent.edited, trouble=lent.trouble, submit_at_once=valid and not lent.trouble)
        await self._app.push_screen_wait(EditDialog(ready))

    async def lend(self, value_type: str, edited: EditedText) -> Lent:
        """Let the person edit a text in $EDITOR. What goes wrong comes back with the text."""
        try:
            command = editor_command(self._app.environ)
        except InvalidSettings as error:
            return Lent(edited, safe_text(str(error)))
        suffix = ".txt" if value_type != "json" and not edited.escaped else ".json"
        lent = await edit_in_terminal(self._app, command, edited.text, suffix)
        return Lent(replace(edited, text=lent.text), lent.trouble)

    async def write(self, submission: Submission) -> Outcome | None:
        """Propose a value. None: the person went back to the editor."""
        facts, base = submission.facts, submission.base
        change = {
            "namespace": facts.namespace,
            "key": facts.key,
            "value": submission.value,
            "expected_version": base.version,
        }
        path = safe_text(key_path(facts.id), limit=120)
        intent = Intent(
            "set",
            {"env": submission.env, "changes": [change], "note": submission.note, **submission.terms},
            submission.env,
            f"set {path}",
            (facts.id,),
        )
        held = self._app.bridge.model.held(submission.env, facts.id)
        old = base.value if base.is_known else base_of(held).value
        based_on = "" if base.revision is None else format_revision(base.revision)
        changes = (ProposedChange(facts.id, facts.type, old, submission.value),)
        proposal = Proposal(intent, f"set {path}", changes, based_on=based_on, asks_note=False)
        return await self._acting.carry_out(proposal)

    async def _begin(self, env: str, key: KeyId) -> Begun | None:
        model = self._app.bridge.model
        facts = model.facts.get(key)
        if facts is None or env not in model.places:
            self._app.bridge.say(f"{safe_text(key_path(key))} is not known here yet", Severity.WARNING)
            return None
        if model.places[env].loading is not Loading.COMPLETE:
            await self._load(env)
        base = base_of(model.held(env, key))
        draft = model.drafts.get(env, key)
        if draft is None:
            return Begun(env, facts, base, first_text(facts.type, base))
        found = base if draft.base_version == base.version else await self._base_of_draft(draft)
        return Begun(env, facts, found, EditedText(draft.text, draft.escaped), draft.note)

    async def _load(self, env: str) -> None:
        try:
            await self._app.bridge.feed.load(env)
        except SetpointError as error:
            self._app.bridge.say(str(error), Severity.WARNING)

    async def _base_of_draft(self, draft: Draft) -> Base:
        """Find the value that a draft began from; it may be long gone."""
        if draft.base_version is None:
            return Base(None, ABSENT)
        unknown = Base(draft.base_version, ABSENT, is_known=False)
        asked = {"env": draft.env, "namespace": draft.namespace, "key": draft.key, "limit": _LOOKED_BACK}
        try:
            story = read_answer(History, await self._app.bridge.feed.request("history", asked))
        except SetpointError:
            return unknown
        for change in story.changes:
            if change.version == draft.base_version:
                return Base(change.version, change.value, change.revision, change.at)
        return unknown


def _type(facts: Facts) -> ValueType:
    assert is_value_type(facts.type)
    return facts.type
