"""The getters, written once: a client reads through them at its present revision, a snapshot at its own.

A read is two dict look-ups and an exact class check on one immutable structure: it takes no lock, does no I/O and never
raises (`require_*` apart). What is rare (a missing key, a value of another type) is told apart on a slower path.
"""

from collections.abc import Callable, Iterator, Mapping
from typing import Any

from setpoint.content import Content
from setpoint.errors import KeyNotFound, WrongType
from setpoint.frozen import FrozenDict, FrozenList
from setpoint.mismatches import Mismatches
from setpoint.protocol.values import Json, ValueType

__all__ = ["NamespaceView", "Reads", "Snapshot"]

_NO_VALUES: Mapping[str, Json] = {}


class Reads:
    """Typed reads of a content. A subclass may put another content in place, by one assignment."""

    def __init__(self, content: Content, mismatches: Mismatches) -> None:
        self._content = content
        self._mismatches = mismatches

    def get(self, namespace: str, key: str, default: Any = None) -> Any:
        """Return the key's value whatever its type; the default when it has none."""
        return self._content.values.get(namespace, _NO_VALUES).get(key, default)

    def get_int(self, namespace: str, key: str, default: int = 0) -> int:
        """Return the key's value if it is an int (a bool is none), else the default."""
        content = self._content
        value = content.values.get(namespace, _NO_VALUES).get(key)
        if type(value) is int:
            return value
        self._note(content, namespace, key, "int")
        return default

    def get_bool(self, namespace: str, key: str, default: bool = False) -> bool:
        """Return the key's value if it is a bool, else the default."""
        content = self._content
        value = content.values.get(namespace, _NO_VALUES).get(key)
        if type(value) is bool:
            return value
        self._note(content, namespace, key, "bool")
        return default

    def get_float(self, namespace: str, key: str, default: float = 0.0) -> float:
        """Return the key's value if it is a float or an int, as a float, else the default."""
        content = self._content
        value = content.values.get(namespace, _NO_VALUES).get(key)
        if type(value) is float:
            return value
        if type(value) is int:
            return float(value)
        self._note(content, namespace, key, "float")
        return default

    def get_str(self, namespace: str, key: str, default: str = "") -> str:
        """Return the key's value if it is a string, else the default."""
        content = self._content
        value = content.values.get(namespace, _NO_VALUES).get(key)
        if type(value) is str:
            return value
        self._note(content, namespace, key, "string")
        return default

    def get_json(self, namespace: str, key: str, default: Any = None) -> Any:
        """Return the value of a key of type json, else the default.

        The value is shared by all readers and cannot be changed; `copy.deepcopy` gives one that can.
        """
        content = self._content
        value = content.values.get(namespace, _NO_VALUES).get(key)
        if type(value) is FrozenDict or type(value) is FrozenList:
            return value
        entry = content.entry(namespace, key)
        if entry is not None and entry.type == "json":
            return value
        self._note(content, namespace, key, "json")
        return default

    def require_int(self, namespace: str, key: str) -> int:
        """Return the key's int. Raises KeyNotFound, or WrongType."""
        content = self._content
        value = content.values.get(namespace, _NO_VALUES).get(key)
        if type(value) is int:
            return value
        raise self._refusal(content, namespace, key, "int")

    def require_bool(self, namespace: str, key: str) -> bool:
        """Return the key's bool. Raises KeyNotFound, or WrongType."""
        content = self._content
        value = content.values.get(namespace, _NO_VALUES).get(key)
        if type(value) is bool:
            return value
        raise self._refusal(content, namespace, key, "bool")

    def require_float(self, namespace: str, key: str) -> float:
        """Return the key's float or int, as a float. Raises KeyNotFound, or WrongType."""
        content = self._content
        value = content.values.get(namespace, _NO_VALUES).get(key)
        if type(value) is float or type(value) is int:
            return float(value)
        raise self._refusal(content, namespace, key, "float")

    def require_str(self, namespace: str, key: str) -> str:
        """Return the key's string. Raises KeyNotFound, or WrongType."""
        content = self._content
        value = content.values.get(namespace, _NO_VALUES).get(key)
        if type(value) is str:
            return value
        raise self._refusal(content, namespace, key, "string")

    def require_json(self, namespace: str, key: str) -> Any:
        """Return the value of a key of type json, as `get_json` does. Raises KeyNotFound, or WrongType."""
        content = self._content
        entry = content.entry(namespace, key)
        if entry is not None and entry.type == "json":
            return content.values[namespace][key]
        raise self._refusal(content, namespace, key, "json")

    def namespace(self, namespace: str) -> "NamespaceView":
        """Return one namespace as a mapping with the same getters; it follows what it was taken from."""
        return NamespaceView(self, namespace, lambda: self._content.values.get(namespace, _NO_VALUES))

    def _note(self, content: Content, namespace: str, key: str, expected: ValueType) -> None:
        if content.entry(namespace, key) is not None:
            self._mismatches.record(content, namespace, key, expected)

    def _refusal(self, content: Content, namespace: str, key: str, expected: ValueType) -> KeyNotFound | WrongType:
        entry = content.entry(namespace, key)
        if entry is None:
            return KeyNotFound(namespace, key)
        self._mismatches.record(content, namespace, key, expected)
        return WrongType(namespace, key, expected=expected, found=entry.type)


