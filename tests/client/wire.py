"""Short ways to write what travels."""

import itertools
from typing import Any

from setpoint.protocol.messages import Changed, Delta, Entry, Full, Values
from setpoint.protocol.names import Epoch, Revision
from setpoint.protocol.values import Json, ValueType

EPOCH = Epoch("4b1f0000-0000-4000-8000-000000000001")
OTHER_EPOCH = Epoch("4b1f0000-0000-4000-8000-000000000002")

_versions = itertools.count(1)


def type_of(value: Json) -> ValueType:
    """The type that a key with this value would have."""
    types: dict[type, ValueType] = {bool: "bool", int: "int", float: "float", str: "string"}
    return types.get(type(value), "json")


def on_wire(value: Json, value_type: ValueType | None = None) -> dict[str, Any]:
    """A value as it travels, with a version of its own."""
    return {"type": value_type or type_of(value), "value": value, "version": f"v{next(_versions)}"}


def entry(value: Json, value_type: ValueType | None = None) -> Entry:
    """A value as a client holds it."""
    return Entry(value_type or type_of(value), value, f"v{next(_versions)}")


def full(revision: int, namespaces: Values, *, epoch: Epoch = EPOCH, env: str = "production") -> Full:
    """A snapshot."""
    return Full(env, epoch, Revision(revision), namespaces)


def delta(previous: int, revision: int, namespaces: Changed, *, epoch: Epoch = EPOCH, env: str = "production") -> Delta:
    """A change."""
    return Delta(env, epoch, Revision(previous), Revision(revision), namespaces)
