"""A row is found again, or else its nearest neighbour."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.console.widgets.row_order import find_again

orders = st.lists(st.integers(0, 40), unique=True)


@pytest.mark.parametrize(
    ("old", "place", "new", "found"),
    [
        ("abc", 1, "abc", "b"),
        ("abc", 1, "xyabc", "b"),
        ("abcd", 1, "acd", "c"),
        ("abcd", 1, "dca", "c"),
        ("abcd", 3, "ab", "b"),
        ("abcd", 2, "xyz", "z"),
        ("abcd", 0, "xyz", "x"),
    ],
)
def test_a_row_or_its_next_neighbour_is_found(old: str, place: int, new: str, found: str) -> None:
    at = find_again(old, place, new)
    assert at is not None
    assert new[at] == found


@given(orders.filter(bool), orders, st.data())
def test_a_row_that_is_left_is_always_found(old: list[int], new: list[int], data: st.DataObject) -> None:
    place = data.draw(st.integers(0, len(old) - 1))
    at = find_again(old, place, new)
    if at is None:
        assert not new
    elif old[place] in new:
        assert new[at] == old[place]
    else:
        left = [row for row in old[place:] if row in new] or [row for row in old[:place] if row in new][::-1]
        assert not left or new[at] == left[0]
