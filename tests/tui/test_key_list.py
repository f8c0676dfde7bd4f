"""Which keys are listed, and in which order."""

from datetime import UTC, datetime, timedelta

import pytest

from setpoint_tui.answers import Change, Environment, Key, PastChangeSet, Person
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.model.key_list import KeyList
from setpoint_tui.model.model import Model

NOW = datetime(2026, 1, 2, tzinfo=UTC)


def model_with(**values: object) -> Model:
    """A model whose staging holds these keys of `app`, changed one minute after another."""
    model = Model()
    model.set_environments([Environment(env="staging", revision=0, protected=False, required_approvals=0, position=1)])
    listing: list[Key] = []
    for place, (name, value) in enumerate(values.items(), start=1):
        kind = "string" if isinstance(value, str) else "int"
        at = NOW - timedelta(minutes=len(values) - place)
        listing.append(
            Key(namespace="app", key=name, type=kind, value=value, version=f"v{place}", revision=place, at=at)
        )
    model.put_listed("staging", listing)
    model.finish_listing("staging", [("app", name) for name in values])
    model.select(env="staging")
    return model


def changed(model: Model, key: str, value: object, *, revision: int = 100) -> None:
    change = Change(namespace="app", key=key, type="int", old=None, new=value, version="v", previous_version=None)
    by = Person(id=1, name="bob")
    model.apply(
        PastChangeSet(
            env="staging", revision=revision, change_set="c", how="set", by=by, note="", at=NOW, changes=(change,)
        )
    )


def names(listed: KeyList) -> list[str]:
    listed.update(NOW)
    return [key for _, key in listed.order]


def test_keys_are_listed_by_name() -> None:
    assert names(KeyList(model_with(b=1, a=2, c=3))) == ["a", "b", "c"]


def test_a_sort_turns_round_when_it_is_asked_for_again() -> None:
    listed = KeyList(model_with(b=1, a=2))
    listed.sort_by("key")
    assert names(listed) == ["b", "a"]


def test_numbers_are_sorted_by_size_and_texts_after_them() -> None:
    listed = KeyList(model_with(text="9", large=10, small=9))
    listed.sort_by("value")
    assert names(listed) == ["small", "large", "text"]


def test_what_changed_last_comes_first_by_age() -> None:
    model = model_with(a=1, b=2, c=3)
    listed = KeyList(model)
    listed.sort_by("age")
    assert names(listed) == ["c", "b", "a"]
    changed(model, "a", 5)
    listed.note(model.take_dirty())
    assert names(listed) == ["a", "c", "b"]


def test_a_frozen_order_does_not_move() -> None:
    model = model_with(a=1, b=2)
    listed = KeyList(model)
    listed.sort_by("age")
    names(listed)
    model.take_dirty()
    listed.freeze()
    changed(model, "a", 5)
    listed.note(model.take_dirty())
    listed.update(NOW)
    # Freezing itself takes the order as it is now; what comes later leaves it alone.
    assert [key for _, key in listed.order] == ["a", "b"]
    changed(model, "b", 5, revision=101)
    listed.note(model.take_dirty())
    assert not listed.is_stale


def test_a_changed_value_alone_does_not_make_a_list_by_name_stale() -> None:
    model = model_with(a=1, b=2)
    listed = KeyList(model)
    names(listed)
    model.take_dirty()
    changed(model, "a", 5)
    listed.note(model.take_dirty())
    assert not listed.is_stale


def test_a_filter_by_value_follows_the_values() -> None:
    model = model_with(a=1, b=2)
    listed = KeyList(model)
    listed.set_filter("value:7")
    assert names(listed) == []
    changed(model, "b", 7)
    listed.note(model.take_dirty())
    assert names(listed) == ["b"]


def test_a_filter_that_cannot_be_read_leaves_the_one_before() -> None:
    listed = KeyList(model_with(alpha=1, beta=2))
    listed.set_filter("alpha")
    with pytest.raises(InvalidFilter):
        listed.set_filter("changed:soon")
    assert listed.filter_text == "alpha"
    assert names(listed) == ["alpha"]


def test_keys_without_a_value_are_found_when_asked_for() -> None:
    model = model_with(a=1)
    model.put_facts(Key(namespace="app", key="unset", type="int"))
    listed = KeyList(model)
    assert names(listed) == ["a", "unset"]
    listed.show("unset")
    assert names(listed) == ["unset"]
    listed.show("set")
    assert names(listed) == ["a"]


def test_a_namespace_lists_its_own_keys_alone() -> None:
    model = model_with(a=1)
    model.put_facts(Key(namespace="apple", key="b", type="int"))
    model.select(env="staging", namespace="app")
    listed = KeyList(model)
    assert names(listed) == ["a"]
    assert listed.in_scope == 1


def test_a_new_history_empties_the_list() -> None:
    model = model_with(a=1, b=2)
    listed = KeyList(model)
    assert names(listed) == ["a", "b"]
    model.begin_new_history()
    listed.note(model.take_dirty())
    assert names(listed) == []
