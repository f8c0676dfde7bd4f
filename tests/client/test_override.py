"""An override shows other values to every read while its block runs, and to no hub."""

import sys
import threading

import pytest
from pydantic import BaseModel

from setpoint import Change, ConfigClient, InvalidValue
from setpoint.testing import LocalConfig


class Limits(BaseModel):
    max_retries: int = 1


@pytest.fixture
def local() -> LocalConfig:
    return ConfigClient.for_testing({"payments": {"max_retries": 3, "ratio": 0.5, "doc": {"a": 1}}})


def test_every_way_to_read_shows_it_and_then_no_more(local: LocalConfig) -> None:
    setting = local.setting("payments", "max_retries", 1)
    bound = local.bind(Limits, "payments")
    view = local.namespace("payments")
    before = local.snapshot()

    def reads() -> set[int]:
        return {
            local.get_int("payments", "max_retries"),
            local.get("payments", "max_retries"),
            local.require_int("payments", "max_retries"),
            local.detail("payments", "max_retries", 1).value,
            local.snapshot().get_int("payments", "max_retries"),
            view["max_retries"],
            setting.value,
            bound.current.max_retries,
        }

    with local.override("payments", max_retries=0):
        assert reads() == {0}
        assert before.get_int("payments", "max_retries") == 3
    assert reads() == {3}


def test_the_innermost_wins(local: LocalConfig) -> None:
    with local.override("payments", max_retries=1, ratio=1.5):
        with local.override("payments", {"max_retries": 2}):
            assert (local.get("payments", "max_retries"), local.get("payments", "ratio")) == (2, 1.5)
        assert local.get("payments", "max_retries") == 1


def test_it_ends_with_an_exception(local: LocalConfig) -> None:
    with pytest.raises(RuntimeError, match="out"), local.override("payments", max_retries=0):
        raise RuntimeError("out")
    assert local.get("payments", "max_retries") == 3


def test_those_that_end_out_of_order_take_only_themselves_away(local: LocalConfig) -> None:
    first, second = local.override("payments", max_retries=1), local.override("payments", ratio=2.5)
    first.__enter__()
    second.__enter__()
    first.__exit__(None, None, None)
    assert (local.get("payments", "max_retries"), local.get("payments", "ratio")) == (3, 2.5)
    second.__exit__(None, None, None)
    assert local.get("payments", "ratio") == 0.5


def test_other_threads_see_it(local: LocalConfig) -> None:
    seen: list[int] = []
    with local.override("payments", max_retries=0):
        thread = threading.Thread(target=lambda: seen.append(local.get("payments", "max_retries")))
        thread.start()
        thread.join()
    assert seen == [0]


def test_a_change_that_comes_meanwhile_is_shown_afterwards(local: LocalConfig) -> None:
    setting = local.setting("payments", "max_retries", 1)
    bound = local.bind(Limits, "payments")
    with local.override("payments", max_retries=0):
        local.publish(payments={"max_retries": 8, "ratio": 0.75})
        assert (setting.value, bound.current.max_retries, local.get("payments", "ratio")) == (0, 0, 0.75)
    assert (setting.value, bound.current.max_retries, local.get("payments", "max_retries")) == (8, 8, 8)


def test_it_is_no_change_of_what_is_held(local: LocalConfig) -> None:
    heard: list[Change] = []
    local.on_change("payments")(heard.append)
    with local.override("payments", max_retries=0):
        assert local.status().revision == local._store.content.held.revision == 2
        assert local._store.content.values["payments"]["max_retries"] == 3
    local._dispatcher.drain()
    assert heard == []


def test_before_a_start_it_is_no_data() -> None:
    config = ConfigClient("checkout-api", "production", ["payments"])
    with config.override("payments", max_retries=0):
        assert config.get_int("payments", "max_retries", 3) == 0
        assert not config.wait_ready(0)
    assert config.get_int("payments", "max_retries", 3) == 3


def test_it_keeps_the_type_of_float_and_json_keys(local: LocalConfig) -> None:
    with local.override("payments", ratio=1, doc=[1]):
        assert type(local.get("payments", "ratio")) is float
        assert local.get_json("payments", "doc") == [1]


def test_what_cannot_be_shown_changes_nothing(local: LocalConfig) -> None:
    bound = local.bind(Limits, "payments")
    for bad in ("text", object()):
        with pytest.raises(InvalidValue, match="payments"), local.override("payments", max_retries=bad):
            pytest.fail("the block must not run")
    assert (bound.current.max_retries, local.get("payments", "max_retries")) == (3, 3)


def test_a_value_out_of_bounds_never_becomes_the_last_good_one(local: LocalConfig) -> None:
    setting = local.setting("payments", "max_retries", default=1, ge=0)
    with local.override("payments", max_retries=9):
        local.publish(payments={"max_retries": -1})
        assert setting.value == 9
    assert setting.value == 3


def test_no_thread_sees_keys_of_two_revisions() -> None:
    class Pair(BaseModel):
        x: int = 0
        y: int = 0

    local = ConfigClient.for_testing({"a": {"x": 0, "y": 0}})
    bound = local.bind(Pair, "a")
    torn: list[object] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            view, pair = local.snapshot(), bound.current
            if view.get_int("a", "x") != view.get_int("a", "y") or pair.x != pair.y:
                torn.append((view, pair))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=read)
    try:
        reader.start()
        for number in range(1, 500):
            local.publish(a={"x": number, "y": number})
            with local.override("a", x=-number, y=-number):
                pass
    finally:
        done.set()
        reader.join()
        sys.setswitchinterval(interval)
    assert not torn
