"""The last look before a write: where it goes, what it changes, whom it reaches, and why it is made."""

import time
from collections.abc import Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, ClassVar

from textual.app import ComposeResult
from textual.binding import Binding, BindingType
from textual.containers import Horizontal, Vertical, VerticalScroll
from textual.content import Content
from textual.widgets import Button, Input, Static

from setpoint_tui.console.dialogs.dialog import Dialog
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.console.widgets.diff_view import diff_content
from setpoint_tui.console.widgets.guard import Guard
from setpoint_tui.console.widgets.plain_input import PlainInput
from setpoint_tui.console.widgets.when import WhenRow
from setpoint_tui.formatting import counted
from setpoint_tui.model.diffing import diff_values
from setpoint_tui.model.dirty import Dirty
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.link_state import writes_refused_because
from setpoint_tui.model.model import Model
from setpoint_tui.model.policy import Becomes, becomes, button_of, may_break_glass, terms_sentence, what_becomes
from setpoint_tui.model.proposals import Proposal, ProposedChange
from setpoint_tui.model.reach import expected_reach, reach_sentence
from setpoint_tui.model.risk import Rung, rung_of
from setpoint_tui.moments import moment_words
from setpoint_tui.text_safety import safe_text

__all__ = ["ConfirmDialog", "Confirmed"]

_MOST_KEYS = 100
"""Keys whose diff is drawn: nobody reads more, and the count says that there are."""
_LINES_OF_EACH = 12
"""Lines of each key's diff when there are several."""
_LONGEST_NOTE = 2_000
_LOW = 18
"""Lines of a terminal below which only what decides is said."""
_LEAST_LINES = 2
"""Lines of the differences that stay on a terminal that has no room for more."""


@dataclass(frozen=True, slots=True)
class Confirmed:
    """What a person said yes to."""

    note: str
    break_glass: bool = False
    at: datetime | None = None
    """When a hub is to make it; None: it is made now."""

    @property
    def params(self) -> dict[str, Any]:
        """What is sent of it."""
        return {"note": self.note, **({"break_glass": True} if self.break_glass else {})}


