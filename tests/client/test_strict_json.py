"""JSON read without guessing."""

import math

import pytest

from setpoint.errors import InvalidRequest, NotJson
from setpoint.protocol.strict_json import AmbiguousObject, dumps, loads


@pytest.mark.parametrize("text", ["", "{", "nul", "{'a':1}", "[1,]", "\ufeff{}", "1 2"])
def test_what_is_no_json_is_refused_with_its_place(text: str) -> None:
    with pytest.raises(NotJson, match="column"):
        loads(text)


def test_a_text_nested_beyond_reason_is_refused_not_crashed_on() -> None:
    with pytest.raises(InvalidRequest, match="deeply"):
        loads("[" * 200_000)


def test_a_repeated_key_stays_visible() -> None:
    found = loads('{"a":1,"b":2,"a":3,"b":4}')
    assert isinstance(found, AmbiguousObject)
    assert found.repeated == "a"
    assert not isinstance(loads('{"a":1,"b":2}'), AmbiguousObject)


def test_numbers_beyond_any_reader_become_floats_that_are_not_finite() -> None:
    assert loads("1e400") == math.inf
    assert loads("9" * 41) == math.inf
    assert loads("9" * 40) == int("9" * 40)
    assert math.isnan(loads("NaN"))


def test_the_canonical_text_has_no_spaces_and_no_needless_escapes() -> None:
    assert dumps({"b": [1, None], "a": "é/支"}) == '{"b":[1,null],"a":"é/支"}'


def test_what_json_cannot_say_is_not_written() -> None:
    with pytest.raises(ValueError, match="not JSON compliant"):
        dumps(math.nan)
