"""Scopes: exact names, names below a prefix, everything; and what one scope may give of another."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.errors import InvalidName
from setpoint_hub.scopes import Scope, check_pattern

words = st.sampled_from(["pay", "payments", "team", "team-a", "a", "x.y", "Team"])
names = st.lists(words, min_size=1, max_size=4).map(".".join)
patterns = st.one_of(names, names.map(lambda name: f"{name}.*"), st.just("*"))
scopes = st.lists(patterns, max_size=4).map(Scope.of)


@pytest.mark.parametrize(
    ("pattern", "name", "covered"),
    [
        ("pay", "pay", True),
        ("pay", "payments", False),
        ("payments", "pay", False),
        ("pay", "pay.eu", False),
        ("pay", "Pay", False),
        ("team.*", "team.a", True),
        ("team.*", "team.a.b", True),
        ("team.*", "team", False),
        ("team.*", "teamx", False),
        ("team.*", "teamx.a", False),
        ("team.*", "my.team.a", False),
        ("team.a.*", "team.a", False),
        ("team.a.*", "team.ab", False),
        ("*", "anything/at-all", True),
        ("te*", "team", False),
        ("*.a", "team.a", False),
        ("", "team", False),
        (".*", "team", False),
    ],
)
def test_a_pattern_covers_what_it_says_and_no_name_that_only_looks_like_it(
    pattern: str, name: str, covered: bool
) -> None:
    assert Scope.of([pattern]).covers(name) is covered


@given(name=names)
def test_no_pattern_covers_no_name(name: str) -> None:
    assert not Scope.of([]).covers(name)
    assert not Scope.of([]).includes(name)


@given(name=names, longer=st.text(alphabet="abc/-_", min_size=1))
def test_a_name_never_covers_a_longer_one(name: str, longer: str) -> None:
    assert not Scope.of([name]).covers(name + longer)
    assert not Scope.of([f"{name}.*"]).covers(name + longer)


@given(scope=scopes, pattern=patterns, name=names)
def test_what_is_included_is_covered_name_by_name(scope: Scope, pattern: str, name: str) -> None:
    if scope.includes(pattern) and Scope.of([pattern]).covers(name):
        assert scope.covers(name)


@given(scope=scopes, pattern=patterns)
def test_a_pattern_that_is_not_included_covers_a_name_that_is_not_covered(scope: Scope, pattern: str) -> None:
    if not scope.includes(pattern):
        # A name that nobody has thought of, below the pattern.
        witness = pattern.replace("*", "unheard-of")
        assert Scope.of([pattern]).covers(witness)
        assert not scope.covers(witness)


@given(held=st.lists(patterns, max_size=4))
def test_every_scope_includes_its_own_patterns_and_is_rebuilt_from_them(held: list[str]) -> None:
    scope = Scope.of(held)
    assert all(map(scope.includes, held))
    assert scope.patterns == sorted(set(held))
    assert Scope.of(reversed(scope.patterns)) == scope


@given(scope=scopes, asked=st.lists(names, max_size=5))
def test_all_names_are_covered_when_each_is(scope: Scope, asked: list[str]) -> None:
    assert scope.covers_all(asked) == all(map(scope.covers, asked))


@pytest.mark.parametrize("pattern", ["*", "pay", "pay.*", "team.a.*", "a/b-c_d", "n" * 100])
def test_a_pattern_that_can_be_given_is_taken(pattern: str) -> None:
    assert check_pattern(pattern) == pattern


@pytest.mark.parametrize("pattern", ["", ".*", "te*", "*.a", "a.*.b", "**", "a b", "n" * 101, "pay.**", "ü", "a\n"])
def test_what_is_no_pattern_is_refused_with_what_to_write(pattern: str) -> None:
    with pytest.raises(InvalidName):
        check_pattern(pattern)
