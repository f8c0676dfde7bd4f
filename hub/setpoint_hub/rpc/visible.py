"""What of an answer is shown to a token with these namespaces. Pure."""

from collections.abc import Iterable
from dataclasses import replace
from typing import Any

from setpoint_hub.instance import Told
from setpoint_hub.replica import ChangeSet
from setpoint_hub.rpc import present
from setpoint_hub.scopes import Scope

__all__ = ["narrowed", "narrowed_fleet", "shown_change_set"]

_HIDDEN = "out of reach"


def narrowed(change_set: ChangeSet, namespaces: Scope) -> ChangeSet:
    """Return a change set with only the changes in scope.

    Of one that has none, neither note nor kind are left: they may name what is out of reach.
    """
    if namespaces.everything:
        return change_set
    changes = tuple(change for change in change_set.changes if namespaces.covers(change.namespace))
    if changes:
        return replace(change_set, changes=changes)
    return replace(change_set, changes=(), how=_HIDDEN, note="")


def shown_change_set(change_set: ChangeSet, namespaces: Scope) -> dict[str, Any]:
    """Return a change set as the protocol shows it; `hidden` counts the changes that are left out."""
    seen = narrowed(change_set, namespaces)
    return {
        "env": seen.env,
        **present.change_set_header(seen),
        "changes": present.changes(seen.changes),
        "hidden": len(change_set.changes) - len(seen.changes),
    }


def narrowed_fleet(fleet: Iterable[Told], namespaces: Scope) -> list[Told]:
    """Return the instances that watch anything in scope, with only that.

    What an instance says of an error may name what else it watches, so it is left out unless all of that is in scope.
    """
    if namespaces.everything:
        return list(fleet)
    return [seen for told in fleet if (seen := _narrowed_instance(told, namespaces)) is not None]


def _narrowed_instance(told: Told, namespaces: Scope) -> Told | None:
    watched = frozenset(name for name in told.namespaces if namespaces.covers(name))
    if watched == told.namespaces:
        return told
    return replace(told, namespaces=watched, error=None) if watched else None
