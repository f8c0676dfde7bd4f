"""What a write will do to each key."""

from collections.abc import Callable
from uuid import UUID

import pytest

from setpoint.errors import RequestFailed
from setpoint_hub.plan import Active, Anything, Edit, plan_edits, plan_reactivation, plan_undo
from setpoint_hub.store.keys import Key
from support.change_sets import version

RETRIES = Key(UUID(int=1001), "payments", "max_retries", "int")
TIMEOUT = Key(UUID(int=1002), "payments", "timeout", "float")
THREE, FIVE = Active(version(3), "3"), Active(version(5), "5")


def refusal(plan: Callable[[], object]) -> RequestFailed:
    with pytest.raises(RequestFailed) as refused:
        plan()
    return refused.value


def test_an_edit_adds_a_version_in_place_of_the_active_one() -> None:
    (step,) = plan_edits("staging", [Edit(RETRIES, "5")], {RETRIES.id: THREE})
    assert step.is_new
    assert step.before == THREE
    assert step.after is not None
    assert (step.after.text, step.after.version == THREE.version) == ("5", False)


def test_setting_the_same_value_again_is_a_version_of_its_own() -> None:
    (step,) = plan_edits("staging", [Edit(RETRIES, "3")], {RETRIES.id: THREE})
    assert step.after is not None
    assert step.after.version != THREE.version


def test_a_delete_leaves_no_active_version() -> None:
    (step,) = plan_edits("staging", [Edit(RETRIES, None)], {RETRIES.id: THREE})
    assert (step.before, step.after) == (THREE, None)


def test_deleting_what_has_no_value_is_not_found() -> None:
    assert refusal(lambda: plan_edits("staging", [Edit(RETRIES, None)], {})).kind == "not_found"


@pytest.mark.parametrize(
    ("expected", "active"),
    [(THREE.version, THREE), (None, None), (Anything, THREE), (Anything, None)],
    ids=["the active one", "none yet", "not said", "not said, none yet"],
)
def test_an_expectation_that_holds_lets_the_edit_pass(
    expected: UUID | type[Anything] | None, active: Active | None
) -> None:
    assert plan_edits("staging", [Edit(RETRIES, "5", expected)], {} if active is None else {RETRIES.id: active})


@pytest.mark.parametrize(
    ("expected", "active"),
    [(THREE.version, FIVE), (THREE.version, None), (None, THREE)],
    ids=["another one", "deleted", "created meanwhile"],
)
def test_a_stale_expectation_is_a_conflict_that_names_both_versions(
    expected: UUID | None, active: Active | None
) -> None:
    held = {} if active is None else {RETRIES.id: active}
    refused = refusal(lambda: plan_edits("staging", [Edit(TIMEOUT, "1.5"), Edit(RETRIES, "5", expected)], held))
    assert refused.kind == "conflict"
    assert refused.data["conflicts"] == [
        {
            "namespace": "payments",
            "key": "max_retries",
            "expected_version": None if expected is None else str(expected),
            "active_version": None if active is None else str(active.version),
        }
    ]


def test_an_earlier_version_becomes_active_again_without_being_added() -> None:
    (step,) = plan_reactivation("staging", RETRIES, THREE, {RETRIES.id: FIVE})
    assert (step.before, step.after, step.is_new) == (FIVE, THREE, False)


def test_a_version_of_a_deleted_key_becomes_active_again() -> None:
    (step,) = plan_reactivation("staging", RETRIES, THREE, {})
    assert (step.before, step.after) == (None, THREE)


def test_making_the_active_version_active_is_a_conflict() -> None:
    refused = refusal(lambda: plan_reactivation("staging", RETRIES, THREE, {RETRIES.id: THREE}))
    assert refused.kind == "conflict"


@pytest.mark.parametrize(
    ("expected", "active"), [(THREE.version, FIVE), (FIVE.version, None), (None, FIVE)], ids=["moved", "deleted", "set"]
)
def test_a_rollback_based_on_another_version_than_the_active_one_is_a_conflict(
    expected: UUID | None, active: Active | None
) -> None:
    held = {} if active is None else {RETRIES.id: active}
    refused = refusal(lambda: plan_reactivation("staging", RETRIES, THREE, held, expected))
    assert refused.kind == "conflict"
    assert refused.data["conflicts"][0]["expected_version"] == (None if expected is None else str(expected))
    assert refused.data["conflicts"][0]["active_version"] == (None if active is None else str(active.version))


def test_a_rollback_based_on_the_active_version_is_made() -> None:
    (step,) = plan_reactivation("staging", RETRIES, THREE, {RETRIES.id: FIVE}, FIVE.version)
    assert (step.before, step.after) == (FIVE, THREE)
    (step,) = plan_reactivation("staging", RETRIES, THREE, {}, None)
    assert (step.before, step.after) == (None, THREE)


def test_undoing_puts_every_key_back_to_what_it_was_before() -> None:
    done = [(RETRIES, THREE, FIVE), (TIMEOUT, None, Active(version(9), "1.5"))]
    active = {RETRIES.id: FIVE, TIMEOUT.id: Active(version(9), "1.5")}
    steps = plan_undo("staging", 7, done, active)
    assert [(step.before, step.after) for step in steps] == [(FIVE, THREE), (Active(version(9), "1.5"), None)]
    assert not any(step.is_new for step in steps)


def test_undoing_what_has_changed_since_names_only_the_keys_that_did() -> None:
    done = [(RETRIES, THREE, FIVE), (TIMEOUT, None, Active(version(9), "1.5"))]
    refused = refusal(lambda: plan_undo("staging", 7, done, {RETRIES.id: FIVE}))
    assert refused.kind == "conflict"
    assert [found["key"] for found in refused.data["conflicts"]] == ["timeout"]
