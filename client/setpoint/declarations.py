"""What a service declares beside plain reads: settings, bound models, overrides; all moved on in one step."""

import threading
import weakref
from collections import deque
from collections.abc import Callable, Collection, Generator, Mapping
from contextlib import contextmanager
from typing import Any, TypeVar, overload

from setpoint.binding import Bound, builder
from setpoint.content import Content
from setpoint.mismatches import Mismatches
from setpoint.overlay import Layer, entries_of, overlay
from setpoint.reads import NamespaceView, Reads, Snapshot
from setpoint.setting import Bounds, Setting
from setpoint.store import Validate

__all__ = ["Declarations"]

T = TypeVar("T")

_MISSING = object()


class Declarations(Reads):
    """Reads that follow one content, and what was declared on top of them.

    `_base` is what the hubs have; `_content`, which the reads use, is that with the overrides over it. The lock is for
    those who declare, override and swap; no read takes it.
    """

    def __init__(self, content: Content, mismatches: Mismatches) -> None:
        super().__init__(content, mismatches)
        self._base = content
        self._layers: tuple[Layer, ...] = ()
        self._settings: weakref.WeakSet[Setting[Any]] = weakref.WeakSet()
        self._bound: list[Bound[Any]] = []
        # Re-entrant, because a model may declare a setting when it is made.
        self._declaring = threading.RLock()

    @overload
    def setting(
        self, namespace: str, key: str, default: bool, *, choices: Collection[bool] | None = None
    ) -> Setting[bool]: ...
    @overload
    def setting(
        self,
        namespace: str,
        key: str,
        default: int,
        *,
        ge: int | None = None,
        le: int | None = None,
        gt: int | None = None,
        lt: int | None = None,
        choices: Collection[int] | None = None,
    ) -> Setting[int]: ...
    @overload
    def setting(
        self,
        namespace: str,
        key: str,
        default: float,
        *,
        ge: float | None = None,
        le: float | None = None,
        gt: float | None = None,
        lt: float | None = None,
        choices: Collection[float] | None = None,
    ) -> Setting[float]: ...
    @overload
    def setting(
        self, namespace: str, key: str, default: str, *, choices: Collection[str] | None = None
    ) -> Setting[str]: ...
    @overload
    def setting(self, namespace: str, key: str, default: dict[str, Any] | list[Any] | None) -> Setting[Any]: ...

    def setting(
        self,
        namespace: str,
        key: str,
        default: Any,
        *,
        ge: float | None = None,
        le: float | None = None,
        gt: float | None = None,
        lt: float | None = None,
        choices: Collection[Any] | None = None,
    ) -> Setting[Any]:
        """Declare a key once, to read it as the attribute `value` of what this returns.

        The default gives the type: a value of another type, or outside the bounds, is not taken. With the default None
        any value is. Raises ValueError when the default does not keep the bounds.
        """
        setting = Setting[Any](namespace, key, default, Bounds(ge, le, gt, lt, choices))
        with self._declaring:
            value = setting.next_value(self._base, self._content, self._mismatches)
            object.__setattr__(setting, "value", value)
            self._settings.add(setting)
        return setting

    @overload
    def bind(self, model: type[T], namespace: str, *, default: T = ...) -> Bound[T]: ...
    @overload
    def bind(self, model: Callable[[NamespaceView], T], namespace: str, *, default: T = ...) -> Bound[T]: ...

    def bind(self, model: Callable[..., Any], namespace: str, *, default: Any = _MISSING) -> Bound[Any]:
        """Make a pydantic model, a dataclass, or what a function returns of a namespace; read it as `current`.

        A change that it cannot be made of is refused as a whole, as by a validator. Declare it once, where the client
        is made: it is kept as long as the client. Raises InvalidValue if it cannot be made now, before there is data
        for instance: give each field a default, or pass `default`, which is then used until it can.
        """
        build = builder(model, namespace)
        name = getattr(model, "__qualname__", type(model).__name__)
        with self._declaring:
            try:
                first = build(Snapshot(self._base, self._mismatches).namespace(namespace))
            except Exception:
                if default is _MISSING:
                    raise
                first = default
            bound = Bound[Any](namespace, name, build, first, self._base.values.get(namespace))
            current = bound.next_object(self._base, self._content, self._mismatches, strict=False)
            object.__setattr__(bound, "current", current)
            self._bound.append(bound)
        return bound

    @contextmanager
    def override(self, namespace: str, values: Mapping[str, Any] | None = None, /, **keys: Any) -> Generator[None]:
        """Show other values of a namespace's keys while the block runs, for tests: to all threads, to no hub.

        They nest; the innermost wins. Getters, settings, bound models and snapshots show them at once; listeners and
        validators do not hear of them. Raises InvalidValue for a value that is not JSON or that a bound model refuses.
        """
        layer = Layer(namespace, entries_of(self._base, namespace, {**(values or {}), **keys}, "override"))
        with self._declaring:
            self._show(self._base, (*self._layers, layer), strict=True)
        try:
            yield
        finally:
            with self._declaring:
                self._show(self._base, tuple(each for each in self._layers if each is not layer), strict=False)

    def _trap(self, wake: Callable[[], None]) -> None:
        """In a forked child: have `wake` called when a setting or a model is first read."""
        setting, bound = _trapped(Setting, "value", wake), _trapped(Bound, "current", wake)
        self._become(setting, bound)

    def _release(self) -> None:
        """Take the traps away again."""
        self._become(Setting, Bound)

    def _become(self, setting: type, bound: type) -> None:
        # Another class of the same layout: an attribute is trapped without a cost where there is no trap.
        for each in tuple(self._settings):
            object.__setattr__(each, "__class__", setting)
        for one in self._bound:
            object.__setattr__(one, "__class__", bound)

    def _prepare(self) -> Validate:
        """Return a validator that makes the bound models of a change before it runs."""

        def prepare(candidate: Snapshot) -> None:
            for bound in tuple(self._bound):
                bound.prepare(candidate)

        # A refusal's reason begins with the name of what refused.
        prepare.__qualname__ = "bind"
        return prepare

    def _swap(self, content: Content) -> None:
        with self._declaring:
            # A model that fits what the hub has may not fit with a test's override on top: it then stays as it was.
            self._show(content, self._layers, strict=False)

    def _show(self, base: Content, layers: tuple[Layer, ...], *, strict: bool) -> None:
        """Put a content, the settings and the models in place together.

        With `strict`, raise what making a model of an override raises, with nothing changed.
        """
        visible = overlay(base, layers)
        follow = (base, visible, self._mismatches)
        models = [(bound, "current", bound.next_object(*follow, strict=strict)) for bound in self._bound]
        settings = [(setting, "value", setting.next_value(*follow)) for setting in tuple(self._settings)]
        # What is replaced is let go of only afterwards: a finaliser must not run between two assignments.
        replaced = (self._content, *(bound.current for bound in self._bound))
        _put_together([(self, "_content", visible), *models, *settings])
        del replaced
        self._base, self._layers = base, layers


def _trapped(declared: type, attribute: str, wake: Callable[[], None]) -> type:
    """Return a class that objects of the declared one can become, whose attribute wakes before it is read."""
    slot = declared.__dict__[attribute]

    def read(instance: object) -> Any:
        wake()
        return slot.__get__(instance)

    return type(declared.__name__, (declared,), {"__slots__": (), attribute: property(read)})


def _put_together(assignments: list[tuple[object, str, Any]]) -> None:
    """Assign attributes so that no other thread sees some of them: one call into C, which no switch interrupts."""
    targets, names, values = zip(*assignments, strict=True)
    deque(map(object.__setattr__, targets, names, values), maxlen=0)
