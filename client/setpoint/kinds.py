"""What a default says of the values that it stands in for: exact types, as the getters have them."""

from typing import Any, Final

from setpoint.frozen import FrozenDict, FrozenList
from setpoint.protocol.messages import Entry
from setpoint.protocol.values import ValueType

__all__ = ["MISFIT", "convert", "kind_of"]

MISFIT: Final = object()
"""Given instead of a value that is not of the kind."""

_KINDS: dict[type, ValueType] = {bool: "bool", int: "int", float: "float", str: "string"}


def kind_of(default: object) -> ValueType | None:
    """Return the type that a default asks for; None, which any value fits, when the default is None."""
    return None if default is None else _KINDS.get(default.__class__, "json")


def convert(kind: ValueType | None, entry: Entry, value: Any) -> Any:
    """Return the value as one of that kind, or MISFIT. An int is not a bool; a float takes an int."""
    match kind:
        case None:
            return value
        case "int" | "bool" | "string":
            return value if _KINDS.get(value.__class__) == kind else MISFIT
        case "float":
            return float(value) if type(value) is float or type(value) is int else MISFIT
        case "json":
            return value if entry.type == "json" or type(value) in (FrozenDict, FrozenList) else MISFIT
