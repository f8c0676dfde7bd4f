"""What changed, key by key."""

from typing import Any

import pytest

from client.wire import entry, full
from setpoint.changes import Change, Kind, difference, everything, merge
from setpoint.content import Content, parse
from setpoint.protocol.messages import Entry
from setpoint.replica import Held, apply


def content(revision: int, **entries: Entry) -> Content:
    return parse(apply(Held("production"), full(revision, {"a": entries})))


def test_keys_are_added_changed_and_removed() -> None:
    stays = entry("same")
    before = content(1, changed=entry(1), removed=entry(2), stays=stays)
    after = content(2, changed=entry(10), added=entry(3), stays=stays)
    assert {change.key: change for change in difference(before, after)} == {
        "changed": Change("a", "changed", "changed", 1, 10, 2),
        "removed": Change("a", "removed", "removed", 2, None, 2),
        "added": Change("a", "added", "added", None, 3, 2),
    }


def test_a_new_version_of_an_equal_value_is_no_change() -> None:
    assert list(difference(content(1, k=entry({"x": 1})), content(2, k=entry({"x": 1})))) == []


@pytest.mark.parametrize(("old", "new"), [({"x": 1}, {"x": True}), ({"x": 1}, {"x": 1.0}), ([0], [False]), (1, True)])
def test_what_python_holds_for_equal_is_told_apart(old: Any, new: Any) -> None:
    assert [change.kind for change in difference(content(1, k=entry(old)), content(2, k=entry(new)))] == ["changed"]


def test_a_namespace_that_comes_or_goes_brings_its_keys() -> None:
    none = parse(Held("production"))
    one = content(1, k=entry(1))
    assert [change.kind for change in difference(none, one)] == ["added"]
    assert [change.kind for change in difference(one, none)] == ["removed"]
    assert [change.kind for change in everything(one)] == ["added"]


def change(what: tuple[Kind, Any, Any], revision: int) -> Change:
    return Change("a", "k", *what, revision)


@pytest.mark.parametrize(
    ("first", "second", "merged"),
    [
        (("changed", 1, 2), ("changed", 2, 3), ("changed", 1, 3)),
        (("changed", 1, 2), ("changed", 2, 1), None),
        (("added", None, 1), ("changed", 1, 2), ("added", None, 2)),
        (("added", None, 1), ("removed", 1, None), None),
        (("changed", 1, 2), ("removed", 2, None), ("removed", 1, None)),
        (("removed", 1, None), ("added", None, 2), ("changed", 1, 2)),
        (("removed", 1, None), ("added", None, 1), None),
        (("removed", 1, None), ("added", None, True), ("changed", 1, True)),
    ],
)
def test_two_changes_of_a_key_become_one_with_the_effect_of_both(first: Any, second: Any, merged: Any) -> None:
    assert merge(change(first, 1), change(second, 2)) == (change(merged, 2) if merged else None)
