"""Reviews, purely: where one stands, whose approvals are enough, who may do what and why not."""

from dataclasses import replace
from datetime import UTC, datetime
from typing import get_args

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.errors import RequestFailed
from setpoint_hub.plan import Active, Step
from setpoint_hub.review import (
    ACTIONS,
    NO_TERMS,
    Action,
    Asker,
    Base,
    Edits,
    Review,
    Terms,
    approvals_needed,
    diff_hash,
    plan_application,
    refusal,
    refuse_nothing_left,
)
from setpoint_hub.store.keys import Key
from support.change_sets import version

ALICE, BOB = 1, 2
EDITOR, APPROVER, ADMIN = Asker(ALICE, "editor"), Asker(BOB, "approver"), Asker(BOB, "admin")
KEY = Key(version(100), "payments", "max_retries", "int")

OPEN = Review(
    id=88,
    env="production",
    how="set",
    author_id=ALICE,
    author_name="alice",
    reason="fewer parked orders",
    ticket="",
    created_at=datetime(2030, 1, 1, tzinfo=UTC),
    terms=NO_TERMS,
    base_revision=41,
    diff_hash=bytes(32),
    checks=[],
    stored="open",
    applied_revision=None,
    undoes=None,
    schedule=None,
    needed=1,
    approvers=frozenset(),
    bases=(Base("payments", "max_retries", version(1), version(1)),),
)
APPROVED = replace(OPEN, approvers=frozenset({BOB}))
STALE = replace(APPROVED, bases=(Base("payments", "max_retries", version(1), version(2)),))
APPLIED = replace(APPROVED, stored="applied", applied_revision=42)
REJECTED = replace(OPEN, stored="rejected")


def why(action: Action, review: Review, asker: Asker) -> str | None:
    refused = refusal(action, review, asker)
    return None if refused is None else refused.kind


@pytest.mark.parametrize(
    ("review", "state"),
    [
        (OPEN, "open"),
        (APPROVED, "approved"),
        (replace(APPROVED, needed=2), "open"),
        (replace(OPEN, needed=0), "approved"),
        (STALE, "stale"),
        (replace(STALE, stored="withdrawn"), "withdrawn"),
        (APPLIED, "applied"),
        (REJECTED, "rejected"),
    ],
)
def test_where_a_review_stands(review: Review, state: str) -> None:
    assert review.state == state


@pytest.mark.parametrize(
    ("action", "review", "asker", "kind"),
    [
        ("approve", OPEN, APPROVER, None),
        ("approve", OPEN, ADMIN, None),
        ("approve", OPEN, EDITOR, "forbidden"),
        ("approve", OPEN, Asker(BOB, "editor"), "forbidden"),
        ("approve", OPEN, Asker(ALICE, "admin"), "forbidden"),
        ("approve", STALE, APPROVER, "conflict"),
        ("approve", APPLIED, APPROVER, "conflict"),
        ("reject", STALE, APPROVER, None),
        ("reject", OPEN, Asker(ALICE, "approver"), "forbidden"),
        ("reject", REJECTED, APPROVER, "conflict"),
        ("withdraw", OPEN, EDITOR, None),
        ("withdraw", OPEN, ADMIN, "forbidden"),
        ("rebase", STALE, EDITOR, None),
        ("rebase", STALE, ADMIN, "forbidden"),
        ("rebase", APPLIED, EDITOR, "conflict"),
        ("apply", APPROVED, EDITOR, None),
        ("apply", APPROVED, APPROVER, None),
        ("apply", APPROVED, Asker(BOB, "editor"), "forbidden"),
        ("apply", APPROVED, Asker(ALICE, "reader"), "forbidden"),
        ("apply", OPEN, EDITOR, "review_required"),
        ("apply", STALE, EDITOR, "conflict"),
        ("apply", REJECTED, APPROVER, "conflict"),
        ("apply", APPLIED, APPROVER, "conflict"),
        ("schedule", OPEN, EDITOR, None),
        ("schedule", STALE, EDITOR, None),
        ("schedule", APPLIED, EDITOR, "conflict"),
        ("break_glass", OPEN, ADMIN, None),
        ("break_glass", OPEN, APPROVER, "forbidden"),
        ("break_glass", STALE, ADMIN, "conflict"),
        ("break_glass", REJECTED, ADMIN, "conflict"),
        ("comment", APPLIED, EDITOR, None),
        ("comment", OPEN, Asker(BOB, "reader"), "forbidden"),
    ],
)
def test_who_may_do_what(action: Action, review: Review, asker: Asker, kind: str | None) -> None:
    assert why(action, review, asker) == kind


