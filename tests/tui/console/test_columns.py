"""Columns fit into a width, the least important ones giving way."""

from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.console.widgets.columns import GAP, Column, place_columns

columns = st.lists(
    st.builds(
        Column,
        st.text("ABC", min_size=1, max_size=4),
        st.none() | st.integers(1, 30),
        priority=st.integers(0, 5),
        least=st.integers(1, 20),
    ),
    min_size=1,
    max_size=8,
)


def names(*given: Column, width: int) -> list[tuple[str, int]]:
    return [(placed.column.name, placed.width) for placed in place_columns(given, width)]


KEY = Column("KEY", None, priority=9)
TYPE = Column("TYPE", 6, priority=2)
AGE = Column("AGE", 4, priority=2)
VALUE = Column("VALUE", None, priority=5)


def test_the_flexible_columns_share_what_is_left() -> None:
    assert names(KEY, TYPE, AGE, VALUE, width=60) == [("KEY", 22), ("TYPE", 6), ("AGE", 4), ("VALUE", 22)]


def test_the_rightmost_of_the_least_important_goes_first() -> None:
    assert names(KEY, TYPE, AGE, VALUE, width=39) == [("KEY", 15), ("TYPE", 6), ("VALUE", 14)]
    assert names(KEY, TYPE, AGE, VALUE, width=30) == [("KEY", 14), ("VALUE", 14)]
    assert names(KEY, TYPE, AGE, VALUE, width=20) == [("KEY", 20)]


def test_one_column_is_left_however_narrow_it_is() -> None:
    assert names(TYPE, AGE, width=3) == [("TYPE", 3)]
    assert names(KEY, width=0) == []


@given(columns, st.integers(0, 120))
def test_columns_never_take_more_than_there_is(given: list[Column], width: int) -> None:
    placed = place_columns(given, width)
    used = sum(column.width for column in placed) + GAP * max(0, len(placed) - 1)
    assert used <= width
    assert [column.place for column in placed] == sorted(column.place for column in placed)
    if any(column.column.width is None for column in placed):
        assert used == width


@given(columns, st.integers(0, 120))
def test_what_is_left_out_is_never_more_important_than_what_is_shown(given: list[Column], width: int) -> None:
    shown = {column.place for column in place_columns(given, width)}
    out = [column.priority for place, column in enumerate(given) if place not in shown]
    assert not out or not shown or max(out) <= min(given[place].priority for place in shown)
