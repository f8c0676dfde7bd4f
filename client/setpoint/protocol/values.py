"""The five types of value: what fits each, its canonical text, and how a person's text becomes one."""

import math
from typing import Any, Final, Literal, TypeAlias, TypeGuard, cast, get_args

from setpoint.errors import InvalidRequest, InvalidValue, NotJson
from setpoint.protocol.strict_json import AmbiguousObject, dumps, loads

__all__ = [
    "DEEPEST_VALUE",
    "LARGEST_VALUE",
    "VALUE_TYPES",
    "Json",
    "ValueType",
    "check_value",
    "decode_value",
    "encode_value",
    "fits",
    "is_value_type",
    "parse_value",
    "render_value",
]

Json: TypeAlias = "bool | int | float | str | list[Json] | dict[str, Json] | None"
ValueType = Literal["string", "int", "float", "bool", "json"]

VALUE_TYPES: Final[tuple[ValueType, ...]] = get_args(ValueType)
LARGEST_VALUE: Final = 64 * 1024
"""Bytes of the canonical text in UTF-8, for every type."""
DEEPEST_VALUE: Final = 32
"""Levels of arrays and objects in a json value; `[]` is one."""

_SMALLEST_INT = -(2**63)
_LARGEST_INT = 2**63 - 1


def is_value_type(name: str) -> TypeGuard[ValueType]:
    """Say whether `name` is one of the five types."""
    return name in VALUE_TYPES


def fits(value_type: ValueType, value: object) -> bool:
    """Say whether a value that JSON can hold is of the type: an int is not a bool, a float takes an int."""
    match value_type:
        case "string":
            return isinstance(value, str)
        case "int":
            return isinstance(value, int) and not isinstance(value, bool)
        case "float":
            return isinstance(value, int | float) and not isinstance(value, bool)
        case "bool":
            return isinstance(value, bool)
        case "json":
            return True


def check_value(value_type: ValueType, value: object) -> Json:
    """Return the value as it will be stored (an int given for a float becomes one), or raise InvalidValue."""
    if value in (math.inf, -math.inf):
        raise InvalidValue("the number is not finite, or does not fit 64 bits")
    if not fits(value_type, value):
        raise InvalidValue(f"{_name(value)} was given where the key's type is {value_type}")
    if value_type == "float":
        value = _as_float(cast("float", value))
    _check_content(value, depth=0)
    return cast("Json", value)


def encode_value(value_type: ValueType, value: object) -> str:
    """Return the canonical JSON text of a value, or raise InvalidValue when it does not fit."""
    text = dumps(check_value(value_type, value))
    size = len(text.encode())
    if size > LARGEST_VALUE:
        raise InvalidValue(f"the value takes {size:,} bytes; the largest allowed is {LARGEST_VALUE:,}")
    return text


def decode_value(text: str) -> Json:
    """Read a canonical text back."""
    return cast("Json", loads(text))


def parse_value(value_type: ValueType, text: str) -> Json:
    """Read what a person typed for a key of this type; a string is taken as it stands, without quotes.

    Raises InvalidValue with what to type instead.
    """
    if value_type == "string":
        return check_value("string", text)
    if value_type == "bool":
        if text not in ("true", "false"):
            raise InvalidValue(f"{text[:40]!r} is not a bool: type true or false")
        return text == "true"
    try:
        value = loads(text)
    except (NotJson, InvalidRequest) as error:
        example = {"int": "a number such as 5", "float": "a number such as 0.25", "json": 'JSON such as {"rps": 50}'}
        place = f" ({error})" if value_type == "json" else ""
        raise InvalidValue(f"{text[:40]!r} is not of type {value_type}{place}: type {example[value_type]}") from error
    return check_value(value_type, value)


def render_value(value_type: ValueType, value: Json) -> str:
    """Return the text that `parse_value` reads back as the same value."""
    return cast("str", value) if value_type == "string" else dumps(value)


def _name(value: object) -> str:
    names: dict[type, str] = {
        bool: "a bool", int: "an int", float: "a float", str: "a string", list: "a list", type(None): "null"
    }  # fmt: skip
    return names.get(type(value), "an object")


def _as_float(value: float) -> float:
    try:
        return float(value)
    except OverflowError as error:
        raise InvalidValue("the number is too large for a float") from error


def _check_content(value: Any, *, depth: int) -> None:
    match value:
        case str():
            _check_text(value)
        case list():
            _check_depth(depth + 1)
            for item in cast("list[Any]", value):
                _check_content(item, depth=depth + 1)
        case dict():
            _check_depth(depth + 1)
            _check_object(cast("dict[str, Any]", value), depth=depth + 1)
        case _:
            _check_scalar(value)


def _check_object(members: dict[str, Any], *, depth: int) -> None:
    if isinstance(members, AmbiguousObject):
        raise InvalidValue(f"the key {members.repeated[:40]!r} stands twice in one object")
    for key, item in members.items():
        _check_text(key)
        _check_content(item, depth=depth)


def _check_scalar(value: object) -> None:
    match value:
        case bool() | None:
            pass
        case int():
            if not _SMALLEST_INT <= value <= _LARGEST_INT:
                raise InvalidValue("the number does not fit 64 bits (-2^63 to 2^63-1)")
        case float():
            if not math.isfinite(value):
                raise InvalidValue("the number is not finite, or does not fit 64 bits")
        case _:
            raise InvalidValue("the value is not JSON")


def _check_depth(depth: int) -> None:
    if depth > DEEPEST_VALUE:
        raise InvalidValue(f"the value is nested more than {DEEPEST_VALUE} levels deep")


def _check_text(text: str) -> None:
    if "\x00" in text:
        raise InvalidValue("the text holds a NUL character, which PostgreSQL cannot store")
    try:
        text.encode()
    except UnicodeEncodeError as error:
        raise InvalidValue("the text holds half of a surrogate pair, which is no character") from error
