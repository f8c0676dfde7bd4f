"""Constraints: which are taken, and what of a value breaks them. Pure."""

from typing import Any

import pytest

from setpoint_hub.constraints import UnusableConstraints, check_constraints, introduced, violations


@pytest.mark.parametrize(
    ("constraints", "kept", "broken"),
    [
        ({"minimum": 1, "maximum": 10}, [1, 10], [0, 11]),
        ({"enum": ["a", "b"]}, ["a"], ["c"]),
        ({"pattern": "^[a-z]+$", "maxLength": 3}, ["abc"], ["ABC", "abcd"]),
        ({"properties": {"rps": {"type": "integer"}}, "additionalProperties": False}, [{}], [{"rps": "1"}, {"x": 1}]),
        ({"$defs": {"few": {"maxItems": 1}}, "$ref": "#/$defs/few"}, [[1]], [[1, 2]]),
        ({"$schema": "https://json-schema.org/draft/2020-12/schema", "multipleOf": 5}, [10], [11]),
        ({"not": {"const": 3}}, [4], [3]),
    ],
)
def test_values_keep_or_break_constraints(constraints: dict[str, Any], kept: list[Any], broken: list[Any]) -> None:
    check_constraints(constraints)
    assert [violations(constraints, value) for value in kept] == [[]] * len(kept)
    assert all(violations(constraints, value) for value in broken)


@pytest.mark.parametrize(
    ("constraints", "why"),
    [
        ([], "JSON Schema object"),
        (True, "JSON Schema object"),
        ({"minimum": "1"}, "no JSON Schema"),
        ({"properties": {"a": {"type": "number of cats"}}}, "at /properties/a/type"),
        ({"$ref": "https://example.com/schema"}, "nothing is fetched"),
        ({"properties": {"a": {"$ref": "file:///etc/passwd"}}}, "nothing is fetched"),
        ({"allOf": [{"$dynamicRef": "other.json"}]}, "nothing is fetched"),
        ({"$ref": "#/$defs/none"}, "leads nowhere"),
        ({"items": {"$ref": "#/enum/0"}, "enum": [{"type": "nothing"}]}, "leads to what is no JSON Schema"),
        ({"$ref": "#/title", "title": "a"}, "leads to what is no JSON Schema"),
        ({"$id": "https://example.com/schema"}, "$id"),
        ({"$schema": "http://json-schema.org/draft-07/schema#"}, "2020-12"),
        ({"pattern": "("}, "no regular expression"),
        ({"patternProperties": {"[": {}}}, "no regular expression"),
        ({"pattern": "a" * 501}, "500 characters"),
        ({"description": "x" * 16_400}, "16,384 bytes"),
    ],
)
def test_constraints_that_cannot_be_enforced_are_refused_with_the_reason(constraints: object, why: str) -> None:
    with pytest.raises(UnusableConstraints) as refused:
        check_constraints(constraints)
    assert why in str(refused.value)


def test_a_property_may_be_called_like_a_keyword() -> None:
    assert check_constraints({"properties": {"$id": {"type": "string"}, "pattern": {"type": "string"}}})


def test_a_violation_names_place_and_limit_and_never_the_value() -> None:
    constraints = {"properties": {"rps": {"maximum": 50}}, "additionalProperties": False}
    found = violations(constraints, {"rps": 98765, "topsecret": 1})
    said = {violation.sentence(secret=False) for violation in found}
    assert said == {
        "the value at /rps breaks the constraint maximum: 50",
        "the value breaks the constraint additionalProperties: false",
    }
    hidden = " ".join(violation.sentence(secret=True) for violation in found)
    assert "/rps" not in hidden
    assert "98765" not in hidden


def test_only_what_a_change_brings_counts() -> None:
    constraints = {"properties": {"a": {"maximum": 5}, "b": {"maximum": 5}}}
    before, after = violations(constraints, {"a": 6}), violations(constraints, {"a": 7, "b": 7})
    assert [violation.place for violation in introduced(after, before)] == ["/b"]
    assert introduced(before, before) == []