class ConfirmDialog(Dialog[Confirmed | None]):
    """Gives back what the person said yes to, and None when not.

    Nothing here writes on `enter` unless the focus is on the button itself.
    """

    CSS_PATH = "confirm.tcss"
    BINDINGS: ClassVar[list[BindingType]] = [
        Binding("escape", "cancel", "Back"),
        Binding("y", "accept_at_once", "Write"),
        Binding("n", "cancel", "Back"),
        Binding("f2", "arm", "Arm"),
        Binding("j,down", "scroll(1)", "Down", show=False),
        Binding("k,up", "scroll(-1)", "Up", show=False),
    ]

    def __init__(self, proposal: Proposal, *, protected: bool) -> None:
        super().__init__()
        self._proposal = proposal
        self._rung = rung_of(proposal, protected=protected)
        self._note = str(proposal.intent.params.get("note", ""))
        self._asks_note = proposal.asks_note or (protected and not self._note.strip())
        self._shown_versions: dict[KeyId, str | None] | None = None

    def compose(self) -> ComposeResult:
        with Vertical(id="confirm"):
            yield Static(id="confirm-title", markup=False)
            with VerticalScroll(id="confirm-body"):
                yield Static(id="confirm-text", markup=False)
            yield Static(id="confirm-effect", markup=False)
            if self._asks_note:
                wanted = "(required here)" if self._rung is Rung.PROTECTED else "(may stay empty)"
                with Horizontal(classes="row"):
                    yield Static("reason ", classes="label")
                    yield PlainInput(
                        self._note, placeholder=wanted, id="reason", compact=True, max_length=_LONGEST_NOTE
                    )
            if self._proposal.may_wait:
                yield WhenRow()
            if self._rung is Rung.PROTECTED:
                env = self._proposal.intent.env
                takes_back = becomes(self.model, self._proposal) is Becomes.TAKEN_BACK
                yield Guard(env, offers_glass=may_break_glass(self.model, env) and not takes_back)
            with Horizontal(id="confirm-buttons"):
                yield Button("Cancel", id="cancel", compact=True)
                yield Button("", id="yes", variant="warning", compact=True)
                yield Static(self._hint, id="confirm-hint", markup=False)

    def on_mount(self) -> None:
        env = self._proposal.intent.env
        self.query_one("#confirm-title", Static).update(
            Content.assemble(environment_badge(self.model, env), "  ", (safe_text(self._proposal.title), "bold"))
        )
        self.query_one("#confirm-text", Static).update(Content("\n").join(list(self._body())))
        self._shown_versions = _versions(self.model, self._proposal)
        self._draw()
        match self._rung:
            case Rung.ONE_KEY:
                self.query_one("#confirm-body").focus()
            case Rung.COUNTED:
                self.query_one("#cancel").focus()
            case Rung.PROTECTED:
                self.query("Input").first().focus()
        if self._rung is Rung.PROTECTED or self._proposal.may_wait:
            # Times run out although nothing is heard.
            self.set_interval(1.0, self._draw)

    def show_body(self, dirty: Dirty) -> None:
        if dirty:
            self._draw()

    def _draw(self) -> None:
        self.query_one("#confirm-effect", Static).update(Content("\n").join(list(self._effect())))
        button = self.query_one("#yes", Button)
        button.disabled = self._why_not() is not None
        title = "Schedule" if self._waits else button_of(self.model, self._proposal, glass=self._breaks_glass)
        if str(button.label) != title:
            button.label = Content(title)
            button.refresh(layout=True)
        self.call_after_refresh(self._fit)

    def on_resize(self) -> None:
        self.call_after_refresh(self._fit)

    def _fit(self) -> None:
        """Let the differences give way, so that what is asked below them is always on the screen."""
        frame, body = self.query_one("#confirm"), self.query_one("#confirm-body")
        others = sum(one.outer_size.height + one.styles.margin.height for one in frame.children if one is not body)
        share = frame.styles.max_height
        whole = self.size.height if share is None else int(self.size.height * share.value / 100)
        body.styles.max_height = max(_LEAST_LINES, whole - frame.gutter.height - others)

    # -- what the person does

    def action_cancel(self) -> None:
        """Go back; nothing is written."""
        self.close(None)

    def action_accept_at_once(self) -> None:
        """Write, where one key is enough for that."""
        if self._rung is Rung.ONE_KEY:
            self._accept()

    def action_scroll(self, step: int) -> None:
        """Scroll what is shown by a line."""
        self.query_one("#confirm-body").scroll_relative(y=step, animate=False)

    def on_button_pressed(self, event: Button.Pressed) -> None:
        if event.button.id == "yes":
            self._accept()
        else:
            self.close(None)

    def on_input_changed(self) -> None:
        self._draw()

    def on_guard_changed(self) -> None:
        self._draw()

    def action_arm(self) -> None:
        """Arm the protected environment for a while."""
        if self._guard is not None:
            self.model.arming.arm(self._proposal.intent.env, time.monotonic())
            self._draw()

    def on_input_submitted(self, event: Input.Submitted) -> None:
        """Go on to what is asked next; `enter` in a field never writes."""
        following = None if self._guard is None else self._guard.next_field(event.input.id)
        if following is not None:
            following.focus()
        elif self._rung is Rung.ONE_KEY:
            self.query_one("#confirm-body").focus()
        elif self._why_not() is None:
            self.query_one("#yes").focus()

    def _accept(self) -> None:
        if self._why_not() is None:
            guard = self._guard
            glass = guard is not None and guard.breaks_glass
            said = guard.glass_reason if guard is not None and glass else self._reason
            self.close(Confirmed(said, glass, None if self._when is None else self._when.read()))

    # -- what is shown

    @property
    def _guard(self) -> Guard | None:
        return self.query_one(Guard) if self._rung is Rung.PROTECTED else None

    @property
    def _when(self) -> WhenRow | None:
        return self.query_one(WhenRow) if self._proposal.may_wait else None

    @property
    def _waits(self) -> bool:
        """Whether it is to be made at a time, and not now."""
        return self._when is not None and not self._when.is_now

    @property
    def _breaks_glass(self) -> bool:
        return self._guard is not None and self._guard.breaks_glass

    @property
    def _hint(self) -> str:
        if self._rung is Rung.ONE_KEY:
            return "y writes · tab reason · esc back" if self._asks_note else "y writes · esc back"
        return "tab to the button · esc back"

    @property
    def _reason(self) -> str:
        return self.query_one("#reason", Input).value.strip() if self._asks_note else self._note

    def _why_not(self) -> str | None:
        """Return what is missing before it can be written, or None."""
        refused = writes_refused_because(self.model.link) or (None if self._when is None else self._when.mistake)
        if refused is None and self._proposal.needs_glass and not self._breaks_glass and not self._waits:
            return f"{self._proposal.needs_glass}; {self._another_way}"
        if refused is not None or self._guard is None:
            return refused
        if not self._reason and not self._breaks_glass:
            return "say why: a protected environment takes no change without a reason"
        if self._waits and self._breaks_glass:
            return "the glass is broken now or not at all: leave the time empty, or take the mark away"
        return self._guard.why_not(self.model.arming)

    @property
    def _another_way(self) -> str:
        ways = ["give it a time"] if self._proposal.may_wait else []
        ways += ["break the glass"] if may_break_glass(self.model, self._proposal.intent.env) else []
        return " or ".join(ways) or "an admin may break the glass"

    def _body(self) -> Iterator[Content]:
        changes = self._proposal.changes
        limit = None if len(changes) == 1 else _LINES_OF_EACH
        for change in changes[:_MOST_KEYS]:
            yield Content.styled(safe_text(key_path(change.key), limit=300), "bold $text-accent")
            yield from _diff(change, limit)
        if len(changes) > _MOST_KEYS:
            yield Content.styled(f"… and {counted(len(changes) - _MOST_KEYS, 'more key')}", "$text-muted")
        if self._note and not self._asks_note:
            yield Content.assemble(("reason  ", "$text-muted"), safe_text(self._note))
        if self._proposal.left_out:
            yield Content.styled(f"left out: {len(self._proposal.left_out):,}", "bold $text-warning")
            yield from (Content(f"  {safe_text(line, limit=300)}") for line in self._proposal.left_out[:_MOST_KEYS])

    def _effect(self) -> Iterator[Content]:
        model, env = self.model, self._proposal.intent.env
        if len(self._proposal.changes) > 1:
            keys, namespaces = len(self._proposal.changes), len(_namespaces(self._proposal))
            yield Content.styled(f"{counted(keys, 'key')} in {counted(namespaces, 'namespace')}", "bold")
        is_low = self.size.height < _LOW
        if self._proposal.based_on and not is_low:
            yield Content.styled(f"based on {safe_text(self._proposal.based_on)}", "$text-muted")
        seen = model.fleet.get(env)
        if seen is not None and not is_low:
            yield Content(reach_sentence(expected_reach(seen.instances, _namespaces(self._proposal))))
        terms = terms_sentence(self._proposal)
        if terms is not None:
            yield Content.styled(terms, "bold $text-warning")
        policy = what_becomes(model, self._proposal, glass=self._breaks_glass)
        if self._when is not None:
            yield from _timing(self._proposal, self._when)
        if policy is not None and not self._waits:
            yield Content.styled(policy, "bold $text-warning")
        armed = None if self._guard is None else self._guard.armed_words(model.arming)
        if armed is not None:
            yield Content.styled(armed, "$text-warning")
        moved = self._moved()
        if moved:
            names = ", ".join(safe_text(key_path(key), limit=80) for key in moved[:3])
            yield Content.styled(f"{names} changed just now: the hub will refuse this", "bold $text-error")
        missing = self._why_not()
        if missing is not None:
            yield Content.styled(missing, "$text-warning")

    def _moved(self) -> list[KeyId]:
        """Return the keys that somebody has changed since this dialog opened."""
        if self._shown_versions is None:
            return []
        now = _versions(self.model, self._proposal)
        return [key for key, version in self._shown_versions.items() if now[key] != version]


