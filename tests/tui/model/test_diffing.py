"""Diffs say what changed, in lines that can be read without colour."""

import random
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.model.alignment import align
from setpoint_tui.model.diffing import ABSENT, diff_values

scalars = st.none() | st.booleans() | st.integers(-3, 3) | st.floats(-2, 2) | st.text(max_size=5)
json_values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(max_size=3), inner, max_size=4)
)


def drawn(value_type: str, old: Any, new: Any) -> list[str]:
    """The lines as they are read, the sign of multiplication written as a letter."""
    lines = diff_values(value_type, old, new)
    return [f"{line.sign} {line.text}".replace("\N{MULTIPLICATION SIGN}", "x") for line in lines]


@pytest.mark.parametrize(
    ("value_type", "old", "new", "shown"),
    [
        ("int", 3, 5, "~ 3 → 5  x1.67, +67 %"),
        ("int", 5, 3, "~ 5 → 3  x0.6, -40 %"),
        ("int", 3, 3_000, "~ 3 → 3000  x1,000, +99,900 %"),
        ("int", 1_000, 1_001, "~ 1000 → 1001  +0.1 %"),
        ("int", -4, -2, "~ -4 → -2  x0.5, +50 %"),
        ("int", 0, 5, "~ 0 → 5"),
        ("int", -1, 1, "~ -1 → 1"),
        ("int", 5, 0, "~ 5 → 0  -100 %"),
        ("float", 0.25, 0.5, "~ 0.25 → 0.5  x2, +100 %"),
        ("bool", False, True, "~ false → true"),
        ("string", "linear", "exponential", "~ linear → exponential"),
        ("string", "", "x", '~ "" → x'),
        ("json", None, 5, "~ null → 5"),
        ("json", 1, True, "~ 1 → true"),
        ("json", 1, 1.0, "~ 1 → 1.0"),
        ("int", ABSENT, 5, "+ 5"),
        ("bool", True, ABSENT, "- true"),
        ("json", None, ABSENT, "- null"),
        ("string", ABSENT, "", '+ ""'),
        ("json", ABSENT, {}, "+ {}"),
    ],
)
def test_small_values_stand_beside_each_other(value_type: str, old: Any, new: Any, shown: str) -> None:
    assert drawn(value_type, old, new) == [shown]


def test_words_of_a_text_are_told_apart() -> None:
    before, after = diff_values("string", "the quick brown fox", "the slow brown fox")
    assert [(span.text, span.kind) for span in before.spans] == [
        ("the ", "same"),
        ("quick", "removed"),
        (" brown fox", "same"),
    ]
    assert [span.text for span in after.spans if span.kind == "added"] == ["slow"]


def test_a_change_of_white_space_alone_can_be_seen() -> None:
    assert drawn("string", "a word here", "a  word here") == ["- a·word here", "+ a··word here"]


def test_lines_of_a_text_are_told_apart_with_what_surrounds_them() -> None:
    old = "\n".join(f"line {number}" for number in range(30))
    new = old.replace("line 15", "line fifteen").replace("\nline 29", "")
    assert drawn("string", old, new) == [
        "  ⋯ 13 lines are the same",
        "  line 13",
        "  line 14",
        "- line 15",
        "+ line fifteen",
        "  line 16",
        "  line 17",
        "  ⋯ 9 lines are the same",
        "  line 27",
        "  line 28",
        "- line 29",
    ]


def test_a_text_that_comes_or_goes_is_shown_line_by_line() -> None:
    assert drawn("string", ABSENT, "a\nb") == ["+ a", "+ b"]
    assert drawn("string", "a\nb", ABSENT) == ["- a", "- b"]


