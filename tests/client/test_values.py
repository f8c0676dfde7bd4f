"""Values: what fits which type, and what no type takes."""

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.errors import InvalidValue
from setpoint.protocol.strict_json import loads
from setpoint.protocol.values import (
    LARGEST_VALUE,
    ValueType,
    check_value,
    decode_value,
    encode_value,
    is_value_type,
    parse_value,
    render_value,
)

GOOD: list[tuple[ValueType, Any]] = [
    ("string", ""),
    ("string", "5"),
    ("int", 5),
    ("int", -(2**63)),
    ("int", 2**63 - 1),
    ("float", 0.25),
    ("bool", True),
    ("json", None),
    ("json", {"rps": [1, 2.5, None, {"on": False}]}),
]

BAD: list[tuple[ValueType, Any]] = [
    ("int", "5"),
    ("int", True),
    ("int", 5.0),
    ("int", None),
    ("int", 2**63),
    ("int", 2**80),
    ("int", -(2**63) - 1),
    ("int", [5]),
    ("bool", 1),
    ("bool", "true"),
    ("float", True),
    ("float", "0.5"),
    ("float", math.nan),
    ("float", math.inf),
    ("float", 10**400),
    ("string", 5),
    ("string", None),
    ("string", "half \ud800 a pair"),
    ("string", "a NUL \x00"),
    ("json", math.nan),
    ("json", {"deep": [math.inf]}),
    ("json", {"n": 2**80}),
    ("json", {"a NUL \x00": 1}),
    ("json", ["\udfff"]),
    ("json", {1, 2}),
    ("json", {"bytes": b""}),
]


@pytest.mark.parametrize(("value_type", "value"), GOOD)
def test_a_value_of_its_type_comes_back_the_same_from_its_text(value_type: ValueType, value: Any) -> None:
    assert decode_value(encode_value(value_type, value)) == value
    assert type(decode_value(encode_value(value_type, value))) is type(value)
    assert parse_value(value_type, render_value(value_type, value)) == value


@pytest.mark.parametrize(("value_type", "value"), BAD)
def test_a_value_that_does_not_fit_is_refused_with_a_sentence(value_type: ValueType, value: Any) -> None:
    with pytest.raises(InvalidValue) as caught:
        check_value(value_type, value)
    assert str(caught.value)


def test_an_int_given_for_a_float_becomes_one() -> None:
    assert type(check_value("float", 3)) is float


@pytest.mark.parametrize("text", ["1e400", "-1e400", "NaN", "Infinity", "1" * 5000, '{"a":1,"a":2}', '[{"a":1,"a":1}]'])
def test_what_python_reads_by_guessing_is_refused(text: str) -> None:
    with pytest.raises(InvalidValue):
        check_value("json", loads(text))


def test_the_deepest_value_fits_and_one_level_more_does_not() -> None:
    def nested(levels: int) -> Any:
        return loads("[" * levels + "]" * levels)

    check_value("json", nested(32))
    with pytest.raises(InvalidValue, match="32 levels"):
        check_value("json", nested(33))


def test_the_size_is_counted_in_bytes_of_the_canonical_text() -> None:
    encode_value("string", "x" * (LARGEST_VALUE - 2))
    for value in ("x" * (LARGEST_VALUE - 1), "é" * (LARGEST_VALUE // 2)):
        with pytest.raises(InvalidValue, match=r"65,538|65,537"):
            encode_value("string", value)


@pytest.mark.parametrize(
    ("value_type", "text"),
    [("int", "five"), ("int", "5.0"), ("int", "1e400"), ("bool", "True"), ("bool", "1"), ("float", ""), ("json", "{")],
)
def test_a_text_that_is_no_value_of_the_type_is_refused(value_type: ValueType, text: str) -> None:
    with pytest.raises(InvalidValue):
        parse_value(value_type, text)


def test_a_string_is_taken_as_it_is_typed() -> None:
    assert parse_value("string", '"quoted"') == '"quoted"'


def test_the_five_types_are_known() -> None:
    assert all(is_value_type(name) for name in ("string", "int", "float", "bool", "json"))
    assert not is_value_type("decimal")


json_values = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text(st.characters(exclude_characters="\x00", codec="utf-8")),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text("abc", max_size=3), inner, max_size=4),
    max_leaves=12,
)


@given(json_values)
def test_any_json_value_survives_its_text(value: Any) -> None:
    assert repr(decode_value(encode_value("json", value))) == repr(value)
