"""What a person types after a command."""

import pytest

from setpoint_tui.arguments import (
    Assignment,
    KeyName,
    KeyPath,
    is_negative_number,
    parse_assignments,
    parse_keys,
    parse_revision,
    possible_names,
)
from setpoint_tui.errors import InvalidSettings

A, B = KeyName("ns", "a"), KeyName("ns", "b")


@pytest.mark.parametrize(
    ("words", "read"),
    [
        (["ns", "a", "5"], [Assignment(A, "5")]),
        (["ns", "a", "-5"], [Assignment(A, "-5")]),
        (["ns", "a", "x=y"], [Assignment(A, "x=y")]),
        (["ns", "a=1"], [Assignment(A, "1")]),
        (["ns", "a=1", "b=x=y"], [Assignment(A, "1"), Assignment(B, "x=y")]),
        (["ns", "a="], [Assignment(A, "")]),
        (["ns", "a", ""], [Assignment(A, "")]),
        (["ns/a=1", "other/b=2"], [Assignment(KeyPath("ns/a"), "1"), Assignment(KeyPath("other/b"), "2")]),
    ],
)
def test_assignments_are_read_in_each_form(words: list[str], read: list[Assignment]) -> None:
    assert parse_assignments(words) == read


@pytest.mark.parametrize(
    "words", [["ns"], ["ns", "a"], ["ns", "a", "5", "6"], ["ns", "a=1", "b"], ["ns", "=1"], ["=1"], ["ns/a=1", "b"]]
)
def test_what_is_no_assignment_is_refused_with_what_to_type(words: list[str]) -> None:
    with pytest.raises(InvalidSettings):
        parse_assignments(words)


def test_keys_are_read_as_words_or_as_one_path() -> None:
    assert parse_keys(["ns", "a", "b"]) == [A, B]
    assert parse_keys(["ns/a"]) == [KeyPath("ns/a")]
    with pytest.raises(InvalidSettings):
        parse_keys(["ns"])


def test_a_path_may_mean_several_keys_since_names_hold_slashes() -> None:
    assert possible_names(KeyPath("a/b/c")) == [KeyName("a", "b/c"), KeyName("a/b", "c")]
    for nothing in ("a", "/a", "a/", "/"):
        with pytest.raises(InvalidSettings):
            possible_names(KeyPath(nothing))


@pytest.mark.parametrize(
    ("text", "revision"), [("41", 41), ("r41", 41), ("0", 0), ("r", None), ("9e01", None), ("-1", None)]
)
def test_a_revision_is_a_number_with_or_without_its_letter(text: str, revision: int | None) -> None:
    assert parse_revision(text) == revision


@pytest.mark.parametrize("word", ["-5", "-0.25", "-.5", "-1e3", "-5e"])
def test_a_word_of_minus_and_digit_is_a_value(word: str) -> None:
    assert is_negative_number(word)


@pytest.mark.parametrize("word", ["-e", "--env", "-", "--", "-m5", "5", "-.", "-x.5"])
def test_other_words_are_not(word: str) -> None:
    assert not is_negative_number(word)
