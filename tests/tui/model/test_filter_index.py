"""An index finds what a filter finds, however it got there."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.model.filtering import Filter, FilterIndex, parse_filter
from tui.model.rows import NOW, Row

rows = st.builds(
    Row,
    namespace=st.sampled_from(["pay", "search"]),
    key=st.text("abr.", min_size=1, max_size=5),
    type=st.sampled_from(["int", "bool"]),
    value_text=st.text("ab1", max_size=3),
    changed_at=st.none() | st.builds(lambda hours: NOW - timedelta(hours=hours), st.integers(0, 5)),
)
filters = st.lists(
    st.sampled_from(
        ["a", "ab", "abr", "b", "!a", "!ab", "pay", "type:int", "!type:int", "value:a", "value:ab", "re:a.*b",
         "changed:<2h", "changed:>3h"]
    ),
    max_size=3,
).map(" ".join)  # fmt: skip
steps = st.lists(
    st.one_of(
        st.tuples(st.just("put"), st.integers(0, 12), rows),
        st.tuples(st.just("remove"), st.integers(0, 12), st.none()),
        st.tuples(st.just("search"), st.integers(0, 9), filters),
    ),
    max_size=30,
)


class Shelf:
    """Rows and their index."""

    def __init__(self, *held: Row) -> None:
        self.rows: dict[int, Row] = {}
        self.asked: list[int] = []
        self.index = FilterIndex[int](self._row)
        for number, row in enumerate(held):
            self.put(number, row)

    def put(self, number: int, row: Row) -> None:
        self.rows[number] = row
        self.index.put(number, row.name)

    def remove(self, number: int) -> None:
        self.rows.pop(number, None)
        self.index.remove(number)

    def _row(self, number: int) -> Row:
        self.asked.append(number)
        return self.rows[number]


@given(steps)
def test_a_search_finds_what_the_filter_matches_whatever_was_searched_before(
    taken: list[tuple[str, int, Row | str | None]],
) -> None:
    shelf = Shelf()
    for kind, number, what in taken:
        match what:
            case Row():
                shelf.put(number, what)
            case str():
                now = NOW + timedelta(hours=number)
                wanted = parse_filter(what)
                expected = [place for place, row in shelf.rows.items() if wanted.matches(row, now)]
                assert sorted(shelf.index.search(wanted, now)) == sorted(expected)
            case None:
                assert kind == "remove"
                shelf.remove(number)
    assert len(shelf.index) == len(shelf.rows)


def test_rows_are_found_in_the_order_in_which_they_came() -> None:
    shelf = Shelf(*(Row(key=f"key-{number}") for number in range(20)))
    shelf.index.search(parse_filter("key"), NOW)
    shelf.put(3, Row(key="key-3"))
    assert shelf.index.search(parse_filter("key-1"), NOW) == [1, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19]


def test_words_look_at_no_row() -> None:
    shelf = Shelf(*(Row(key=f"key-{number}") for number in range(20)))
    shelf.index.search(parse_filter("key !9"), NOW)
    assert shelf.asked == []


def test_a_narrower_filter_looks_only_at_what_was_found_and_what_changed() -> None:
    shelf = Shelf(*(Row(key=f"key-{number}", owner="a" if number % 5 else "b") for number in range(20)))
    shelf.index.search(parse_filter("owner:b"), NOW)
    shelf.put(7, replace(shelf.rows[7], owner="b"))
    shelf.asked.clear()

    assert shelf.index.search(parse_filter("owner:b type:int"), NOW) == [0, 5, 7, 10, 15]
    assert set(shelf.asked) == {0, 5, 7, 10, 15}


def test_a_result_belongs_to_whoever_asked() -> None:
    shelf = Shelf(Row(), Row())
    shelf.index.search(Filter(), NOW).clear()
    assert shelf.index.search(Filter(), NOW) == [0, 1]
