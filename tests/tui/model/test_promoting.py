"""What a promotion takes over, what it leaves out, and what a person is told of both."""

import pytest

from setpoint_tui.comparison_answers import ComparedKey
from setpoint_tui.model.comparing import Comparing
from setpoint_tui.model.diffing import ABSENT
from setpoint_tui.model.keys import KeyId
from setpoint_tui.model.promoting import LARGEST_PROMOTION, effect_of, propose_promotion, why_nothing
from tui.model.compared import compared, comparison

A, B, C, D = (("payments", name) for name in "abcd")


def comparing_of(*rows: ComparedKey, marked: tuple[KeyId, ...] = (), different: int | None = None) -> Comparing:
    comparing = Comparing(lambda _: None)
    comparing.look_at(("staging", "production"), None)
    comparing.take(comparison(*rows, different=different))
    comparing.set_marks(marked)
    return comparing


@pytest.mark.parametrize(
    ("row", "glyph", "words"),
    [
        (compared("a"), "~", "changes"),
        (compared("a", target=None), "+", "adds"),
        (compared("a", source=None), "-", "deletes, if marked"),
        (compared("a", newer=True), "!", "overwrites newer"),
        (compared("a", newer=True, problem="it is above 10"), "✗", "invalid: it is above 10"),
    ],
)
def test_each_effect_has_a_glyph_and_words(row: ComparedKey, glyph: str, words: str) -> None:
    effect = effect_of(row)
    assert (effect.glyph, effect.words) == (glyph, words)


def test_the_marked_rows_are_promoted_as_what_was_seen() -> None:
    comparing = comparing_of(compared("a"), compared("b", source=None), compared("c"), marked=(A, B))
    assert why_nothing(comparing, C) is None
    proposal = propose_promotion(comparing, C)
    assert proposal.intent.method == "promote"
    assert proposal.intent.env == "production"
    assert proposal.intent.params == {
        "source": "staging",
        "target": "production",
        "source_revision": 43,
        "target_revision": 17,
        "keys": [{"namespace": "payments", "key": "a"}, {"namespace": "payments", "key": "b"}],
        "deletions": True,
    }
    assert [(change.key, change.old, change.new) for change in proposal.changes] == [(A, 3, 5), (B, 3, ABSENT)]
    assert proposal.left_out == ("1 row not chosen: payments/c",)
    assert proposal.based_on == "staging r43 and production r17"


def test_without_a_mark_the_row_under_the_cursor_goes_alone() -> None:
    comparing = comparing_of(compared("a"), compared("b"))
    proposal = propose_promotion(comparing, B)
    assert proposal.intent.keys == (B,)
    assert proposal.intent.params["deletions"] is False
    assert proposal.title == "promote 1 key from staging to production"


def test_a_deletion_and_an_invalid_row_under_the_cursor_are_refused_with_the_reason() -> None:
    comparing = comparing_of(compared("a", source=None), compared("b", problem="it is above 10"))
    assert "mark it with space" in (why_nothing(comparing, A) or "")
    assert "it is above 10" in (why_nothing(comparing, B) or "")
    assert "no row is marked" in (why_nothing(comparing, None) or "")


def test_an_invalid_row_is_left_out_even_when_it_is_marked() -> None:
    rows = [compared("a"), compared("b", problem="no"), compared("c", source=None), compared("d")]
    comparing = comparing_of(*rows, marked=(A, B))
    proposal = propose_promotion(comparing, None)
    assert proposal.intent.keys == (A,)
    assert proposal.left_out == (
        "1 row not valid in the source: payments/b",
        "1 row in the target only, and not marked: payments/c",
        "1 row not chosen: payments/d",
    )
    assert why_nothing(comparing_of(rows[1], marked=(B,)), None) is not None


def test_a_row_that_lost_its_mark_is_named_as_such() -> None:
    comparing = comparing_of(compared("a"), compared("b"), marked=(A, B))
    comparing.take(comparison(compared("a"), compared("b", target="v9")))
    assert propose_promotion(comparing, None).left_out == ("1 row changed since marked: payments/b",)


def test_what_is_newer_in_the_target_is_said() -> None:
    comparing = comparing_of(compared("a", newer=True), compared("b"))
    assert "! newer in production: payments/a" in propose_promotion(comparing, A).based_on


def test_more_than_one_change_set_takes_is_refused_before_anything_is_sent() -> None:
    rows = [compared(f"k{number}") for number in range(LARGEST_PROMOTION + 1)]
    comparing = comparing_of(*rows)
    comparing.mark_promotable()
    assert "1,001 rows are chosen" in (why_nothing(comparing, None) or "")
    comparing.set_marks([("payments", f"k{number}") for number in range(LARGEST_PROMOTION)])
    assert why_nothing(comparing, None) is None


def test_what_was_not_fetched_is_counted_as_left_out_and_names_are_few() -> None:
    rows = [compared(f"k{number}") for number in range(9)]
    comparing = comparing_of(*rows, marked=(("payments", "k0"),), different=20)
    assert propose_promotion(comparing, None).left_out == (
        "8 rows not chosen: payments/k1, payments/k2, payments/k3, payments/k4 and 4 more",
        "11 more that differ and are not on show",
    )


def test_before_the_comparison_is_there_nothing_is_promoted() -> None:
    comparing = Comparing(lambda _: None)
    assert "not here yet" in (why_nothing(comparing, None) or "")
