"""Which reviews are listed, in which order, and what makes what is known of them old."""

from datetime import UTC, datetime
from typing import Any

from setpoint_tui.answers import PastChangeSet
from setpoint_tui.model.reviews import Reviews, why_not_decided
from setpoint_tui.review_answers import Review

NOW = datetime(2030, 1, 1, tzinfo=UTC)
ALICE, BOB = {"id": 1, "name": "alice"}, {"id": 2, "name": "bob"}


def review(number: int, state: str = "open", **others: Any) -> Review:
    about = {
        "id": number,
        "env": "production",
        "state": state,
        "how": "set",
        "author": ALICE,
        "reason": "fewer parked orders",
        "created_at": NOW,
        "key_count": 1,
        "keys": [{"namespace": "payments", "key": f"key{number}"}],
        "approvals": {"needed": 1, "given": 0},
        "base_revision": 41,
        "diff_hash": "9f2c",
    }
    return Review.model_validate({**about, **others})


def change_set(env: str, key: str) -> PastChangeSet:
    change = {"namespace": "payments", "key": key, "type": "int", "version": "v", "previous_version": None}
    about = {"env": env, "revision": 42, "change_set": "c", "how": "set", "by": BOB, "note": "", "at": NOW}
    return PastChangeSet.model_validate({**about, "changes": [change]})


def known(*found: Review) -> Reviews:
    reviews = Reviews()
    reviews.take(found)
    return reviews


def test_what_waits_comes_first_and_in_each_part_the_newest() -> None:
    reviews = known(review(1), review(2, "applied"), review(3, "stale"), review(4, "rejected"), review(5, "approved"))
    assert reviews.listed("all", "", None) == [5, 3, 1, 4, 2]
    assert reviews.listed("open", "", None) == [5, 3, 1]
    assert reviews.waiting == 3


def test_mine_are_those_that_i_proposed_whatever_became_of_them() -> None:
    reviews = known(review(1), review(2, author=BOB), review(3, "applied"))
    assert reviews.listed("mine", "", 1) == [1, 3]
    assert reviews.listed("mine", "", None) == []


def test_every_word_of_a_filter_has_to_be_there_and_none_that_is_denied() -> None:
    reviews = known(review(1), review(2, reason="cheaper", ticket="OPS-7"), review(3, author=BOB))
    assert reviews.listed("all", "parked ALICE", None) == [1]
    assert reviews.listed("all", "ops-7", None) == [2]
    assert reviews.listed("all", "payments/key3", None) == [3]
    assert reviews.listed("all", "!alice", None) == [3]


def test_a_change_concerns_reviews_that_wait_in_its_environment_and_touch_its_keys() -> None:
    reviews = known(review(1), review(2, "applied"))
    assert reviews.concerns(change_set("production", "key1"))
    assert not reviews.concerns(change_set("production", "key2"))
    assert not reviews.concerns(change_set("staging", "key1"))
    assert known(review(1, key_count=30)).concerns(change_set("production", "another"))


def test_what_was_fetched_is_current_until_something_happens() -> None:
    reviews = known(review(1))
    reviews.put(review(1))
    assert reviews.is_current(1)
    reviews.take([review(1)])
    assert reviews.is_current(1)
    reviews.take([review(1, "approved")])
    assert not reviews.is_current(1)
    reviews.put(review(1, "approved"))
    reviews.expire()
    assert not reviews.is_current(1)
    assert reviews.is_behind


def test_the_hubs_word_is_the_reason_and_nobody_approves_twice() -> None:
    may = {"approve": {"allowed": False, "why": "review 1 is your own"}, "apply": {"allowed": True}}
    assert why_not_decided(review(1, may=may), "approve", 1) == "review 1 is your own"
    assert why_not_decided(review(1, may=may), "apply", 1) is None
    approved = {"kind": "approve", "by": BOB, "at": NOW, "text": "", "counts": True}
    assert why_not_decided(review(1, decisions=[approved]), "approve", 2) == "you have approved it already"
    lapsed = {**approved, "counts": False}
    assert why_not_decided(review(1, decisions=[lapsed]), "approve", 2) is None
