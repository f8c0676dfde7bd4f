"""Editing a value: a control for its type, what is wrong as one types, and what others do to it meanwhile."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import ClassVar, assert_never, cast

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical
from textual.content import Content
from textual.timer import Timer
from textual.widgets import Static

from setpoint.protocol.values import ValueType
from setpoint_tui.console.dialogs.dialog import Dialog
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.console.widgets.conflict_panel import Choice, ConflictPanel
from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.console.widgets.terms import TermsRow
from setpoint_tui.console.widgets.value_control import ValueControl
from setpoint_tui.formatting import NO_VALUE, format_age, format_revision, format_value
from setpoint_tui.intents import Conflicted, Done, Outcome, Refused, SentForReview, Unknown
from setpoint_tui.model.conflicts import Base, Meanwhile, first_text, meanwhile, who_sentence
from setpoint_tui.model.diff_lines import ABSENT, Absent
from setpoint_tui.model.dirty import Dirty
from setpoint_tui.model.drafts import Draft
from setpoint_tui.model.editing import EditedText, Mistake, ReadValue, read_text, text_of
from setpoint_tui.model.json_diff import same_json
from setpoint_tui.model.keys import Facts, key_path
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.model.notices import Severity
from setpoint_tui.text_safety import safe_text

__all__ = ["Begun", "EditDialog", "Submission"]

_DRAFT_SECONDS = 1.0
"""After typing stops for that long, the text outlives a crash."""
_LONGEST_NOTE = 2_000


@dataclass(frozen=True, slots=True)
class Begun:
    """What an editor opens with."""

    env: str
    facts: Facts
    base: Base
    edited: EditedText
    note: str = ""
    trouble: str = ""
    """What went wrong on the way here, safe to show."""
    submit_at_once: bool = False
    """Whether the person has finished already, in an editor of their own."""


@dataclass(frozen=True, slots=True)
class Submission:
    """A value that is ready to be written, on top of the version that the person saw."""

    env: str
    facts: Facts
    base: Base
    value: object
    note: str
    terms: Mapping[str, float] = field(default_factory=dict[str, float])
    """When it takes itself back, as the hub names it."""


class EditDialog(Dialog[None]):
    """Stays open until the value is written, kept as a draft, or thrown away."""

    CSS_PATH = "edit.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("ctrl+s", "submit", "Look at the change"),
        Binding("ctrl+o,E", "outside", "$EDITOR"),
        Binding("escape", "leave", "Keep as a draft"),
        Binding("ctrl+d", "discard", "Throw away"),
    ]

    def __init__(self, begun: Begun) -> None:
        super().__init__()
        self._begun = begun
        self._base = begun.base
        self._trouble = begun.trouble
        self._advice = ""
        self._busy = False
        self._saving: Timer | None = None
        self._read: ReadValue | Mistake = read_text(self._type, begun.edited)
        self._meanwhile: Meanwhile | None = None
        self._seen = begun.edited

    def compose(self) -> ComposeResult:
        with Vertical(id="edit"):
            yield Static(id="edit-title", markup=False)
            yield Static(id="edit-about", markup=False)
            yield ConflictPanel()
            yield ValueControl(self._type, self._begun.edited)
            yield Static(id="edit-state", markup=False)
            with Horizontal(classes="row"):
                yield Static("reason ", classes="label")
                yield PlainInput(
                    self._begun.note, placeholder=self._note_wanted, id="note", compact=True, max_length=_LONGEST_NOTE
                )
            yield TermsRow()
            yield Static("ctrl+s write… · esc keep draft · ctrl+d discard · ctrl+o $EDITOR", id="edit-hint")

    def on_mount(self) -> None:
        self.query_one("#edit").set_class(self._type in ("string", "json"), "-tall-dialog")
        path = safe_text(key_path(self._begun.facts.id), limit=300)
        title = Content.assemble(
            environment_badge(self.model, self._begun.env), "  ", (path, "bold"), f"  {self._type}"
        )
        self.query_one("#edit-title", Static).update(title)
        self._control.focus_control()
        self.show(Dirty.everything())
        if self._begun.submit_at_once:
            self.call_after_refresh(self.action_submit)

    def show_body(self, dirty: Dirty) -> None:
        if dirty and not self._busy:
            self._compare()
            self._draw()

    # -- what the person does

    def on_value_control_changed(self) -> None:
        # A control also tells of the text that it was given, which is no news.
        if self._control.edited == self._seen:
            return
        self._seen = self._control.edited
        self._trouble = self._advice = ""
        self._read = read_text(self._type, self._control.edited)
        self._compare()
        self._draw()
        self._save_soon()

    def on_input_changed(self) -> None:
        self._save_soon()

    def action_submit(self) -> None:
        """Go on to the change as it would be written."""
        if self._busy:
            return
        if isinstance(self._read, Mistake):
            self._control.go_to_mistake(self._read)
            self.app.bell()
        elif self._meanwhile is not None:
            self._advise("decide first: m keeps yours, t takes theirs")
            self.query_one(ConflictPanel).focus()
        elif (wrong := self.query_one(TermsRow).mistake) is not None:
            self._advise(wrong)
        elif self._base.is_known and same_json(self._base.value, self._read.value):
            self._advise("nothing is changed yet")
        elif (refused := writes_refused_because(self.model.link)) is not None:
            self._keep_draft()
            self.console.bridge.say(f"kept as a draft: {refused}", Severity.WARNING)
            self.close(None)
        else:
            self._busy = True
            self.console.bridge.run_write(self._submit(self._read.value))

    def action_outside(self) -> None:
        """Go on in $EDITOR."""
        if not self._busy:
            self._busy = True
            self.console.bridge.run_write(self._edit_outside())

    def action_leave(self) -> None:
        """Close; what was typed is kept as a draft."""
        if self._busy:
            return
        if self._differs:
            self._keep_draft()
            self.console.bridge.say(f"draft of {self._path} kept: e goes on with it")
        else:
            self._drop_draft()
        self.close(None)

    def action_discard(self) -> None:
        """Close, and forget what was typed."""
        if self._busy:
            return
        if self._differs or self._draft is not None:
            self.console.bridge.say(f"what was typed for {self._path} is thrown away")
        self._drop_draft()
        self.close(None)

    def on_conflict_panel_chosen(self, event: ConflictPanel.Chosen) -> None:
        if self._meanwhile is None or self._busy:
            return
        found, self._meanwhile = self._meanwhile, None
        self._trouble = self._advice = ""
        match event.choice:
            case Choice.MINE:
                pass
            case Choice.THEIRS:
                self._control.put(first_text(self._type, found.theirs))
            case Choice.BOTH:
                assert found.together is not None
                self._control.put(text_of(self._type, found.together.merged))
            case _:
                assert_never(event.choice)
        self._base = found.theirs
        self._read = read_text(self._type, self._control.edited)
        self._compare()
        self._draw()
        self._save_soon()
        self._control.focus_control()

    # -- writing

    async def _submit(self, value: object) -> None:
        self._trouble = self._advice = ""
        self._control.disabled = True
        self._draw()
        submission = Submission(self._begun.env, self._begun.facts, self._base, value, self._note, self._terms)
        try:
            outcome = await self.console.acting.editing.write(submission)
        finally:
            self._busy = False
            self._control.disabled = False
        self._after(outcome)

    def _after(self, outcome: Outcome | None) -> None:
        match outcome:
            case Done() | SentForReview(review=int()):
                self._drop_draft()
                self.close(None)
                return
            case Unknown():
                # Until it is known, the text is not lost: the draft goes once the hub says that it was written.
                self._keep_draft()
                self.close(None)
                return
            case Refused(reason=reason) | Conflicted(reason=reason) | SentForReview(reason=reason):
                self._trouble = safe_text(reason)
            case None:
                pass
            case _:
                assert_never(outcome)
        self._control.focus_control()
        self._compare()
        self._draw()

    async def _edit_outside(self) -> None:
        try:
            lent = await self.console.acting.editing.lend(self._type, self._control.edited)
        finally:
            self._busy = False
        self._control.put(lent.edited)
        self._seen = self._control.edited
        self._read = read_text(self._type, lent.edited)
        self._trouble = lent.trouble
        self._compare()
        self._draw()
        self._save_soon()

    # -- drafts

    def _save_soon(self) -> None:
        if self._saving is not None:
            self._saving.stop()
        self._saving = self.set_timer(_DRAFT_SECONDS, self._save)

    def _save(self) -> None:
        if self._busy:
            self._save_soon()
        elif self._differs:
            self._keep_draft()
        else:
            self._drop_draft()

    def _keep_draft(self) -> None:
        facts, edited = self._begun.facts, self._control.edited
        draft = Draft(
            self._begun.env,
            facts.namespace,
            facts.key,
            facts.type,
            edited.text,
            self._base.version,
            datetime.now(UTC).isoformat(timespec="seconds"),
            self._note,
            edited.escaped,
        )
        self.model.put_draft(draft)
        self.console.bridge.keep()

    def _drop_draft(self) -> None:
        if self._saving is not None:
            self._saving.stop()
        if self._draft is not None:
            self.model.drop_draft(self._begun.env, self._begun.facts.id)
            self.console.bridge.keep()

    # -- what is shown

    def _compare(self) -> None:
        self._meanwhile = meanwhile(
            self.model, self._begun.env, self._begun.facts.id, self._base, self._mine, self._type
        )
        panel = self.query_one(ConflictPanel)
        if self._meanwhile is None:
            panel.close()
        else:
            who = who_sentence(self._meanwhile, datetime.now(UTC))
            panel.open(who, self._base, self._mine, self._meanwhile, self._type)

    def _draw(self) -> None:
        self.query_one("#edit-about", Static).update(Content("\n").join(list(self._about())))
        mistake = self._read if isinstance(self._read, Mistake) else None
        self._control.mark(mistake)
        self.query_one("#edit-state", Static).update(self._state(mistake))

    def _about(self) -> Iterator[Content]:
        facts = self._begun.facts
        held = self.model.held(self._begun.env, facts.id)
        now = NO_VALUE if held is None else format_value(held.type, held.value, limit=120)
        yield Content.assemble(("now ", "$text-muted"), now, (f"   {self._based_on}", "$text-muted"))
        if facts.description:
            yield Content.styled(safe_text(facts.description, limit=200), "$text-muted")

    def _state(self, mistake: Mistake | None) -> Content:
        if self._busy:
            return Content.styled("…", "$text-muted")
        if self._trouble:
            return Content.styled(f"✗ {self._trouble}", "bold $text-error")
        if mistake is not None:
            return Content.styled(f"✗ {mistake.reason}", "$text-error")
        refused = writes_refused_because(self.model.link)
        warning = self._advice or (f"{refused}; ctrl+s keeps a draft" if refused else "")
        if warning:
            return Content.styled(f"! {warning}", "bold $text-warning")
        return Content.styled("✓ valid" if self._differs else "not changed", "$text-muted")

    def _advise(self, text: str) -> None:
        self._advice = text
        self._draw()

    @property
    def _control(self) -> ValueControl:
        return self.query_one(ValueControl)

    @property
    def _type(self) -> ValueType:
        return cast("ValueType", self._begun.facts.type)

    @property
    def _path(self) -> str:
        return safe_text(key_path(self._begun.facts.id), limit=120)

    @property
    def _note(self) -> str:
        return self.query_one("#note", PlainInput).value.strip()

    @property
    def _terms(self) -> Mapping[str, float]:
        return self.query_one(TermsRow).terms

    @property
    def _note_wanted(self) -> str:
        return "(required here)" if self.model.is_protected(self._begun.env) else "(may stay empty)"

    @property
    def _mine(self) -> object | Absent:
        return self._read.value if isinstance(self._read, ReadValue) else ABSENT

    @property
    def _draft(self) -> Draft | None:
        return self.model.drafts.get(self._begun.env, self._begun.facts.id)

    @property
    def _differs(self) -> bool:
        """Whether something was typed that is not what it began from."""
        return self._control.edited != first_text(self._type, self._base) or bool(self._note)

    @property
    def _based_on(self) -> str:
        base = self._base
        if base.version is None:
            return "no value yet"
        if base.revision is None:
            return "based on a version of before"
        age = "" if base.at is None else f", {format_age(base.at, datetime.now(UTC))} ago"
        return f"based on {format_revision(base.revision)}{age}{self._by}"

    @property
    def _by(self) -> str:
        detail = self.model.details.get(self._begun.env, self._begun.facts.id)
        found = None if detail is None else detail.values.get(self._begun.env)
        if found is None or found.by is None or found.version != self._base.version:
            return ""
        return f" by {safe_text(found.by.name, limit=40)}"
