"""One key as a plain attribute: declared once, typed by its default, moved on in the same step as the snapshot."""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any, Generic, NoReturn, TypeVar

from setpoint.content import Content
from setpoint.kinds import MISFIT, convert, kind_of
from setpoint.mismatches import Mismatches, OutOfBounds

__all__ = ["Bounds", "Setting"]

T_co = TypeVar("T_co", covariant=True)


@dataclass(frozen=True, slots=True)
class Bounds:
    """What a value must be besides its type; None: no such bound."""

    ge: float | None = None
    le: float | None = None
    gt: float | None = None
    lt: float | None = None
    choices: Collection[Any] | None = None

    def broken_by(self, value: Any) -> str | None:
        """Return the bound that the value does not keep."""
        if self.ge is not None and not value >= self.ge:
            return f"ge={self.ge!r}"
        if self.le is not None and not value <= self.le:
            return f"le={self.le!r}"
        if self.gt is not None and not value > self.gt:
            return f"gt={self.gt!r}"
        if self.lt is not None and not value < self.lt:
            return f"lt={self.lt!r}"
        if self.choices is not None and value not in self.choices:
            return f"choices={tuple(self.choices)!r}"
        return None


class Setting(Generic[T_co]):
    """A key whose present value is `value`: reading it costs what reading an attribute costs.

    A value of another type than the default's, or outside the bounds, is not taken: the last good one stays, which at
    first is the default. It is counted in `status().mismatches` and logged once per revision. A key without a value has
    the default.
    """

    __slots__ = ("__weakref__", "_bounds", "_default", "_entry", "_good", "_kind", "key", "namespace", "value")

    value: T_co
    """The present value; it cannot be assigned."""
    namespace: str
    key: str

    def __init__(self, namespace: str, key: str, default: T_co, bounds: Bounds) -> None:
        broken = None if default is None else bounds.broken_by(default)
        if broken is not None:
            raise ValueError(f"the default of {namespace}/{key} does not keep {broken}")
        put = object.__setattr__
        put(self, "namespace", namespace)
        put(self, "key", key)
        put(self, "value", default)
        put(self, "_default", default)
        put(self, "_kind", kind_of(default))
        put(self, "_bounds", bounds)
        put(self, "_good", default)
        put(self, "_entry", None)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self.namespace}/{self.key} is set in the hub; in a test, use config.override()")

    def __repr__(self) -> str:
        return f"<setting {self.namespace}/{self.key}>"

    def next_value(self, base: Content, visible: Content, mismatches: Mismatches) -> Any:
        """Return the value at the next content. What an override shows never becomes the last good value."""
        entry = base.entry(self.namespace, self.key)
        if entry is not self._entry:
            object.__setattr__(self, "_entry", entry)
            object.__setattr__(self, "_good", self._take(base, mismatches))
        if visible.entry(self.namespace, self.key) is entry:
            return self._good
        return self._take(visible, mismatches)

    def _take(self, content: Content, mismatches: Mismatches) -> Any:
        entry = content.entry(self.namespace, self.key)
        if entry is None:
            return self._default
        value = convert(self._kind, entry, content.values[self.namespace][self.key])
        if value is MISFIT:
            mismatches.record(content, self.namespace, self.key, self._kind or "json")
            return self._good
        broken = self._bounds.broken_by(value)
        if broken is not None:
            mismatches.count_one(OutOfBounds(self.namespace, self.key, broken))
            return self._good
        return value

    # What the slots hold, for the type checkers.
    _default: T_co
    _kind: Any
    _bounds: Bounds
    _good: T_co
    _entry: Any
