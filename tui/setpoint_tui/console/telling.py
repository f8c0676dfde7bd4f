"""What dialogs that only tell say: how a write met another, and how values differ."""

from collections import defaultdict
from collections.abc import Iterator, Sequence
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
from setpoint_tui.model.place import Loading
from setpoint_tui.model.proposals import Proposal, ProposedChange
from setpoint_tui.model.rolling_back import ChangedSince
from setpoint_tui.text_safety import safe_text

__all__ = ["changed_since_lines", "conflict_lines", "environment_lines", "key_lines"]

_MOST = 50


def conflict_lines(model: Model, proposal: Proposal, outcome: Conflicted) -> Iterator[Content]:
    """Yield what others did to the keys that a write was about, since the person looked."""
    yield Content.styled("nothing was written: " + safe_text(outcome.reason, limit=400), "bold $text-warning")
    met = list(_met_changes(proposal, outcome))
    for env, change in met[:_MOST]:
        yield Content("")
        yield from _met(model, proposal.intent.env, env, change)
    if len(met) > _MOST:
        yield Content.styled(f"… and {len(met) - _MOST:,} more", "$text-muted")
    yield Content("")
    yield Content.styled("look at what holds now, then decide again", "$text-muted")


def changed_since_lines(since: Sequence[ChangedSince]) -> Iterator[Content]:
    """Yield what became of keys that were changed after a change set: taking it back would take that back, too."""
    have = "key has" if len(since) == 1 else "keys have"
    yield Content.styled(f"nothing was rolled back: {len(since):,} {have} changed since", "bold $text-warning")
    for one in since[:_MOST]:
        yield Content("")
        at = "" if one.held is None else f"  {format_revision(one.held.revision)}"
        yield Content.assemble((safe_text(key_path(one.key)), "bold $text-accent"), (at, "$text-muted"))
        yield from _differences(one.type, one.after, ABSENT if one.held is None else one.held.value)
    if len(since) > _MOST:
        yield Content.styled(f"… and {len(since) - _MOST:,} more", "$text-muted")
    yield Content("")
    yield Content.styled("roll those keys back one by one with r, or the later change first", "$text-muted")


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


def _met_changes(proposal: Proposal, outcome: Conflicted) -> Iterator[tuple[str, ProposedChange]]:
    """Yield where each change met another: of a promotion that may be its source. Unnamed means all, in the target."""
    target = proposal.intent.env
    named: defaultdict[KeyId, list[str]] = defaultdict(list)
    for one in outcome.conflicts:
        named[str(one.get("namespace")), str(one.get("key"))].append(str(one.get("env", target)))
    for change in proposal.changes:
        for env in named.get(change.key, []) if named else [target]:
            yield env, change


def _met(model: Model, target: str, env: str, change: ProposedChange) -> Iterator[Content]:
    where = "" if env == target else f" in {safe_text(env)}"
    yield Content.styled(safe_text(key_path(change.key)) + where, "bold $text-accent")
    last = last_change(model, env, change.key)
    if last is not None:
        when = format_age(last.at, datetime.now(UTC))
        said = f"{safe_text(last.by.name, limit=40)}, {when} ago ({format_revision(last.revision)})"
        yield Content.styled(f"{said}  {safe_text(last.note, limit=100)}", "$text-muted")
    place, now = model.places.get(env), model.held(env, change.key)
    if now is None and (place is None or place.loading is not Loading.COMPLETE):
        yield Content.styled("  what it holds now is not known here", "$text-muted")
        return
    # What a promotion would write is what its source was seen to hold.
    seen = change.old if env == target else change.new
    yield from _differences(change.type, seen, ABSENT if now is None else now.value)


def _differences(value_type: str, old: object, new: object) -> Iterator[Content]:
    lines = diff_values(value_type, old, new)
    if not lines:
        yield Content.styled("  the same", "$text-muted")
    yield from diff_content(lines)
