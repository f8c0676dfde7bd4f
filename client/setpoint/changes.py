"""What changed between two contents, key by key, and how two changes of one key become one."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from setpoint.content import NO_ENTRIES, Content
from setpoint.protocol.messages import Entry
from setpoint.protocol.strict_json import dumps

__all__ = ["Change", "Kind", "difference", "everything", "merge"]

Kind = Literal["added", "changed", "removed"]


@dataclass(frozen=True, slots=True)
class Change:
    """One key's change, as the listeners of `on_change` get it.

    `old` is None when the key was added, `new` when it was removed; a json key may hold null besides, so ask `kind`.
    `revision` is the one that the client runs with the change.
    """

    namespace: str
    key: str
    kind: Kind
    old: Any
    new: Any
    revision: int


def everything(content: Content) -> Iterator[Change]:
    """Give every value as a key that was added."""
    for namespace, values in content.values.items():
        for key, value in values.items():
            yield Change(namespace, key, "added", None, value, content.held.revision)


def difference(before: Content, after: Content) -> Iterator[Change]:
    """Give a change for each key whose type or value differs; a new version of an equal value is none."""
    revision = after.held.revision
    for namespace in {**before.held.namespaces, **after.held.namespaces}:
        old = before.held.namespaces.get(namespace, NO_ENTRIES)
        new = after.held.namespaces.get(namespace, NO_ENTRIES)
        if old is new:
            continue
        for key in _differing(old, new):
            kind: Kind = "added" if key not in old else "changed" if key in new else "removed"
            was = before.values[namespace][key] if key in old else None
            now = after.values[namespace][key] if key in new else None
            yield Change(namespace, key, kind, was, now, revision)


def merge(first: Change, second: Change) -> Change | None:
    """Return the one change that has the effect of two that follow each other; None when they undo each other."""
    match first.kind, second.kind:
        case "added", "removed":
            return None
        case ("added", _) | (_, "removed"):
            kind = first.kind if first.kind == "added" else second.kind
        case _:
            kind = "changed"
    if kind == "changed" and type(first.old) is type(second.new) and dumps(first.old) == dumps(second.new):
        return None
    return replace(second, kind=kind, old=first.old)


def _differing(old: Mapping[str, Entry], new: Mapping[str, Entry]) -> Iterator[str]:
    for key, entry in old.items():
        if key not in new or not _same(entry, new[key]):
            yield key
    for key in new:
        if key not in old:
            yield key


def _same(one: Entry, other: Entry) -> bool:
    if one is other or one.version == other.version:
        return True
    # Texts, because Python holds 1, 1.0 and True for equal.
    return one.type == other.type and dumps(one.value) == dumps(other.value)
