"""The filter language: what each term asks, and what cannot be meant."""

import re
from collections.abc import Iterator
from importlib import import_module
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.model.filter_patterns import bounded_pattern
from setpoint_tui.model.filtering import InvalidFilter, parse_filter
from tui.model.rows import NOW, Row


@pytest.mark.parametrize(
    ("text", "row", "shown"),
    [
        ("", Row(), True),
        ("  ", Row(), True),
        ("retry", Row(), True),
        ("RETRY max", Row(), True),
        ("max retry payments", Row(), True),
        ("payments/checkout", Row(), True),
        ("retry min", Row(), False),
        ("3", Row(value_text="3"), False),
        ("value:3", Row(value_text="13"), True),
        ('value:"two words"', Row(value_text="Two Words"), True),
        ('value:"two words"', Row(value_text="two  words"), False),
        ("!retry", Row(), False),
        ("!min", Row(), True),
        ("re:^payments/.*max$", Row(), True),
        ("re:MAX", Row(), True),
        ("re:^checkout", Row(), False),
        ("!re:^checkout", Row(), True),
        ("type:int", Row(), True),
        ("type:INT", Row(), True),
        ("type:str", Row(type="string"), True),
        ("type:json", Row(), False),
        ("!type:json", Row(), True),
        ("owner:payments", Row(), True),
        ("owner:search", Row(), False),
        ("tag:slow", Row(tags=("fast", "Slow-Path")), True),
        ("tag:slow", Row(), False),
        ("!tag:slow", Row(), True),
        ("changed:<3h", Row(), True),
        ("changed:3h", Row(), True),
        ("changed:<1h", Row(), False),
        ("changed:>1h", Row(), True),
        ("changed:>1w", Row(), False),
        ("changed:<120m", Row(), True),
        ("!changed:<1h", Row(), True),
        ("changed:<1h", Row(changed_at=None), False),
        ("changed:>1h", Row(changed_at=None), False),
        ("retry type:int !owner:search changed:<1d", Row(), True),
        ("TYPE:int", Row(), True),
        ('"type:int"', Row(), False),
        ('!"min max"', Row(), True),
    ],
)
def test_a_filter_shows_the_rows_it_means(text: str, row: Row, shown: bool) -> None:
    assert parse_filter(text).matches(row, NOW) is shown


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("!", "write after !"),
        ('""', "write a word"),
        ('value:"two', "close it"),
        ("type:", "as in type:int"),
        ("type:number", "type:string, type:int, type:float, type:bool, type:json"),
        ("owner:", "as in owner:team-payments"),
        ("value:", "as in value:"),
        ("tag:", "as in tag:slow"),
        ("changed:yesterday", "changed:<1h"),
        ("changed:<1", "changed:<1h"),
        ("typ:int", "re:, type:, owner:, tag:, changed:, value:"),
        ("a.b:c", 'value:"a.b:c"'),
        ("re:", "as in re:"),
        ("re:(", "no regular expression"),
        ("re:a)b", "no regular expression"),
        ("re:[", "no regular expression"),
        ("re:[[a]", "no regular expression"),
        ("re:(a+)+$", "cannot repeat a group"),
        ("re:(a|a)*$", "cannot repeat a group"),
        ("re:(a?){20}", "cannot repeat a group"),
        ("re:(.)\\1", "no back references"),
        ("re:(?x)a", "flags"),
        ("re:(?P<n>a)", "named groups"),
        ("re:.*.*.*x", "2 open repeats"),
        ("re:a{1,}b{2,}c{3,9}", "2 open repeats"),
        ("re:a?a?a?a?a?", "4 optional parts"),
        ("re:" + "a" * 300, "shorter"),
        ("x" * 2_000, "shorter"),
    ],
)
def test_what_cannot_be_meant_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(InvalidFilter, match=re.escape(says)):
        parse_filter(text)


@pytest.mark.parametrize(
    "pattern", [r"^a\.b$", r"[*+?{(]+x", r"[]a]", r"[^]a]*", r"a{3}b{2}", r"(?:a|b)c?", r"\(a\)*", "x(?=y)", "{"]
)
def test_harmless_patterns_are_taken(pattern: str) -> None:
    bounded_pattern(pattern)


@given(st.text("ab.*+?{}()[]|\\^$1,:=!<P", max_size=14))
def test_no_pattern_that_is_taken_can_run_away(pattern: str) -> None:
    try:
        bounded_pattern(pattern)
    except InvalidFilter:
        return
    # Python's own parser tells what repeats what, whatever the text looks like.
    repeats = list(repeats_in(import_module("re._parser").parse(pattern), inside=False))
    assert sum(1 for least, most in repeats if most - least > 1) <= 2
    assert sum(1 for least, most in repeats if most - least == 1) <= 6


def repeats_in(parsed: Any, *, inside: bool) -> Iterator[tuple[int, int]]:
    """Yield the bounds of every repeat; none may hold another, or a choice, or refer back."""
    for operation, argument in parsed:
        name = str(operation)
        assert name not in ("GROUPREF", "GROUPREF_EXISTS")
        if name.endswith("_REPEAT"):
            least, most, repeated = argument
            assert not inside
            if least != most:
                yield int(least), int(most)
            yield from repeats_in(repeated, inside=int(most) > 1)
        elif name == "BRANCH":
            assert not inside
            for choice in argument[1]:
                yield from repeats_in(choice, inside=inside)
        elif name in ("SUBPATTERN", "ASSERT", "ASSERT_NOT", "ATOMIC_GROUP"):
            yield from repeats_in(argument if name == "ATOMIC_GROUP" else argument[-1], inside=inside)


@given(st.text(max_size=60))
def test_any_text_is_a_filter_or_says_why_not(text: str) -> None:
    try:
        wanted = parse_filter(text)
    except InvalidFilter as error:
        said = str(error)
    else:
        wanted.matches(Row(), NOW)
        said = wanted.describe()
    assert said


def test_a_filter_says_in_words_what_it_shows() -> None:
    filter_ = parse_filter("retry !test type:int !type:bool owner:pay re:^a !re:z changed:<1h changed:>2d value:3")
    assert filter_.describe() == (
        "name contains “retry” and name does not contain “test” and type is int and type is not bool and "
        "owner contains “pay” and name matches ^a and name does not match z and changed within 1h and "
        "changed more than 2d and value contains “3”"
    )
    assert parse_filter("").describe() == "everything"


@pytest.mark.parametrize(
    ("earlier", "later", "narrower"),
    [
        ("", "r", True),
        ("re", "ret", True),
        ("re", "re type:int", True),
        ("ret", "re", False),
        ("!ret", "!re", True),
        ("!re", "!ret", False),
        ("type:int", "type:int r", True),
        ("type:int", "type:bool", False),
        ("owner:a", "owner:ab", True),
        ("owner:a", "value:ab", False),
        ("changed:>1h", "changed:>1h re", False),
        ("re", "re changed:>1h", True),
        ("re:a", "re:ab", False),
    ],
)
def test_a_filter_knows_what_it_narrows(earlier: str, later: str, narrower: bool) -> None:
    assert parse_filter(later).narrows(parse_filter(earlier)) is narrower
