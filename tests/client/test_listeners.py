"""Listeners are called on a thread of their own, and harm nobody."""

import logging
import threading
from collections.abc import Iterator

import pytest

from setpoint.changes import Change
from setpoint.listeners import Dispatcher
from setpoint.mismatches import Mismatch
from support.waiting import eventually_blocking


def change(key: str, old: object, new: object, *, namespace: str = "payments", revision: int = 1) -> Change:
    return Change(namespace, key, "changed", old, new, revision)


@pytest.fixture
def dispatcher() -> Iterator[Dispatcher]:
    dispatcher = Dispatcher()
    dispatcher.start()
    yield dispatcher
    dispatcher.stop(5.0)


def test_a_listener_hears_of_the_keys_of_its_namespace_that_match(dispatcher: Dispatcher) -> None:
    heard: list[str] = []
    dispatcher.add(lambda change: heard.append(change.key), "payments", "max_*", present=(), replay=False)
    changes = [change("max_rps", 1, 2), change("min_rps", 1, 2), change("max_rps", 1, 2, namespace="global")]
    dispatcher.publish([*changes, change("max_age", 1, 2)], first=False)
    dispatcher.stop(5.0)
    assert heard == ["max_rps", "max_age"]


def test_first_data_and_what_is_present_go_only_to_those_who_ask_for_a_replay(dispatcher: Dispatcher) -> None:
    heard: list[str] = []
    present = [change("here", None, 1)]
    dispatcher.add(lambda change: heard.append(f"replay {change.key}"), "payments", "*", present=present, replay=True)
    dispatcher.add(lambda change: heard.append(f"plain {change.key}"), "payments", "*", present=present, replay=False)
    dispatcher.publish([change("first", None, 1)], first=True)
    dispatcher.publish([change("second", 1, 2)], first=False)
    dispatcher.stop(5.0)
    assert sorted(heard) == ["plain second", "replay first", "replay here", "replay second"]


def test_a_failing_listener_is_logged_and_counted_and_the_others_go_on(
    dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture
) -> None:
    heard: list[str] = []

    def fail(_: Change) -> None:
        raise RuntimeError("broken")

    def leave(_: Change) -> None:
        raise SystemExit(1)

    dispatcher.add(fail, "payments", "*", present=(), replay=False)
    dispatcher.add(leave, "payments", "*", present=(), replay=False)
    dispatcher.add(lambda change: heard.append(change.key), "payments", "*", present=(), replay=False)
    dispatcher.publish([change("k", 1, 2)], first=False)
    eventually_blocking(lambda: heard == ["k"])
    assert dispatcher.errors == 2
    assert "payments/k" in caplog.text


def test_what_a_slow_listener_has_not_heard_of_is_merged(dispatcher: Dispatcher) -> None:
    entered, go_on = threading.Event(), threading.Event()
    heard: list[tuple[str, object, object]] = []

    def slow(change: Change) -> None:
        entered.set()
        assert go_on.wait(10)
        heard.append((change.key, change.old, change.new))

    dispatcher.add(slow, "payments", "*", present=(), replay=False)
    dispatcher.publish([change("k", 0, 1)], first=False)
    assert entered.wait(10)
    for value in range(1, 5):
        dispatcher.publish(
            [change("k", value, value + 1), change("there_and_back", value % 2, 1 - value % 2)], first=False
        )
    go_on.set()
    dispatcher.stop(5.0)
    assert heard == [("k", 0, 1), ("k", 1, 5)]


def test_a_stop_does_not_wait_for_a_listener_that_hangs(dispatcher: Dispatcher) -> None:
    entered, go_on = threading.Event(), threading.Event()

    def hang(_: Change) -> None:
        entered.set()
        go_on.wait(30)

    dispatcher.add(hang, "payments", "*", present=(), replay=False)
    dispatcher.publish([change("k", 0, 1)], first=False)
    assert entered.wait(10)
    dispatcher.stop(0.01)
    go_on.set()


def test_a_mismatch_is_logged_without_the_value(dispatcher: Dispatcher, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level(logging.WARNING, "setpoint"):
        dispatcher.note(Mismatch("payments", "max_rps", "int", "string"))
        dispatcher.stop(5.0)
    assert "payments/max_rps is of type string but was read as int" in caplog.text
