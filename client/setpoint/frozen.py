"""JSON arrays and objects that refuse to be changed: many readers share one value."""

from typing import Any, NoReturn, SupportsIndex, cast

from setpoint.protocol.values import Json

__all__ = ["FrozenDict", "FrozenList", "freeze", "thaw"]


class FrozenDict(dict[str, Any]):
    """A JSON object that cannot be changed. Copies, deep copies and pickles of it are plain dicts."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> dict[str, Any]:
        return cast("dict[str, Any]", thaw(self))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return dict, (dict(self),)


class FrozenList(list[Any]):
    """A JSON array that cannot be changed. Copies, deep copies and pickles of it are plain lists."""

    __slots__ = ()

    def __deepcopy__(self, memo: dict[int, Any]) -> list[Any]:
        return cast("list[Any]", thaw(self))

    def __reduce_ex__(self, protocol: SupportsIndex) -> tuple[Any, ...]:
        return list, (list(self),)


def freeze(value: Any) -> Json:
    """Return the same JSON value with its arrays and objects frozen, all the way down."""
    if isinstance(value, dict):
        members = cast("dict[str, Any]", value)
        return cast("Json", FrozenDict({key: freeze(item) for key, item in members.items()}))
    if isinstance(value, list):
        return cast("Json", FrozenList(map(freeze, cast("list[Any]", value))))
    return cast("Json", value)


def thaw(value: Any) -> Json:
    """Return a copy whose arrays and objects may be changed."""
    if isinstance(value, dict):
        return {key: thaw(item) for key, item in cast("dict[str, Any]", value).items()}
    if isinstance(value, list):
        return [thaw(item) for item in cast("list[Any]", value)]
    return cast("Json", value)


def _refuse(*_: object, **__: object) -> NoReturn:
    raise TypeError("a configuration value is shared and cannot be changed: change a copy.deepcopy() of it")


for _name in ("__delitem__", "__ior__", "__setitem__", "clear", "pop", "popitem", "setdefault", "update"):
    setattr(FrozenDict, _name, _refuse)
for _name in (
    "__delitem__", "__iadd__", "__imul__", "__setitem__", "append", "clear", "extend", "insert", "pop", "remove",
    "reverse", "sort",
):  # fmt: skip
    setattr(FrozenList, _name, _refuse)
