"""A namespace as an object of the user's own: a pydantic model, a dataclass, or what a function makes of it."""

import dataclasses
import logging
from collections.abc import Callable, Mapping
from typing import Any, Generic, NoReturn, TypeVar, cast

from setpoint.content import Content
from setpoint.errors import InvalidValue
from setpoint.mismatches import Mismatches
from setpoint.protocol.validation import explain
from setpoint.protocol.values import Json
from setpoint.reads import NamespaceView, Snapshot
from setpoint.replica import Held

__all__ = ["Bound", "builder"]

_log = logging.getLogger("setpoint")

T = TypeVar("T")
T_co = TypeVar("T_co", covariant=True)

Values = Mapping[str, Json] | None
Build = Callable[[NamespaceView], T]


class Bound(Generic[T_co]):
    """A namespace's values as one object, `current`: reading it costs what reading an attribute costs.

    The object is made anew when the namespace changes, off the read path, and put in place in the same step as the
    snapshot. A change that it cannot be made of is refused as a whole.
    """

    __slots__ = ("_build", "_made", "_made_of", "_name", "_prepared", "_shown", "current", "namespace")

    current: T_co
    """The present object; it cannot be assigned."""
    namespace: str

    def __init__(self, namespace: str, name: str, build: Build[T_co], first: T_co, made_of: Values) -> None:
        put = object.__setattr__
        put(self, "namespace", namespace)
        put(self, "current", first)
        put(self, "_name", name)
        put(self, "_build", build)
        put(self, "_made", first)
        put(self, "_made_of", made_of)
        put(self, "_prepared", None)
        put(self, "_shown", None)

    def __setattr__(self, name: str, value: object) -> NoReturn:
        raise AttributeError(f"{self.namespace} is set in the hub; in a test, use config.override()")

    def __repr__(self) -> str:
        return f"<{self._name} of namespace {self.namespace}>"

    def prepare(self, candidate: Snapshot) -> None:
        """Make the object of a change that is judged; raises to refuse the change."""
        made = self._build(candidate.namespace(self.namespace))
        object.__setattr__(self, "_prepared", (candidate.epoch, candidate.revision, made))

    def next_object(self, base: Content, visible: Content, mismatches: Mismatches, *, strict: bool) -> T_co:
        """Return the object at the next content; the one before when it cannot be made.

        With `strict`, raise what making it of an override's values raises.
        """
        values, seen = base.values.get(self.namespace), visible.values.get(self.namespace)
        if values is not self._made_of:
            prepared = self._take_prepared(base.held)
            made = prepared[0] if prepared is not None else self._make_or_keep(base, self._made, mismatches)
            object.__setattr__(self, "_made", made)
            object.__setattr__(self, "_made_of", values)
        if seen is values:
            return self._made
        shown = self._shown
        if shown is None or shown[0] is not seen:
            shown = (seen, (self._make if strict else self._make_or_keep)(visible, self._made, mismatches))
            object.__setattr__(self, "_shown", shown)
        return shown[1]

    def _take_prepared(self, held: Held) -> tuple[T_co] | None:
        prepared = self._prepared
        object.__setattr__(self, "_prepared", None)
        if prepared is None or prepared[:2] != (held.epoch, held.revision):
            return None
        return (prepared[2],)

    def _make(self, content: Content, _: Any, mismatches: Mismatches) -> T_co:
        return self._build(Snapshot(content, mismatches).namespace(self.namespace))

    def _make_or_keep(self, content: Content, before: Any, mismatches: Mismatches) -> Any:
        try:
            return self._make(content, before, mismatches)
        except Exception as error:  # noqa: BLE001 the user's function may raise anything; its text may hold a value
            _log.warning("%s stays as it was: making %s raised %s", self.namespace, self._name, type(error).__name__)
            return before

    # What the slots hold, for the type checkers.
    _name: str
    _build: Build[T_co]
    _made: T_co
    _made_of: Values
    _prepared: tuple[str | None, int, T_co] | None
    _shown: tuple[Values, T_co] | None


def builder(model: Callable[..., T], namespace: str) -> Build[T]:
    """Return the function that makes the object of a namespace's values.

    A pydantic model or a dataclass is validated by pydantic; what it does not name is ignored as the model says. Any
    other callable is given the namespace as a mapping.
    """
    if not isinstance(model, type):
        return model
    # Only who binds a model pays for importing pydantic.
    from pydantic import BaseModel, TypeAdapter, ValidationError  # noqa: PLC0415

    made = cast("type[T]", model)
    if not (issubclass(made, BaseModel) or dataclasses.is_dataclass(made)):
        return cast("Build[T]", made)
    adapter: TypeAdapter[T] = TypeAdapter(made)

    def build(view: Mapping[str, Any]) -> T:
        try:
            return adapter.validate_python(dict(view))
        except ValidationError as error:
            # Without what the values are: this text ends in logs, and in the fleet's view.
            raise InvalidValue(f"{namespace} does not fit {made.__qualname__}: {explain(error)}") from error

    return build
