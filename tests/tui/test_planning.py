"""What would have to change for an environment to be as a file says."""

from typing import Any
from uuid import uuid4

import pytest
from hypothesis import given

from setpoint.protocol.messages import Entry, Full
from setpoint.protocol.names import Epoch, Revision
from setpoint_tui.as_code.document import read_file, write_file
from setpoint_tui.as_code.planning import Plan, change_params, changed_between, make_plan
from setpoint_tui.errors import InvalidFile
from tui.test_environment_file import environments

Values = dict[str, dict[str, Entry]]

NOW: Values = {
    "payments": {
        "retries": Entry("int", 3, "v1"),
        "limits": Entry("json", {"rps": 50, "on": True}, "v2"),
        "old": Entry("string", "x", "v3"),
    },
    "search": {"fuzzy": Entry("bool", True, "v4")},
}


def full(values: Values, revision: int = 43) -> Full:
    return Full("production", Epoch("e"), Revision(revision), values)


def changed(**entries: Entry | None) -> Values:
    """Return what is held with some keys of `payments` as given; None takes one away."""
    keys = {**NOW["payments"], **entries}
    return {**NOW, "payments": {key: entry for key, entry in keys.items() if entry is not None}}


def plan(wanted: Values, held: Values, *, prune: bool = False, valueless: dict[str, str] | None = None) -> Plan:
    known = {("payments", key): value_type for key, value_type in (valueless or {}).items()}
    return make_plan(read_file(write_file("production", 1, wanted)), full(held), known, prune=prune)


def carried_out(found: Plan, held: Values) -> Values:
    """Do to what is held what a hub does with the params of the plan, its check of versions included."""
    result = {namespace: dict(keys) for namespace, keys in held.items()}
    types = {(action.namespace, action.key): action.type for action in found.actions}
    for change in change_params(found, note="")["changes"]:
        keys = result.setdefault(change["namespace"], {})
        active = keys.get(change["key"])
        assert change["expected_version"] == (None if active is None else active.version)
        if change.get("delete"):
            del keys[change["key"]]
        else:
            value_type = types[change["namespace"], change["key"]]
            keys[change["key"]] = Entry(value_type, change["value"], str(uuid4()))
    return result


def test_nothing_differs_from_what_was_exported() -> None:
    found = plan(NOW, NOW)
    assert (found.actions, found.same, found.unlisted, found.revision) == ((), 4, 0, 43)


def test_each_kind_of_action_has_old_new_and_the_version_that_it_is_based_on() -> None:
    wanted = changed(retries=Entry("int", 5, ""), old=None, new=Entry("float", 1.0, ""), made=Entry("int", 1, ""))
    found = plan(wanted, NOW, prune=True, valueless={"new": "float"})
    told = {action.key: (action.kind, action.old, action.new, action.version) for action in found.actions}
    assert told == {
        "made": ("create", None, 1, None),
        "new": ("create", None, 1.0, None),
        "old": ("remove", "x", None, "v3"),
        "retries": ("change", 3, 5, "v1"),
    }
    assert [action.key for action in found.actions if action.key_is_new] == ["made"]
    assert [found.count(kind) for kind in ("create", "change", "remove")] == [2, 1, 1]
    assert change_params(found, note="why") == {
        "env": "production",
        "note": "why",
        "changes": [
            {"namespace": "payments", "key": "made", "expected_version": None, "value": 1},
            {"namespace": "payments", "key": "new", "expected_version": None, "value": 1.0},
            {"namespace": "payments", "key": "old", "expected_version": "v3", "delete": True},
            {"namespace": "payments", "key": "retries", "expected_version": "v1", "value": 5},
        ],
    }


def test_what_the_file_does_not_name_stays_unless_it_is_pruned() -> None:
    wanted = {"payments": {"retries": NOW["payments"]["retries"]}}
    kept = plan(wanted, NOW)
    assert (kept.actions, kept.same, kept.unlisted) == ((), 1, 2)
    pruned = plan(wanted, NOW, prune=True)
    # Not in `search`, of which the file does not speak.
    assert [(action.kind, action.key) for action in pruned.actions] == [("remove", "limits"), ("remove", "old")]


