"""The store takes updates in, whole or not at all."""

import logging
from typing import Any

import pytest

from client.wire import EPOCH, OTHER_EPOCH, delta, entry, full
from setpoint.changes import Change
from setpoint.content import Content
from setpoint.listeners import Dispatcher
from setpoint.mismatches import Mismatches
from setpoint.protocol.messages import Current
from setpoint.protocol.names import Revision
from setpoint.reads import Snapshot
from setpoint.replica import Gap
from setpoint.store import Store
from setpoint.wakeups import Signal


class Swapped:
    """A store, and what it put in place."""

    def __init__(self) -> None:
        self.contents: list[Content] = []
        self.changes: list[Change] = []
        self.dispatcher = Dispatcher()
        self.store = Store(
            "production",
            swap=self.contents.append,
            signal=Signal(),
            mismatches=Mismatches(self.dispatcher.note),
            dispatcher=self.dispatcher,
        )

    def value(self, key: str = "k") -> Any:
        return self.store.content.values["a"].get(key)


@pytest.fixture
def swapped() -> Swapped:
    return Swapped()


def refuse_large(snapshot: Snapshot) -> None:
    if snapshot.get_int("a", "k") > 100:
        raise ValueError("k is too large\x00\ud800")


def test_an_update_is_swapped_in_whole(swapped: Swapped) -> None:
    assert swapped.store.apply(full(1, {"a": {"k": entry(1)}}), "push") == "applied"
    assert swapped.store.apply(delta(1, 2, {"a": {"k": entry(2), "l": entry(3)}}), "poll") == "applied"
    assert [content.held.revision for content in swapped.contents] == [1, 2]
    assert (swapped.value("k"), swapped.value("l"), swapped.store.source) == (2, 3, "poll")


def test_what_is_held_already_changes_nothing(swapped: Swapped) -> None:
    first = full(3, {"a": {"k": entry(1)}})
    swapped.store.apply(first, "push")
    for update in (first, delta(1, 2, {"a": {"k": None}}), full(2, {}), Current("production", EPOCH, Revision(3))):
        assert swapped.store.apply(update, "poll") == "unchanged"
    assert len(swapped.contents) == 1
    assert swapped.store.source == "push"


def test_a_gap_changes_nothing(swapped: Swapped) -> None:
    swapped.store.apply(full(1, {"a": {"k": entry(1)}}), "push")
    with pytest.raises(Gap):
        swapped.store.apply(delta(5, 6, {"a": {"k": None}}), "push")
    assert swapped.value() == 1


def test_another_history_replaces_what_is_held(swapped: Swapped) -> None:
    swapped.store.apply(full(9, {"a": {"k": entry(1)}}), "push")
    swapped.store.apply(full(2, {"a": {"k": entry(2)}}, epoch=OTHER_EPOCH), "poll")
    assert (swapped.value(), swapped.store.content.held.revision) == (2, 2)


def test_a_refused_change_is_refused_whole_and_the_next_one_is_judged_with_it(swapped: Swapped) -> None:
    store = swapped.store
    store.apply(full(1, {"a": {"k": entry(1), "l": entry(1)}}), "push")
    store.validators.append(refuse_large)
    assert store.apply(delta(1, 2, {"a": {"k": entry(500), "l": entry(2)}}), "push") == "refused"
    assert (swapped.value("k"), swapped.value("l"), store.content.held.revision) == (1, 1, 1)
    assert store.refusal == "refuse_large: ValueError: k is too large?"
    assert store.apply(delta(2, 3, {"a": {"l": entry(3)}}), "push") == "refused"
    assert store.refusals == 2
    assert store.apply(delta(3, 4, {"a": {"k": entry(50)}}), "push") == "applied"
    assert (swapped.value("k"), swapped.value("l"), store.source) == (50, 3, "push")
    assert not store.refusal


def test_a_refused_change_is_asked_for_again_when_push_resumes(swapped: Swapped) -> None:
    store = swapped.store
    store.apply(full(1, {"a": {"k": entry(1)}}), "push")
    store.validators.append(refuse_large)
    again = delta(1, 2, {"a": {"k": entry(500)}})
    store.apply(again, "push")
    assert store.apply(again, "push") == "unchanged"
    assert store.resume().revision == 1
    assert store.apply(again, "push") == "refused"


def test_first_data_can_be_refused(swapped: Swapped) -> None:
    swapped.store.validators.append(refuse_large)
    assert swapped.store.apply(full(1, {"a": {"k": entry(500)}}), "push") == "refused"
    assert swapped.contents == []
    assert swapped.store.resume().epoch is None


def test_a_revision_that_touches_nothing_is_not_judged(swapped: Swapped) -> None:
    swapped.store.apply(full(1, {"a": {"k": entry(500)}}), "push")
    swapped.store.validators.append(refuse_large)
    assert swapped.store.apply(Current("production", EPOCH, Revision(4)), "push") == "applied"
    assert swapped.store.content.held.revision == 4


def test_the_log_of_a_refusal_holds_no_text_of_the_error(swapped: Swapped, caplog: pytest.LogCaptureFixture) -> None:
    swapped.store.validators.append(refuse_large)
    with caplog.at_level(logging.DEBUG, "setpoint"):
        swapped.store.apply(full(1, {"a": {"k": entry(500)}}), "push")
    assert "refuse_large raised ValueError" in caplog.text
    assert "too large" not in caplog.text


def test_listeners_hear_of_changes_but_not_of_first_data(swapped: Swapped) -> None:
    swapped.dispatcher.add(swapped.changes.append, "a", "*", present=(), replay=False)
    swapped.store.apply(full(1, {"a": {"k": entry(1)}}), "push")
    swapped.store.apply(delta(1, 2, {"a": {"k": entry(2)}}), "push")
    swapped.dispatcher.start()
    swapped.dispatcher.stop(5.0)
    assert [(change.old, change.new) for change in swapped.changes] == [(1, 2)]
