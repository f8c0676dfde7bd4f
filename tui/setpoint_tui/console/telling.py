"""What dialogs that only tell say: how a write met another, and how values differ."""

from collections.abc import Iterator
from datetime import UTC, datetime

from textual.content import Content

from setpoint_tui.console.widgets.diff_view import diff_content
from setpoint_tui.formatting import format_age, format_revision
from setpoint_tui.intents import Conflicted
from setpoint_tui.model.conflicts import last_change
from setpoint_tui.model.details import Detail
from setpoint_tui.model.diff_lines import ABSENT
from setpoint_tui.model.diffing import diff_values
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.model import Model
from setpoint_tui.model.proposals import Proposal, ProposedChange
from setpoint_tui.text_safety import safe_text

__all__ = ["conflict_lines", "environment_lines", "key_lines"]

_MOST = 50


def conflict_lines(model: Model, proposal: Proposal, outcome: Conflicted) -> Iterator[Content]:
    """Yield what others did to the keys that a write was about, since the person looked."""
    yield Content.styled("nothing was written: " + safe_text(outcome.reason, limit=400), "bold $text-warning")
    named = {(str(one.get("namespace")), str(one.get("key"))) for one in outcome.conflicts}
    met = [change for change in proposal.changes if not named or change.key in named]
    for change in met[:_MOST]:
        yield Content("")
        yield from _met(model, proposal.intent.env, change)
    if len(met) > _MOST:
        yield Content.styled(f"… and {len(met) - _MOST:,} more", "$text-muted")
    yield Content("")
    yield Content.styled("look at what holds now, then decide again", "$text-muted")


def environment_lines(model: Model, env: str, key: KeyId, value_type: str, detail: Detail) -> Iterator[Content]:
    """Yield how the value of a key in each other environment differs from the one in `env`."""
    here = model.held(env, key)
    mine = ABSENT if here is None else here.value
    for name in model.environments:
        if name == env:
            continue
        there = detail.values.get(name)
        yield Content.styled(f"{safe_text(env)} → {safe_text(name)}", "bold $text-accent")
        yield from _differences(value_type, mine, ABSENT if there is None else there.value)
        yield Content("")


def key_lines(model: Model, env: str, first: KeyId, second: KeyId) -> Iterator[Content]:
    """Yield how the values of two keys in one environment differ."""
    one, other = model.held(env, first), model.held(env, second)
    found = one or other
    value_type = "json" if found is None or (one and other and one.type != other.type) else found.type
    yield Content.styled(f"{safe_text(key_path(first))} → {safe_text(key_path(second))}", "bold $text-accent")
    yield from _differences(value_type, ABSENT if one is None else one.value, ABSENT if other is None else other.value)


def _met(model: Model, env: str, change: ProposedChange) -> Iterator[Content]:
    yield Content.styled(safe_text(key_path(change.key)), "bold $text-accent")
    last = last_change(model, env, change.key)
    if last is not None:
        when = format_age(last.at, datetime.now(UTC))
        said = f"{safe_text(last.by.name, limit=40)}, {when} ago ({format_revision(last.revision)})"
        yield Content.styled(f"{said}  {safe_text(last.note, limit=100)}", "$text-muted")
    now = model.held(env, change.key)
    yield from _differences(change.type, change.old, ABSENT if now is None else now.value)


def _differences(value_type: str, old: object, new: object) -> Iterator[Content]:
    lines = diff_values(value_type, old, new)
    if not lines:
        yield Content.styled("  the same", "$text-muted")
    yield from diff_content(lines)
