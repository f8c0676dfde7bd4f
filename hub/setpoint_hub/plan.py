"""What a write will do to each key, decided from what was asked and what is active now. Pure."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from uuid import UUID, uuid4

from setpoint_hub.errors import conflict, not_found
from setpoint_hub.replica import KeyChange
from setpoint_hub.sealing import Wrapped
from setpoint_hub.store.keys import Key

__all__ = [
    "Active",
    "Anything",
    "Edit",
    "Step",
    "conflict_entry",
    "name_of",
    "plan_edits",
    "plan_reactivation",
    "plan_undo",
    "version_of",
]


@dataclass(frozen=True, slots=True)
class Active:
    """A version with its value: as it is stored, or, of a step still to be carried out, as canonical JSON."""

    version: UUID
    text: str
    wrapped: Wrapped | None = None
    """What opens the text, when it is sealed."""


class Anything:
    """What an edit expects to be active when its author did not say."""


@dataclass(frozen=True, slots=True)
class Edit:
    """One key to be set to a value (canonical JSON), or to none when `text` is None."""

    key: Key
    text: str | None
    expected: UUID | type[Anything] | None = Anything


@dataclass(frozen=True, slots=True)
class Step:
    """One key's move from a version to another; `is_new` says that the version has to be added first."""

    key: Key
    before: Active | None
    after: Active | None
    is_new: bool

    def as_change(self) -> KeyChange:
        """Return the step as the log tells it."""
        return KeyChange(
            namespace=self.key.namespace,
            key=self.key.key,
            type=self.key.type,
            version=self.after.version if self.after else None,
            text=self.after.text if self.after else None,
            previous_version=self.before.version if self.before else None,
            previous_text=self.before.text if self.before else None,
            secret=self.key.secret,
        )


def plan_edits(env: str, edits: Sequence[Edit], active: Mapping[UUID, Active]) -> list[Step]:
    """Plan a `set`. Raises `conflict` (stale bases, all of them named) and `not_found` (nothing to delete)."""
    stale = [edit for edit in edits if not _expected(edit, active.get(edit.key.id))]
    if stale:
        raise _stale(env, stale, active)
    steps: list[Step] = []
    for edit in edits:
        before = active.get(edit.key.id)
        if edit.text is None and before is None:
            raise not_found(f"{name_of(edit.key)} has no value in {env}: there is nothing to delete")
        after = None if edit.text is None else Active(uuid4(), edit.text)
        steps.append(Step(edit.key, before, after, is_new=True))
    return steps


def plan_reactivation(
    env: str,
    key: Key,
    target: Active,
    active: Mapping[UUID, Active],
    expected: UUID | type[Anything] | None = Anything,
) -> list[Step]:
    """Plan making an earlier version active again.

    Raises `conflict` when it is active already, or when another version than `expected` is.
    """
    before = active.get(key.id)
    asked = Edit(key, target.text, expected)
    if not _expected(asked, before):
        raise _stale(env, [asked], active)
    if before is not None and before.version == target.version:
        raise conflict(f"that version of {name_of(key)} is the active one in {env} already: nothing to roll back")
    return [Step(key, before, target, is_new=False)]


def plan_undo(
    env: str,
    revision: int,
    done: Sequence[tuple[Key, Active | None, Active | None]],
    active: Mapping[UUID, Active],
) -> list[Step]:
    """Plan putting back what a change set did: `done` is (key, before, after) of each of its changes.

    Raises `conflict`, naming the keys, when any of them has changed since: undoing would take that change back too.
    """
    since = [
        (key, after, active.get(key.id))
        for key, _, after in done
        if version_of(active.get(key.id)) != version_of(after)
    ]
    if since:
        names = ", ".join(name_of(key) for key, _, _ in since[:5]) + (" and more" if len(since) > 5 else "")
        raise conflict(
            f"revision {revision} of {env} cannot be taken back whole: {names} changed since. "
            "Roll those keys back one by one, or take back the later change first",
            [conflict_entry(key, version_of(after), version_of(now)) for key, after, now in since],
        )
    return [Step(key, after, before, is_new=False) for key, before, after in done]


def _expected(edit: Edit, now: Active | None) -> bool:
    return edit.expected is Anything or edit.expected == version_of(now)


def _stale(env: str, stale: Sequence[Edit], active: Mapping[UUID, Active]) -> Exception:
    names = ", ".join(name_of(edit.key) for edit in stale[:5]) + (" and more" if len(stale) > 5 else "")
    conflicts: list[dict[str, str | None]] = []
    for edit in stale:
        expected = None if isinstance(edit.expected, type) else edit.expected
        conflicts.append(conflict_entry(edit.key, expected, version_of(active.get(edit.key.id))))
    return conflict(f"{names} changed in {env} since you read it: read again, then decide", conflicts)


def conflict_entry(key: Key, expected: UUID | None, now: UUID | None) -> dict[str, str | None]:
    """Return what the answer `conflict` says of one key."""
    return {
        "namespace": key.namespace,
        "key": key.key,
        "expected_version": None if expected is None else str(expected),
        "active_version": None if now is None else str(now),
    }


def version_of(active: Active | None) -> UUID | None:
    """Return the version that holds, or None when none does."""
    return None if active is None else active.version


def name_of(key: Key) -> str:
    """Return a key's name as sentences write it."""
    return f"{key.namespace}/{key.key}"