def _timing(proposal: Proposal, when: WhenRow) -> Iterator[Content]:
    """Say when a hub makes it, and what becomes of the time that it has already."""
    words = when.words
    if words is not None:
        said = f"a hub applies it at {words}, if it has its approvals then and its base has not moved"
        yield Content.styled(said, "bold $text-warning")
    if proposal.due is not None:
        after = "another time replaces that" if when.is_now else "this replaces that"
        yield Content.styled(f"it waits for {moment_words(proposal.due, datetime.now(UTC))}: {after}", "$text-warning")


def _diff(change: ProposedChange, limit: int | None) -> Iterator[Content]:
    lines = diff_values(change.type, change.old, change.new)
    if not lines:
        yield Content.styled("  the same value as now, as a new version", "$text-muted")
    yield from diff_content(lines[:limit])
    if limit is not None and len(lines) > limit:
        yield Content.styled(f"  … {counted(len(lines) - limit, 'more line')}", "$text-muted")


def _namespaces(proposal: Proposal) -> set[str]:
    return {change.key[0] for change in proposal.changes}


def _versions(model: Model, proposal: Proposal) -> dict[KeyId, str | None]:
    held = {change.key: model.held(proposal.intent.env, change.key) for change in proposal.changes}
    return {key: None if found is None else found.version for key, found in held.items()}
