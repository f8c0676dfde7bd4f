"""What promoting a row does, and the promotion of the rows that a person chose. Pure."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass

from setpoint_tui.comparison_answers import ComparedKey, ComparedValue, Comparison
from setpoint_tui.formatting import counted, format_revision
from setpoint_tui.model.comparing import Comparing
from setpoint_tui.model.diff_lines import ABSENT, Absent
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.proposals import Proposal, ProposedChange
from setpoint_tui.text_safety import safe_text

__all__ = ["LARGEST_PROMOTION", "Effect", "effect_of", "left_out_of", "propose_promotion", "why_nothing"]

LARGEST_PROMOTION = 1_000
"""Keys that a hub takes in one change set."""

_NAMED = 4


@dataclass(frozen=True, slots=True)
class Effect:
    """What promoting a row would do: a glyph of one cell, and words for those who do not know it."""

    glyph: str
    words: str


def effect_of(row: ComparedKey) -> Effect:
    """Say what promoting a row does in the target, and what is special about it."""
    if not row.valid:
        return Effect("✗", f"invalid: {row.problem or 'it does not fit the key'}")
    if row.source is None:
        return Effect("-", "deletes, if marked")
    if row.newer_in_target:
        return Effect("!", "overwrites newer")
    return Effect("+", "adds") if row.target is None else Effect("~", "changes")


def why_nothing(comparing: Comparing, cursor: KeyId | None) -> str | None:
    """Return why there is nothing to promote, or None when there is something."""
    if comparing.found is None:
        return "the comparison is not here yet"
    chosen = _chosen(comparing, cursor)
    if not chosen:
        row = comparing.rows.get(cursor) if cursor is not None and not comparing.marked else None
        reason = None if row is None else _reason_against(comparing.found, row)
        return reason or "no row is marked that can be promoted: space marks one, a all of them"
    if len(chosen) > LARGEST_PROMOTION:
        return (
            f"{len(chosen):,} rows are chosen and one change set takes {LARGEST_PROMOTION:,}: "
            "filter them, or choose a namespace with o, and promote in parts"
        )
    return None


def propose_promotion(comparing: Comparing, cursor: KeyId | None) -> Proposal:
    """Propose to take over the marked rows, or the row under the cursor; only after `why_nothing` said None."""
    found = comparing.found
    assert found is not None
    chosen = _chosen(comparing, cursor)
    source, target = safe_text(found.source.env), safe_text(found.target.env)
    title = f"promote {counted(len(chosen), 'key')} from {source} to {target}"
    keys = tuple((row.namespace, row.key) for row in chosen)
    params = {
        "source": found.source.env,
        "target": found.target.env,
        "source_revision": found.source.revision,
        "target_revision": found.target.revision,
        "keys": [{"namespace": namespace, "key": key} for namespace, key in keys],
        "deletions": any(row.source is None for row in chosen),
    }
    return Proposal(
        Intent("promote", params, found.target.env, title, keys),
        title,
        tuple(_change(row) for row in chosen),
        left_out=left_out_of(comparing, chosen),
        based_on=_based_on(found, chosen),
    )


def left_out_of(comparing: Comparing, chosen: Iterable[ComparedKey]) -> tuple[str, ...]:
    """Say, a reason a line, which rows of the comparison are not promoted."""
    assert comparing.found is not None
    taken = {(row.namespace, row.key) for row in chosen}
    reasons: defaultdict[str, list[str]] = defaultdict(list)
    for key, row in comparing.rows.items():
        if key not in taken:
            reasons[_left_because(comparing, key, row)].append(safe_text(key_path(key)))
    lines = [f"{counted(len(keys), 'row')} {reason}: {_listed(keys)}" for reason, keys in reasons.items()]
    unseen = comparing.found.different - len(comparing.rows)
    return (*lines, f"{unseen:,} more that differ and are not on show") if unseen > 0 else tuple(lines)


def _chosen(comparing: Comparing, cursor: KeyId | None) -> list[ComparedKey]:
    """The marked rows that can be promoted at all; without any mark the one under the cursor, if it goes by itself."""
    marked = comparing.marked
    if marked:
        return [row for key, row in comparing.rows.items() if key in marked and row.valid]
    row = comparing.rows.get(cursor) if cursor is not None else None
    return [] if row is None or not row.valid or row.source is None else [row]


def _reason_against(found: Comparison, row: ComparedKey) -> str | None:
    path = safe_text(key_path((row.namespace, row.key)))
    if not row.valid:
        return f"{path} is not valid in {safe_text(found.source.env)}: {safe_text(row.problem or '')}"
    if row.source is None:
        target = safe_text(found.target.env)
        return f"{path} has a value in {target} only: mark it with space to have it deleted there"
    return None


def _left_because(comparing: Comparing, key: KeyId, row: ComparedKey) -> str:
    if not row.valid:
        return "not valid in the source"
    if key in comparing.changed:
        return "changed since marked"
    return "in the target only, and not marked" if row.source is None else "not chosen"


def _listed(names: list[str]) -> str:
    more = f" and {len(names) - _NAMED:,} more" if len(names) > _NAMED else ""
    return ", ".join(names[:_NAMED]) + more


def _based_on(found: Comparison, chosen: list[ComparedKey]) -> str:
    sides = [f"{safe_text(side.env)} {format_revision(side.revision)}" for side in (found.source, found.target)]
    newer = [safe_text(key_path((row.namespace, row.key))) for row in chosen if row.newer_in_target]
    if not newer:
        return " and ".join(sides)
    return f"{' and '.join(sides)} · ! newer in {safe_text(found.target.env)}: {_listed(newer)}"


def _change(row: ComparedKey) -> ProposedChange:
    return ProposedChange((row.namespace, row.key), row.type, _held(row.target), _held(row.source))


def _held(side: ComparedValue | None) -> object | Absent:
    return ABSENT if side is None else side.value