def test_every_action_is_listed() -> None:
    assert set(ACTIONS) == set(get_args(Action))


def test_a_moved_base_names_the_keys_and_what_they_are_now() -> None:
    refused = refusal("apply", STALE, EDITOR)
    assert refused is not None
    assert "payments/max_retries" in str(refused)
    assert "rebase" in str(refused)
    assert refused.data["conflicts"] == [
        {
            "namespace": "payments",
            "key": "max_retries",
            "expected_version": str(version(1)),
            "active_version": str(version(2)),
        }
    ]


@pytest.mark.parametrize(
    ("protected", "required", "newest", "needed"),
    [(True, 2, False, 2), (True, 2, True, 1), (True, 0, True, 0), (True, 0, False, 0), (False, 3, False, 0)],
)
def test_how_many_approvals_it_takes(protected: bool, required: int, newest: bool, needed: int) -> None:
    assert approvals_needed(protected=protected, required=required, takes_back_newest=newest) == needed


@given(
    stored=st.sampled_from(["open", "applied", "rejected", "withdrawn"]),
    needed=st.integers(0, 3),
    approvers=st.frozensets(st.integers(2, 6)),
    moved=st.booleans(),
    asker=st.builds(Asker, st.integers(1, 6), st.sampled_from(["reader", "editor", "approver", "admin"])),
)
def test_nothing_is_applied_without_its_approvals_on_its_base(
    stored: str, needed: int, approvers: frozenset[int], moved: bool, asker: Asker
) -> None:
    bases = (Base("payments", "max_retries", version(1), version(2 if moved else 1)),)
    review = replace(
        OPEN,
        stored=stored,  # type: ignore[arg-type]
        applied_revision=42 if stored == "applied" else None,
        needed=needed,
        approvers=approvers,
        bases=bases,
    )
    if refusal("apply", review, asker) is None:
        assert review.state == "approved"
        assert stored == "open"
        assert len(approvers) >= needed
        assert not moved
        assert asker.role != "reader"
        assert asker.user_id == ALICE or asker.role in ("approver", "admin")


def edits(text: str | None = "5", base: int | None = 1, *, key: Key = KEY) -> Edits:
    after = None if text is None else Active(version(7), text)
    before = None if base is None else Active(version(base), "3")
    return [(Step(key, before, after, is_new=True), None if base is None else version(base))]


def test_a_diff_is_another_one_when_anything_of_it_changes() -> None:
    other_key = Key(version(101), "payments", "limit", "int")
    hashes = [
        diff_hash("production", edits(), NO_TERMS),
        diff_hash("staging", edits(), NO_TERMS),
        diff_hash("production", edits("6"), NO_TERMS),
        diff_hash("production", edits(None), NO_TERMS),
        diff_hash("production", edits(base=2), NO_TERMS),
        diff_hash("production", edits(base=None), NO_TERMS),
        diff_hash("production", edits(), Terms(expires_in=60)),
        diff_hash("production", edits(), Terms(confirm_within=60)),
        diff_hash("production", [*edits(), *edits(key=other_key)], NO_TERMS),
    ]
    assert len(set(hashes)) == len(hashes)
    assert diff_hash("production", edits(), NO_TERMS) == hashes[0]


def test_the_order_of_the_edits_makes_no_other_diff() -> None:
    both = [*edits(), *edits(key=Key(version(101), "payments", "limit", "int"))]
    assert diff_hash("production", both, NO_TERMS) == diff_hash("production", both[::-1], NO_TERMS)


def test_applying_plans_the_very_versions_that_were_approved() -> None:
    (step,) = plan_application(OPEN, edits(), {KEY.id: Active(version(1), "3")})
    assert (step.before, step.after, step.is_new) == (Active(version(1), "3"), Active(version(7), "5"), True)


@pytest.mark.parametrize("active", [{}, {KEY.id: Active(version(2), "3")}])
def test_applying_on_another_base_is_a_conflict(active: dict[object, Active]) -> None:
    with pytest.raises(RequestFailed, match="max_retries changed") as refused:
        plan_application(OPEN, edits(), active)  # type: ignore[arg-type]
    assert refused.value.kind == "conflict"


def test_a_review_that_has_nothing_left_to_do_cannot_be_rebased() -> None:
    refuse_nothing_left(OPEN, edits())
    for done in (edits(None, base=None), edits(base=7)):
        with pytest.raises(RequestFailed, match="already as review 88 wants it"):
            refuse_nothing_left(OPEN, done)
