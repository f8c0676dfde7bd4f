"""Values that a test puts over those that are held: seen by every read, sent to nobody."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from setpoint.content import NO_ENTRIES, Content, parse
from setpoint.errors import InvalidValue
from setpoint.frozen import thaw
from setpoint.kinds import kind_of
from setpoint.protocol.messages import Entry
from setpoint.protocol.values import ValueType, check_value

__all__ = ["Layer", "entries_of", "overlay"]


@dataclass(frozen=True, slots=True, eq=False)
class Layer:
    """What one `override` shows, in one namespace."""

    namespace: str
    entries: Mapping[str, Entry]


def overlay(base: Content, layers: Iterable[Layer]) -> Content:
    """Return the content with the layers over it, the later over the earlier; the base itself without any."""
    namespaces = dict(base.held.namespaces)
    shown = False
    for layer in layers:
        namespaces[layer.namespace] = {**namespaces.get(layer.namespace, NO_ENTRIES), **layer.entries}
        shown = True
    return parse(replace(base.held, namespaces=namespaces), base) if shown else base


def entries_of(content: Content, namespace: str, values: Mapping[str, Any], version: str) -> dict[str, Entry]:
    """Return values given in Python as entries; their types are theirs, but a float or json key keeps its own.

    Raises InvalidValue for what a hub would not take either.
    """
    return {key: _entry(content.entry(namespace, key), f"{namespace}/{key}", value, version)
            for key, value in values.items()}  # fmt: skip


def _entry(present: Entry | None, name: str, value: Any, version: str) -> Entry:
    value_type: ValueType = kind_of(value) or "json"
    if present is not None and (present.type == "json" or (present.type, value_type) == ("float", "int")):
        value_type = present.type
    try:
        return Entry(value_type, check_value(value_type, thaw(value)), version)
    except InvalidValue as error:
        raise InvalidValue(f"{name}: {error}") from error
