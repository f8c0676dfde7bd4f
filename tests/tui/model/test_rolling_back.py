"""Rollbacks: what they would do compared with now, and why they cannot be done."""

from datetime import UTC, datetime
from typing import Any

from setpoint_tui.answers import Change, History, HistoryChange, PastChangeSet, Person
from setpoint_tui.model.diffing import ABSENT
from setpoint_tui.model.keys import Held, KeyId
from setpoint_tui.model.rolling_back import (
    changed_since,
    propose_key,
    propose_set,
    why_not,
)
from setpoint_tui.model.story import Story

KEY = ("payments", "max_retries")
OTHER = ("payments", "timeout")
AT = datetime(2026, 1, 1, tzinfo=UTC)
ALICE = Person(id=1, name="alice")


def change(revision: int, version: str | None, value: object = None) -> HistoryChange:
    return HistoryChange(
        revision=revision, how="set", by=ALICE, note="", at=AT, version=version, previous_version=None, value=value
    )


def story_of(*changes: HistoryChange) -> Story:
    story = Story("staging", KEY)
    story.put_newest(History(env="staging", namespace=KEY[0], key=KEY[1], type="int", changes=changes))
    return story


def held(version: str, value: object, revision: int = 7) -> Held:
    return Held("int", value, version, revision, AT)


def past(*changes: tuple[KeyId, Any, str | None, Any, str | None]) -> PastChangeSet:
    made = tuple(
        Change(namespace=key[0], key=key[1], type="int", old=old, previous_version=before, new=new, version=after)
        for key, old, before, new, after in changes
    )
    return PastChangeSet(env="staging", revision=7, change_set="x", how="set", by=ALICE, note="", at=AT, changes=made)


def test_it_is_based_on_the_version_that_was_seen_to_hold() -> None:
    story = story_of(change(9, "c", 8), change(4, "b", 5), change(2, "a", 3))
    earlier = story.get(2)
    assert earlier is not None
    assert why_not(story, earlier) is None
    proposal = propose_key(story, earlier)
    assert proposal.intent.params == {
        "env": "staging", "namespace": "payments", "key": "max_retries", "version": "a", "expected_version": "c",
    }  # fmt: skip
    assert [(one.old, one.new) for one in proposal.changes] == [(8, 3)]
    assert proposal.based_on == "staging r9"


def test_a_deleted_key_is_restored_from_nothing() -> None:
    story = story_of(change(9, None), change(4, "b", 5))
    earlier = story.get(4)
    assert earlier is not None
    proposal = propose_key(story, earlier)
    assert proposal.intent.params["expected_version"] is None
    assert [(one.old, one.new) for one in proposal.changes] == [(ABSENT, 5)]


def test_what_holds_already_or_took_the_value_away_is_refused_with_the_reason() -> None:
    story = story_of(change(9, "a", 3), change(7, None), change(2, "a", 3))
    assert why_not(story, story.get(9)) == "that version is the one that holds now"
    assert why_not(story, story.get(2)) == "that version is the one that holds now"
    assert "r7 took the value away" in (why_not(story, story.get(7)) or "")
    assert why_not(story, None) is not None


def test_a_change_set_is_put_back_key_by_key_compared_with_now() -> None:
    done = past((KEY, 3, "a", 5, "b"), (OTHER, None, None, 9, "d"))
    now = {KEY: held("b", 5), OTHER: held("d", 9)}
    assert changed_since(done, now.get) == []
    proposal = propose_set(done, 8, now.get)
    assert proposal.intent.params == {"env": "staging", "change_set": 7}
    assert [(one.old, one.new) for one in proposal.changes] == [(5, 3), (9, ABSENT)]
    assert proposal.title == "roll back all of r7: 2 keys"


def test_keys_that_hold_something_else_now_are_named() -> None:
    done = past((KEY, 3, "a", 5, "b"), (OTHER, 1, "c", None, None))
    now = {KEY: held("z", 13), OTHER: held("y", 2)}
    assert [(one.key, one.held) for one in changed_since(done, now.get)] == [(KEY, now[KEY]), (OTHER, now[OTHER])]
    assert [one.key for one in changed_since(done, {OTHER: held("y", 2)}.get)] == [KEY, OTHER]