class Snapshot(Reads):
    """One revision, for reading many keys that belong together. It never changes."""

    @property
    def revision(self) -> int:
        """The revision of the environment; 0 before there is data."""
        return self._content.held.revision

    @property
    def epoch(self) -> str | None:
        """The history that the revision belongs to; None before there is data."""
        return self._content.held.epoch

    def __repr__(self) -> str:
        return f"<Snapshot of {self._content.held.env} at revision {self.revision}>"


class NamespaceView(Mapping[str, Any]):
    """One namespace of a client or of a snapshot: a read-only mapping by key, with the typed getters."""

    def __init__(self, reads: Reads, name: str, values: Callable[[], Mapping[str, Json]]) -> None:
        self._reads = reads
        self._name = name
        self._values = values

    def __getitem__(self, key: str) -> Any:
        return self._values()[key]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values())

    def __len__(self) -> int:
        return len(self._values())

    def __repr__(self) -> str:
        return f"<namespace {self._name}: {len(self)} keys>"

    def get_int(self, key: str, default: int = 0) -> int:
        """Return the key's value if it is an int (a bool is none), else the default."""
        return self._reads.get_int(self._name, key, default)

    def get_bool(self, key: str, default: bool = False) -> bool:
        """Return the key's value if it is a bool, else the default."""
        return self._reads.get_bool(self._name, key, default)

    def get_float(self, key: str, default: float = 0.0) -> float:
        """Return the key's value if it is a float or an int, as a float, else the default."""
        return self._reads.get_float(self._name, key, default)

    def get_str(self, key: str, default: str = "") -> str:
        """Return the key's value if it is a string, else the default."""
        return self._reads.get_str(self._name, key, default)

    def get_json(self, key: str, default: Any = None) -> Any:
        """Return the value of a key of type json, else the default."""
        return self._reads.get_json(self._name, key, default)

    def require_int(self, key: str) -> int:
        """Return the key's int. Raises KeyNotFound, or WrongType."""
        return self._reads.require_int(self._name, key)

    def require_bool(self, key: str) -> bool:
        """Return the key's bool. Raises KeyNotFound, or WrongType."""
        return self._reads.require_bool(self._name, key)

    def require_float(self, key: str) -> float:
        """Return the key's float or int, as a float. Raises KeyNotFound, or WrongType."""
        return self._reads.require_float(self._name, key)

    def require_str(self, key: str) -> str:
        """Return the key's string. Raises KeyNotFound, or WrongType."""
        return self._reads.require_str(self._name, key)

    def require_json(self, key: str) -> Any:
        """Return the value of a key of type json. Raises KeyNotFound, or WrongType."""
        return self._reads.require_json(self._name, key)