def test_json_is_compared_by_paths() -> None:
    old = {"limits": {"rps": 50, "x.y": 1}, "hosts": ["a", "b", "c"], "old": {"path": 1}, "deep": [{"n": 1}, {"n": 2}]}
    new = {"limits": {"rps": 60, "x.y": 2, "burst": 10}, "hosts": ["a", "c", "d"], "deep": [{"n": 1}, {"n": 3}]}
    assert drawn("json", old, new) == [
        "~ limits.rps  50 → 60  x1.2, +20 %",
        '~ limits["x.y"]  1 → 2  x2, +100 %',
        "+ limits.burst  10",
        '- hosts[1]  "b"',
        '+ hosts[2]  "d"',
        '- old  {"path":1}',
        "~ deep[1].n  2 → 3  x1.5, +50 %",
    ]


def test_an_object_that_comes_is_shown_member_by_member() -> None:
    assert drawn("json", ABSENT, {"a": 1, "b": [1]}) == ["+ a  1", "+ b  [1]"]


def test_long_values_are_cut_around_their_difference() -> None:
    (line,) = diff_values("json", {"a": "x" * 5_000 + "old"}, {"a": "x" * 5_000 + "new"})
    assert 'old" → …' in line.text
    assert line.text.endswith('new"')
    assert len(line.text) < 200


def test_the_values_of_others_are_harmless() -> None:
    hostile = "\x1b]52;c;aGk=\x07"
    for value_type, old, new in [
        ("string", "x", hostile),
        ("string", "a\nb", f"a\n{hostile}"),
        ("json", {hostile: 1}, {hostile: hostile}),
        ("json", ABSENT, [hostile]),
    ]:
        assert all("\x1b" not in line.text and "\x07" not in line.text for line in diff_values(value_type, old, new))


@pytest.mark.parametrize("seed", range(3))
def test_diffs_of_the_largest_values_are_cut_and_say_so(seed: int) -> None:
    rng = random.Random(seed)
    text = ["".join(rng.choices("ab \n", k=64 * 1024)) for _ in range(2)]
    numbers = [[rng.randint(0, 1) for _ in range(30_000)] for _ in range(2)]
    for value_type, (old, new) in (("string", text), ("json", numbers)):
        lines = diff_values(value_type, old, new)
        assert len(lines) == 401
        assert lines[-1].text == "… only the first 400 lines of this diff are shown"


@given(json_values, json_values)
def test_no_line_means_no_difference(old: Any, new: Any) -> None:
    assert diff_values("json", old, old) == []
    assert bool(diff_values("json", old, new)) is (repr_of(old) != repr_of(new))


@given(st.text("ab \n", max_size=30), st.text("ab \n", max_size=30))
def test_a_diff_of_texts_holds_both_of_them(old: str, new: str) -> None:
    lines = diff_values("string", old, new)
    assert bool(lines) is (old != new)
    for line in lines:
        kinds = {span.kind for span in line.spans}
        assert line.sign != "-" or "added" not in kinds
        assert line.sign != "+" or "removed" not in kinds


@given(st.lists(st.integers(0, 3), max_size=30), st.lists(st.integers(0, 3), max_size=30), st.integers(0, 30))
def test_stretches_cover_both_sides_in_order(old: list[int], new: list[int], most: int) -> None:
    stretches = align(old, new, most=most)
    assert [place for stretch in stretches for place in stretch.old] == list(range(len(old)))
    assert [place for stretch in stretches for place in stretch.new] == list(range(len(new)))
    for stretch in stretches:
        assert stretch.old or stretch.new
        same = [old[place] for place in stretch.old] == [new[place] for place in stretch.new]
        assert stretch.same is same


def repr_of(value: Any) -> str:
    """A value written so that 1, 1.0 and true differ and the order of members does not matter."""
    if isinstance(value, dict):
        return f"{{{sorted((key, repr_of(item)) for key, item in value.items())}}}"
    if isinstance(value, list):
        return f"[{','.join(map(repr_of, value))}]"
    # Zero has no sign in a value that is compared.
    return repr(0.0 if isinstance(value, float) and value == 0 else value)