def test_an_empty_namespace_can_be_pruned_whole() -> None:
    file = read_file("setpoint: 1\nenv: production\nnamespaces: {search: {}}\n")
    found = make_plan(file, full(NOW), {}, prune=True)
    assert [action.key for action in found.actions] == ["fuzzy"]


@pytest.mark.parametrize(
    ("held", "wanted"),
    [
        (Entry("json", 1, "v"), Entry("json", 1.0, "")),
        (Entry("json", True, "v"), Entry("json", 1, "")),
        (Entry("json", {"a": 1, "b": 2}, "v"), Entry("json", {"b": 2, "a": 1}, "")),
        (Entry("json", None, "v"), Entry("json", "null", "")),
        (Entry("float", 0.0, "v"), Entry("float", -0.0, "")),
    ],
)
def test_values_that_python_calls_equal_may_differ(held: Entry, wanted: Entry) -> None:
    found = plan({"payments": {"limits": wanted}}, {"payments": {"limits": held}})
    assert [action.kind for action in found.actions] == ["change"]


@pytest.mark.parametrize("known", [{}, {"limits": "json"}], ids=["with a value", "without"])
def test_a_key_of_another_type_is_refused_with_its_line(known: dict[str, str]) -> None:
    held = changed(limits=None) if known else NOW
    with pytest.raises(InvalidFile, match="line 8: payments/limits is of type json, and int here"):
        plan({"payments": {"limits": Entry("int", 1, "")}}, held, valueless=known)


@pytest.mark.parametrize(
    ("before", "prune", "names"),
    [
        (NOW, True, []),
        (changed(retries=Entry("int", 3, "v0")), False, ["payments/retries"]),
        (changed(retries=None), False, ["payments/retries"]),
        (changed(old=Entry("string", "x", "v0")), False, []),
        (changed(old=Entry("string", "x", "v0")), True, ["payments/old"]),
        (changed(gone=Entry("int", 1, "v0")), True, ["payments/gone"]),
        ({**NOW, "search": {}}, True, []),
    ],
)
def test_what_a_plan_looks_at_and_has_changed_is_named(before: Values, prune: bool, names: list[str]) -> None:
    file = read_file(write_file("production", 1, {"payments": {"retries": Entry("int", 5, "")}}))
    assert changed_between(file, full(before, 40), full(NOW), prune=prune) == names


@pytest.mark.parametrize(
    "wanted",
    [
        {f"key{number}": Entry("int", number, "") for number in range(1_001)},
        {f"key{number}": Entry("string", "x" * 60_000, "") for number in range(20)},
    ],
    ids=["keys", "bytes"],
)
def test_more_than_one_change_set_can_carry_is_refused(wanted: dict[str, Any]) -> None:
    with pytest.raises(InvalidFile, match="one --namespace after the other"):
        change_params(plan({"payments": wanted}, {}), note="")


@given(environments, environments)
def test_an_environment_becomes_what_the_file_says(wanted: Values, held: Values) -> None:
    # A key has one type everywhere.
    held = {
        namespace: {
            key: entry for key, entry in keys.items() if entry.type == wanted.get(namespace, {}).get(key, entry).type
        }
        for namespace, keys in held.items()
    }
    text = write_file("production", 43, wanted)
    onto_nothing = carried_out(make_plan(read_file(text), full({}), {}, prune=True), {})
    onto_others = carried_out(make_plan(read_file(text), full(held), {}, prune=True), held)
    assert write_file("production", 43, onto_nothing) == text
    named = {namespace: keys for namespace, keys in onto_others.items() if namespace in wanted}
    assert write_file("production", 43, named) == text
    again = make_plan(read_file(text), full(onto_others), {}, prune=True)
    assert again.actions == ()
