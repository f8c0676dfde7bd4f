"""What a promotion takes over, what it leaves out and why, and what it does to each key. Pure."""

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Final
from uuid import UUID, uuid4

from setpoint_hub.comparison import Difference, Position, Side
from setpoint_hub.errors import conflict
from setpoint_hub.plan import Active, Step, conflict_entry, name_of, version_of
from setpoint_hub.store.keys import Key

__all__ = ["LARGEST_PROMOTION", "LeftOut", "Selection", "plan_promotion", "select"]

LARGEST_PROMOTION: Final = 8 * 1024 * 1024
"""Bytes of canonical text in one promotion: its change set travels to every watcher as one frame."""

_MOST_NAMED: Final = 5


@dataclass(frozen=True, slots=True)
class LeftOut:
    """A key that is not promoted, and why."""

    key: Key
    reason: str


@dataclass(frozen=True, slots=True)
class Selection:
    """The keys that a promotion takes over, and those that it leaves out."""

    chosen: tuple[Difference, ...]
    left_out: tuple[LeftOut, ...]


def select(
    source: Position, target: Position, differences: Iterable[Difference], *, named: Sequence[Key], deletions: bool
) -> Selection:
    """Choose what to promote. `named` are the keys that were asked for by name; empty: whatever differs.

    A key that only the target has is taken away there when it is named and deletions are wanted.
    """
    by_key = {difference.key.id: difference for difference in differences}
    keys = named or [difference.key for difference in by_key.values()]
    chosen: list[Difference] = []
    left_out: list[LeftOut] = []
    for key in keys:
        difference = by_key.get(key.id)
        reason = _reason_against(source.env, target.env, difference, deletions=deletions and bool(named))
        if difference is None or reason is not None:
            left_out.append(LeftOut(key, reason or ""))
        else:
            chosen.append(difference)
    return Selection(tuple(chosen), tuple(left_out))


def plan_promotion(
    source: Position,
    target: Position,
    selection: Selection,
    source_now: Mapping[UUID, Active],
    target_now: Mapping[UUID, Active],
) -> list[Step]:
    """Plan the promotion. Raises `conflict`: a key changed on either side since the two revisions, or nothing is left.

    Keys that are not promoted may have changed.
    """
    if not selection.chosen:
        raise conflict(_nothing(source, target, selection.left_out))
    conflicts = [
        *_changed_since(source.env, [(one.key, one.source) for one in selection.chosen], source_now),
        *_changed_since(target.env, [(one.key, one.target) for one in selection.chosen], target_now),
    ]
    if conflicts:
        changed = [f"{entry['namespace']}/{entry['key']} in {entry['env']}" for entry in conflicts]
        raise conflict(
            f"changed since {source.env} r{source.revision} and {target.env} r{target.revision}: "
            f"{_listed(changed)}. Compare again, then decide",
            conflicts,
        )
    return [_step(one, target_now.get(one.key.id)) for one in selection.chosen]


def _reason_against(source: str, target: str, difference: Difference | None, *, deletions: bool) -> str | None:
    match None if difference is None else difference.state:
        case None:
            return f"it has no value in {source} nor in {target}"
        case "same":
            return f"it is the same in {source} and {target}"
        case "only_target":
            advice = "name the key and ask for deletions to take it away there"
            return None if deletions else f"it has a value in {target} only: {advice}"
        case _:
            problem = None if difference is None else difference.problem
            return None if problem is None else f"its value in {source} is not valid: {problem}"


def _changed_since(
    env: str, keys: Iterable[tuple[Key, Side | None]], now: Mapping[UUID, Active]
) -> list[dict[str, str | None]]:
    found: list[dict[str, str | None]] = []
    for key, side in keys:
        seen = None if side is None else side.version
        held = version_of(now.get(key.id))
        if held != seen:
            found.append({"env": env, **conflict_entry(key, seen, held)})
    return found


def _step(difference: Difference, before: Active | None) -> Step:
    source = difference.source
    # A secret is promoted in the clear, and sealed anew for where it goes.
    text = None if source is None else (source.clear if difference.key.secret else source.text)
    return Step(difference.key, before, None if text is None else Active(uuid4(), text), is_new=True)


def _nothing(source: Position, target: Position, left_out: Sequence[LeftOut]) -> str:
    if not left_out:
        return f"there is nothing to promote: {target.env} has all that {source.env} has"
    reasons = [f"{name_of(one.key)}: {one.reason}" for one in left_out]
    return f"there is nothing to promote from {source.env} to {target.env}. {_listed(reasons)}"


def _listed(texts: Sequence[str]) -> str:
    more = f" and {len(texts) - _MOST_NAMED} more" if len(texts) > _MOST_NAMED else ""
    return "; ".join(texts[:_MOST_NAMED]) + more
