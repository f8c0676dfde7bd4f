"""Values that a service brings along, for when neither a hub nor the disk has any."""

from collections.abc import Iterable, Mapping
from os import PathLike
from pathlib import Path
from typing import Any, cast

from setpoint.errors import InvalidValue, NotJson
from setpoint.protocol.messages import Entry
from setpoint.protocol.strict_json import loads
from setpoint.protocol.values import ValueType, check_value
from setpoint.replica import Held

__all__ = ["Bootstrap", "read_bootstrap"]

Bootstrap = Mapping[str, Mapping[str, Any]] | str | PathLike[str] | None
"""Values by namespace and key, or the path of a JSON file that holds them."""

_TYPES: dict[type, ValueType] = {bool: "bool", int: "int", float: "float", str: "string"}


def read_bootstrap(bootstrap: Bootstrap, env: str, namespaces: Iterable[str]) -> Held | None:
    """Return the values of the namespaces as what a client holds; their types are those of the values.

    None when there are none. Raises InvalidValue saying what is wrong.
    """
    if bootstrap is None:
        return None
    found: object = bootstrap if isinstance(bootstrap, Mapping) else _read(Path(bootstrap))
    if not isinstance(found, Mapping):
        raise InvalidValue("an object of namespaces is expected")
    wanted = set(namespaces)
    held: dict[str, dict[str, Entry]] = {}
    for namespace, keys in cast("Mapping[str, object]", found).items():
        if not isinstance(keys, Mapping):
            raise InvalidValue(f"the namespace {namespace} is no object of keys")
        if namespace in wanted:
            values = cast("Mapping[str, object]", keys)
            held[namespace] = {key: _entry(namespace, key, value) for key, value in values.items()}
    return Held(env, namespaces=held) if any(held.values()) else None


def _entry(namespace: str, key: str, value: object) -> Entry:
    value_type = _TYPES.get(type(value), "json")
    try:
        return Entry(value_type, check_value(value_type, value), "bootstrap")
    except InvalidValue as error:
        raise InvalidValue(f"{namespace}/{key}: {error}") from error


def _read(path: Path) -> object:
    try:
        return loads(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, NotJson) as error:
        raise InvalidValue(f"{path.name} cannot be read: {error}") from error
