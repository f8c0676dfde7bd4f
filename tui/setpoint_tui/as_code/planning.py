"""What would have to change for an environment to be as a file says. Pure."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any, Final, Literal

from setpoint.protocol.messages import Entry, Full
from setpoint.protocol.strict_json import dumps
from setpoint.protocol.values import Json, ValueType, encode_value
from setpoint_tui.as_code.document import EnvironmentFile, Setting
from setpoint_tui.errors import InvalidFile

__all__ = ["Action", "Kind", "Plan", "change_params", "changed_between", "make_plan"]

Kind = Literal["create", "change", "remove"]
Name = tuple[str, str]
"""A namespace and a key."""

MOST_CHANGES: Final = 1_000
"""Keys that a hub takes in one change set."""
LARGEST_CHANGE: Final = 1024 * 1024 - 8 * 1024
"""Bytes of one request to a hub, less what stands around its changes."""


@dataclass(frozen=True, slots=True)
class Action:
    """What is to be done to one key; `version` is the active one, None for no value."""

    kind: Kind
    namespace: str
    key: str
    type: ValueType
    old: Json
    new: Json
    version: str | None
    key_is_new: bool = False
    """The key does not exist in any environment: it has to be made first."""


@dataclass(frozen=True, slots=True)
class Plan:
    """Everything to be done, in order of name, against an environment at a revision.

    `same` counts the keys that are as the file says, `unlisted` those with a value in the file's namespaces that the
    file does not name and that stay.
    """

    env: str
    revision: int
    actions: tuple[Action, ...]
    same: int
    unlisted: int

    def count(self, kind: Kind) -> int:
        """Return how many actions are of a kind."""
        return sum(action.kind == kind for action in self.actions)


def make_plan(file: EnvironmentFile, held: Full, valueless: Mapping[Name, str], *, prune: bool) -> Plan:
    """Plan from what is held now. `valueless` has the types of keys that exist and hold no value here.

    Raises InvalidFile for a key that exists with another type. With `prune`, keys that the file does not name lose
    their values in the namespaces that it does name.
    """
    actions: list[Action] = []
    same = unlisted = 0
    for namespace, settings in file.namespaces.items():
        present = held.namespaces.get(namespace, {})
        for key, setting in settings.items():
            action = _action((namespace, key), setting, present.get(key), valueless)
            if action is None:
                same += 1
            else:
                actions.append(action)
        left = {key: entry for key, entry in present.items() if key not in settings}
        if prune:
            actions += (_removal(namespace, key, entry) for key, entry in left.items())
        else:
            unlisted += len(left)
    ordered = tuple(sorted(actions, key=lambda action: (action.namespace, action.key)))
    return Plan(file.env, held.revision, ordered, same, unlisted)


def changed_between(file: EnvironmentFile, before: Full, now: Full, *, prune: bool) -> list[str]:
    """Return the names of keys that a plan would look at and that have changed from one revision to a later one."""
    return sorted(
        f"{namespace}/{key}"
        for namespace, settings in file.namespaces.items()
        for key in _concerned(settings, (before, now), namespace, prune=prune)
        if _version(before, namespace, key) != _version(now, namespace, key)
    )


def change_params(plan: Plan, *, note: str) -> dict[str, Any]:
    """Return the params of `set` for the whole plan, based on the versions that were planned against.

    Raises InvalidFile when it is more than one change set can carry.
    """
    changes = [_change(action) for action in plan.actions]
    size = len(dumps(changes).encode())
    if len(changes) > MOST_CHANGES or size > LARGEST_CHANGE:
        raise InvalidFile(
            f"{len(changes):,} changes of {size:,} bytes are too much for one change set, which takes {MOST_CHANGES:,} "
            f"changes and {LARGEST_CHANGE:,} bytes: apply one --namespace after the other"
        )
    return {"env": plan.env, "changes": changes, "note": note}


def _action(name: Name, setting: Setting, entry: Entry | None, valueless: Mapping[Name, str]) -> Action | None:
    known = entry.type if entry is not None else valueless.get(name)
    if known is not None and known != setting.type:
        raise InvalidFile(
            f"{'/'.join(name)} is of type {known}, and {setting.type} here: a key keeps its type, so mend the file, "
            "or make another key",
            setting.line,
        )
    if entry is None:
        return Action("create", *name, setting.type, None, setting.value, None, key_is_new=known is None)
    if encode_value(entry.type, entry.value) == setting.text:
        return None
    return Action("change", *name, setting.type, entry.value, setting.value, entry.version)


def _removal(namespace: str, key: str, entry: Entry) -> Action:
    return Action("remove", namespace, key, entry.type, entry.value, None, entry.version)


def _change(action: Action) -> dict[str, Any]:
    name = {"namespace": action.namespace, "key": action.key, "expected_version": action.version}
    return {**name, "delete": True} if action.kind == "remove" else {**name, "value": action.new}


def _concerned(
    settings: Mapping[str, Setting], states: tuple[Full, Full], namespace: str, *, prune: bool
) -> Iterator[str]:
    yield from settings
    if prune:
        others = {key for state in states for key in state.namespaces.get(namespace, {})}
        yield from others - settings.keys()


def _version(state: Full, namespace: str, key: str) -> str | None:
    entry = state.namespaces.get(namespace, {}).get(key)
    return None if entry is None else entry.version
