"""The hub's replica: resuming from anywhere equals a fresh snapshot, and a gap is refused."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as some

from setpoint.protocol.names import Revision
from setpoint_hub.errors import LogGap
from setpoint_hub.replica import Replica, Row
from support.change_sets import EPOCH, change_set, key_change, replica, version

NAMESPACES = ["payments", "search", "global"]
KEYS = [f"{namespace}/{key}" for namespace in NAMESPACES for key in ("a", "b", "c")]

Step = dict[str, bool]
"""A change set: whether each of its keys gets a value, or loses it."""

steps = some.lists(some.dictionaries(some.sampled_from(KEYS), some.booleans(), min_size=1), max_size=20)
asked_namespaces = some.lists(some.sampled_from([*NAMESPACES, "empty"]), min_size=1, unique=True)


def after(taken: list[Step]) -> Replica:
    """Return a replica that applied the steps, each value a version of its own."""
    return replica(
        *(
            [
                key_change(name, revision * 100 + place if kept else None)
                for place, (name, kept) in enumerate(step.items())
            ]
            for revision, step in enumerate(taken, start=1)
        )
    )


def held(of: Replica, namespaces: list[str]) -> dict[str, dict[str, Any]]:
    found: dict[str, dict[str, Any]] = json.loads(of.full(namespaces))
    return found


def patched(held_before: dict[str, dict[str, Any]], delta: str) -> dict[str, dict[str, Any]]:
    for namespace, keys in json.loads(delta).items():
        for key, entry in keys.items():
            held_before[namespace].pop(key, None)
            if entry is not None:
                held_before[namespace][key] = entry
    return held_before


@given(steps, asked_namespaces, some.data())
def test_what_changed_since_any_revision_leads_to_the_full_state(
    taken: list[Step], namespaces: list[str], data: some.DataObject
) -> None:
    start = data.draw(some.integers(0, len(taken)))
    now = after(taken)
    before = held(after(taken[:start]), namespaces)
    assert patched(before, now.since(Revision(start), namespaces)) == held(now, namespaces)


@given(steps, asked_namespaces, some.data())
def test_nothing_changed_since_a_revision_that_is_not_before_the_last_touch(
    taken: list[Step], namespaces: list[str], data: some.DataObject
) -> None:
    now = after(taken)
    start = data.draw(some.integers(0, len(taken)))
    delta = json.loads(now.since(Revision(start), namespaces))
    assert bool(delta) == (start < now.touched(namespaces))


@given(steps, asked_namespaces, some.data())
def test_loading_the_last_change_of_each_key_equals_applying_all(
    taken: list[Step], namespaces: list[str], data: some.DataObject
) -> None:
    rows: dict[str, Row] = {}
    for revision, step in enumerate(taken, start=1):
        for place, (name, kept) in enumerate(step.items()):
            number = revision * 100 + place if kept else None
            namespace, key = name.split("/")
            shown = (version(number), str(number)) if number is not None else (None, None)
            rows[name] = Row(namespace, key, "int", Revision(revision), *shown)
    loaded = Replica("staging", EPOCH, Revision(len(taken)), data.draw(some.permutations(list(rows.values()))))
    applied = after(taken)
    start = Revision(data.draw(some.integers(0, len(taken))))
    assert held(loaded, namespaces) == held(applied, namespaces)
    assert json.loads(loaded.since(start, namespaces)) == json.loads(applied.since(start, namespaces))
    assert loaded.touched(namespaces) == applied.touched(namespaces)


def test_an_entry_carries_type_value_and_version() -> None:
    assert json.loads(replica([key_change("payments/a", 7)]).full(["payments"])) == {
        "payments": {"a": {"type": "int", "value": 7, "version": str(version(7))}}
    }


def test_a_deleted_key_is_null_in_a_delta_and_absent_in_the_full_state() -> None:
    now = replica([key_change("payments/a", 1)], [key_change("payments/a", None)])
    assert now.since(Revision(1), ["payments"]) == '{"payments":{"a":null}}'
    assert now.full(["payments"]) == '{"payments":{}}'


def test_a_delta_leaves_out_what_did_not_change_since() -> None:
    now = replica([key_change("payments/a", 1)], [key_change("payments/b", 2)], [key_change("payments/c", 3)])
    assert json.loads(now.since(Revision(1), ["payments"]))["payments"].keys() == {"b", "c"}


def test_the_full_state_follows_every_change() -> None:
    now = replica([key_change("payments/a", 1)])
    assert '"value":1' in now.full(["payments"])
    now.apply(change_set(2, key_change("payments/a", 2)))
    assert '"value":2' in now.full(["payments"])


def test_an_asked_namespace_that_holds_nothing_is_empty_not_missing() -> None:
    assert replica().full(["payments"]) == '{"payments":{}}'


def test_a_value_is_relayed_as_the_text_that_the_database_holds() -> None:
    now = replica([key_change("payments/a", 1, text='{"b":1.0,"a":1e2}')])
    assert '"value":{"b":1.0,"a":1e2}' in now.full(["payments"])


@pytest.mark.parametrize("revision", [1, 3], ids=["again", "too far"])
def test_a_change_set_that_does_not_follow_is_refused_and_changes_nothing(revision: int) -> None:
    now = replica([key_change("payments/a", 1)])
    with pytest.raises(LogGap):
        now.apply(change_set(revision, key_change("payments/a", 9)))
    assert now.revision == 1
    assert '"value":1' in now.full(["payments"])


def test_applying_tells_what_had_touched_each_namespace_before() -> None:
    now = replica([key_change("payments/a", 1)], [key_change("search/a", 2)])
    assert now.apply(change_set(3, key_change("payments/b", 3), key_change("global/a", 4))) == {
        "payments": 1,
        "global": 0,
    }
