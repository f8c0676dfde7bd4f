"""Two changes of one value: what each touched, and both together where they do not meet."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.model.diffing import ABSENT, ThreeWay, three_way
from setpoint_tui.model.json_diff import same_json
from setpoint_tui.model.merging import WHOLE

leaves = st.integers(0, 2) | st.booleans() | st.lists(st.integers(0, 2), max_size=2)
objects = st.recursive(
    st.dictionaries(st.sampled_from("abc"), leaves, max_size=3),
    lambda inner: st.dictionaries(st.sampled_from("abc"), inner | leaves, max_size=3),
    max_leaves=6,
)
BASE = {"limits": {"rps": 50, "burst": 5}, "on": True}


def test_changes_of_different_members_are_merged() -> None:
    mine = {"limits": {"rps": 60, "burst": 5}, "on": True}
    theirs = {"limits": {"rps": 50}, "on": True, "note": "x"}
    assert three_way(BASE, mine, theirs, "json") == ThreeWay(
        ("limits.rps",), ("limits.burst", "note"), (), {"limits": {"rps": 60}, "on": True, "note": "x"}
    )


def test_changes_of_one_member_overlap() -> None:
    found = three_way(BASE, {**BASE, "on": False}, {"limits": 5}, "json")
    assert found == ThreeWay(("on",), ("limits", "on"), ("on",), None)


def test_a_member_within_what_the_other_replaced_overlaps() -> None:
    found = three_way(BASE, {**BASE, "limits": {"rps": 60, "burst": 5}}, {**BASE, "limits": None}, "json")
    assert found.overlap == ("limits",)
    assert found.merged is None


def test_the_same_change_twice_is_no_overlap() -> None:
    found = three_way(BASE, {**BASE, "on": False}, {**BASE, "on": False}, "json")
    assert (found.mine, found.theirs, found.overlap) == (("on",), ("on",), ())
    assert found.merged == {**BASE, "on": False}


def test_texts_are_compared_by_lines() -> None:
    base = "a\nb\nc\nd"
    assert three_way(base, "a\nB\nc\nd", "a\nb\nc\nD", "string") == ThreeWay(("line 2",), ("line 4",), ())
    assert three_way(base, "a\nB\nc\nd", "a\nbb\nc\nd", "string").overlap == ("line 2",)
    assert three_way(base, "a\nB\nc\nd", "a\nB\nc\nd", "string").overlap == ()
    assert three_way(base, base + "\ne", base + "\nf", "string").overlap == ("line 5",)


@pytest.mark.parametrize(
    ("base", "mine", "theirs", "overlap"),
    [
        (3, 4, 5, (WHOLE,)),
        (3, 4, 4, ()),
        (3, 4, 3, ()),
        (3, 3, 3, ()),
        (3, ABSENT, 4, (WHOLE,)),
        (ABSENT, 1, 2, (WHOLE,)),
    ],
)
def test_values_without_parts_are_compared_whole(base: Any, mine: Any, theirs: Any, overlap: tuple[str, ...]) -> None:
    found = three_way(base, mine, theirs, "int")
    assert found.overlap == overlap
    assert found.merged is None


@given(objects, objects, objects)
def test_a_merge_takes_each_side_where_only_that_one_changed(base: Any, mine: Any, theirs: Any) -> None:
    assert three_way(base, mine, base, "json").merged == mine
    assert three_way(base, base, theirs, "json").merged == theirs
    there, back = three_way(base, mine, theirs, "json"), three_way(base, theirs, mine, "json")
    assert set(there.overlap) == set(back.overlap)
    assert (there.merged is None) is bool(there.overlap)
    assert same_json(there.merged, back.merged)
