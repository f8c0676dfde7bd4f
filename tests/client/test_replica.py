"""A replica moves forward by updates, whole, or not at all."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from client.wire import EPOCH, OTHER_EPOCH, delta, entry, full
from setpoint.errors import ProtocolError
from setpoint.protocol.messages import Changed, Current, Delta, Entry, Update, Values
from setpoint.protocol.names import Revision
from setpoint.replica import Gap, Held, apply

EMPTY = Held("production")


def test_the_first_snapshot_is_taken() -> None:
    held = apply(EMPTY, full(5, {"a": {"k": entry(1)}}))
    assert (held.epoch, held.revision, held.namespaces["a"]["k"].value) == (EPOCH, 5, 1)


def test_a_change_sets_and_deletes_and_leaves_the_rest_and_the_old_one_alone() -> None:
    before = apply(EMPTY, full(5, {"a": {"k": entry(1), "gone": entry(2)}, "b": {"stays": entry(3)}}))
    after = apply(before, delta(5, 6, {"a": {"k": entry(10), "gone": None}, "c": {"new": entry(4)}}))
    assert {name: set(keys) for name, keys in after.namespaces.items()} == {"a": {"k"}, "b": {"stays"}, "c": {"new"}}
    assert after.namespaces["a"]["k"].value == 10
    assert before.namespaces["a"]["k"].value == 1
    assert after.namespaces["b"] is before.namespaces["b"]


def test_what_is_held_already_is_dropped() -> None:
    held = apply(EMPTY, full(5, {"a": {}}))
    assert apply(held, delta(3, 4, {"a": {"k": entry(1)}})) is held
    assert apply(held, delta(4, 5, {"a": {"k": entry(1)}})) is held
    assert apply(held, full(4, {"a": {"k": entry(1)}})) is held


def test_a_change_that_merges_several_revisions_applies() -> None:
    held = apply(EMPTY, full(5, {"a": {}}))
    assert apply(held, delta(3, 9, {"a": {"k": entry(1)}})).revision == 9


@pytest.mark.parametrize(
    "update",
    [delta(7, 8, {}), delta(5, 6, {}, epoch=OTHER_EPOCH), Current("production", OTHER_EPOCH, Revision(5))],
)
def test_what_does_not_continue_what_is_held_is_a_gap(update: Update) -> None:
    with pytest.raises(Gap):
        apply(apply(EMPTY, full(5, {"a": {}})), update)


def test_a_change_before_the_first_snapshot_is_a_gap() -> None:
    with pytest.raises(Gap):
        apply(EMPTY, delta(0, 1, {}))


def test_a_snapshot_of_another_history_replaces_even_a_later_revision() -> None:
    held = apply(apply(EMPTY, full(50, {"a": {"k": entry(1)}})), full(2, {"a": {}}, epoch=OTHER_EPOCH))
    assert (held.epoch, held.revision, held.namespaces) == (OTHER_EPOCH, 2, {"a": {}})


def test_current_moves_the_revision_forward_only() -> None:
    held = apply(EMPTY, full(5, {"a": {}}))
    assert apply(held, Current("production", EPOCH, Revision(7))).revision == 7
    assert apply(held, Current("production", EPOCH, Revision(3))).revision == 5


def test_an_update_for_another_environment_is_refused() -> None:
    with pytest.raises(ProtocolError, match="staging"):
        apply(EMPTY, full(1, {}, env="staging"))


names = st.sampled_from(["a", "b"])
keys = st.sampled_from(["k", "l", "m"])
values = st.none() | st.builds(entry, st.integers(0, 9))
change_sets = st.lists(st.dictionaries(names, st.dictionaries(keys, values, min_size=1), min_size=1), max_size=8)


def histories(sets: list[Changed]) -> tuple[list[Delta], list[Values]]:
    """The change of each revision, and what each revision holds (0 first), by the plainest means."""
    current: dict[str, dict[str, Entry]] = {"a": {}, "b": {}}
    held: list[Values] = [{name: dict(found) for name, found in current.items()}]
    for change_set in sets:
        for name, changed in change_set.items():
            for key, found in changed.items():
                current[name].pop(key, None)
                if found is not None:
                    current[name][key] = found
        held.append({name: dict(found) for name, found in current.items()})
    return [delta(number, number + 1, change_set) for number, change_set in enumerate(sets)], held


@given(change_sets)
def test_changes_one_by_one_give_what_a_fresh_snapshot_gives(sets: list[Changed]) -> None:
    deltas, snapshots = histories(sets)
    held = apply(EMPTY, full(0, snapshots[0]))
    for update, expected in zip(deltas, snapshots[1:], strict=True):
        held = apply(held, update)
        assert held.namespaces == expected


@given(change_sets, st.data())
def test_whatever_is_lost_repeated_or_reordered_nothing_moves_backwards_or_goes_wrong(
    sets: list[Changed], data: st.DataObject
) -> None:
    deltas, snapshots = histories(sets)
    fulls: list[Any] = [full(number, snapshot) for number, snapshot in enumerate(snapshots)]
    held = apply(EMPTY, fulls[0])
    for update in data.draw(st.lists(st.sampled_from([*deltas, *fulls]), max_size=20)):
        before = held.revision
        try:
            held = apply(held, update)
        except Gap:
            continue
        assert held.revision >= before
        assert held.namespaces == snapshots[held.revision]
