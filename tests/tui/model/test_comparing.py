"""Comparing: pairs along the order of promotion, marks that hold only for what was seen, filters."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.comparison_answers import ComparedKey
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.model.comparing import Comparing, Pair, is_promotable, next_pair, pair_around
from setpoint_tui.model.keys import Facts, KeyId
from tui.model.compared import compared, comparison

ENVIRONMENTS = ["development", "staging", "production"]
PAIR = ("staging", "production")


def no_facts(_: KeyId) -> Facts | None:
    return None


def comparing_of(*rows: str, **others: int) -> Comparing:
    comparing = Comparing(no_facts)
    comparing.look_at(PAIR, None)
    comparing.take(comparison(*(compared(name) for name in rows), **others))
    return comparing


@pytest.mark.parametrize(
    ("selected", "pair"),
    [
        ("development", ("development", "staging")),
        ("staging", ("staging", "production")),
        ("production", ("staging", "production")),
        (None, ("development", "staging")),
        ("gone", ("development", "staging")),
    ],
)
def test_an_environment_is_compared_with_the_one_it_is_promoted_to(selected: str | None, pair: Pair) -> None:
    assert pair_around(ENVIRONMENTS, selected) == pair


def test_one_environment_has_no_pair() -> None:
    assert pair_around(["production"], "production") is None
    assert next_pair(["production"], None, 1) is None


def test_pairs_follow_the_order_of_promotion_round_its_ends() -> None:
    first, last = ("development", "staging"), ("staging", "production")
    assert next_pair(ENVIRONMENTS, first, 1) == last
    assert next_pair(ENVIRONMENTS, last, 1) == first
    assert next_pair(ENVIRONMENTS, first, -1) == last
    assert next_pair(ENVIRONMENTS, ("production", "development"), 1) == last


def test_only_a_valid_row_with_a_source_goes_by_itself() -> None:
    assert is_promotable(compared("a"))
    assert is_promotable(compared("a", target=None))
    assert not is_promotable(compared("a", source=None))
    assert not is_promotable(compared("a", problem="it is too large"))


def test_a_mark_is_kept_while_the_row_shows_the_same_versions() -> None:
    comparing = comparing_of("a", "b")
    comparing.set_marks([("payments", "a")])
    lost = comparing.take(comparison(compared("a"), compared("b", source="v9"), compared("c")))
    assert lost == set()
    assert comparing.marked == {("payments", "a")}


@pytest.mark.parametrize("moved", [compared("a", source="v9"), compared("a", target="v9")], ids=["source", "target"])
def test_a_mark_is_lost_when_either_value_changes_and_given_again_by_hand(moved: ComparedKey) -> None:
    comparing = comparing_of("a", "b")
    comparing.set_marks([("payments", "a")])
    lost = comparing.take(comparison(moved, compared("b")))
    assert lost == {("payments", "a")} == comparing.changed
    assert comparing.marked == frozenset()
    comparing.set_marks([("payments", "a")])
    assert comparing.changed == set()
    assert comparing.marked == {("payments", "a")}


def test_a_marked_row_that_differs_no_more_loses_its_mark() -> None:
    comparing = comparing_of("a", "b")
    comparing.set_marks([("payments", "a")])
    assert comparing.take(comparison(compared("b"))) == {("payments", "a")}
    assert comparing.changed == set()


def test_all_that_can_be_promoted_is_marked_besides_what_was_marked() -> None:
    comparing = Comparing(no_facts)
    comparing.look_at(PAIR, None)
    rows = [compared("a"), compared("b", source=None), compared("c", problem="no"), compared("d", source=None)]
    comparing.take(comparison(*rows))
    comparing.set_marks([("payments", "d")])
    assert comparing.mark_promotable() == 1
    assert {key for _, key in comparing.marked} == {"a", "d"}


def test_a_filter_hides_rows_and_keeps_their_marks() -> None:
    comparing = comparing_of("retry.max", "limits")
    comparing.set_marks([("payments", "retry.max")])
    comparing.set_filter("limits")
    assert comparing.order == [("payments", "limits")]
    comparing.set_marks([("payments", "limits")])
    assert len(comparing.marked) == 2
    with pytest.raises(InvalidFilter):
        comparing.set_filter("re:(")
    assert comparing.order == [("payments", "limits")]


def test_a_filter_looks_at_both_values_and_at_what_holds_of_the_key() -> None:
    facts = Facts("payments", "a", "int", owner="team-payments")
    comparing = Comparing(lambda key: facts if key == facts.id else None)
    comparing.look_at(PAIR, None)
    comparing.take(comparison(compared("a", values=(50, 3)), compared("b", values=(4, 70))))
    for text, found in [("value:50", "a"), ("value:70", "b"), ("owner:team", "a")]:
        comparing.set_filter(text)
        assert comparing.order == [("payments", found)]
    comparing.set_filter("changed:<1h", datetime(2026, 1, 1, 0, 30, tzinfo=UTC))
    assert len(comparing.order) == 2
    comparing.list_rows(datetime(2026, 1, 1, tzinfo=UTC) + timedelta(hours=2))
    assert comparing.order == []


def test_it_is_behind_as_soon_as_either_environment_moves() -> None:
    comparing = comparing_of("a", source_revision=43, target_revision=17)
    revisions = {"staging": 43, "production": 17}
    assert not comparing.is_behind(revisions.__getitem__)
    for env, revision in revisions.items():
        assert comparing.is_behind({**revisions, env: revision + 1}.__getitem__)


def test_another_pair_begins_without_marks_and_another_namespace_keeps_them() -> None:
    comparing = comparing_of("a")
    comparing.set_marks([("payments", "a")])
    assert comparing.look_at(PAIR, "payments")
    assert comparing.found is None
    assert comparing.marked
    assert comparing.look_at(("production", "staging"), "payments")
    assert not comparing.marked
    assert not comparing.look_at(("production", "staging"), "payments")


VERSIONS = st.sampled_from(["v1", "v2", "v3"])


@given(st.lists(st.one_of(st.tuples(VERSIONS, VERSIONS), st.booleans(), st.none()), max_size=30))
def test_a_marked_row_always_shows_the_versions_that_it_was_marked_with(
    steps: list[tuple[str, str] | bool | None],
) -> None:
    comparing, key = comparing_of("a"), ("payments", "a")
    marked_with: tuple[str, str] | None = None
    shown = ("source of a", "target of a")
    for step in steps:
        match step:
            case (source, target):
                shown = (source, target)
                comparing.take(comparison(compared("a", source=source, target=target)))
            case bool():
                comparing.set_marks([key] if step else [])
                marked_with = shown if step else None
            case None:
                comparing.set_filter("" if comparing.filter_text else "other")
                comparing.set_filter("")
        if key in comparing.marked:
            assert shown == marked_with
