"""A declared setting is an attribute that follows its key, and takes only values that keep its type and bounds."""

import gc
import logging
import sys
import threading
from typing import Any

import pytest

from setpoint import ConfigClient
from setpoint.testing import LocalConfig


@pytest.fixture
def local() -> LocalConfig:
    return ConfigClient.for_testing({"payments": {"max_retries": 3}})


def test_it_has_the_default_until_there_is_a_value_and_again_without_one() -> None:
    local = ConfigClient.for_testing()
    setting = local.setting("payments", "max_retries", default=1)
    assert setting.value == 1
    local.publish(payments={"max_retries": 5})
    assert setting.value == 5
    local.remove("payments", "max_retries")
    assert setting.value == 1


def test_declared_after_the_start_it_has_the_present_value(local: LocalConfig) -> None:
    assert local.setting("payments", "max_retries", 1).value == 3


def test_declared_before_the_start_it_has_the_default() -> None:
    assert ConfigClient("checkout-api", "production", ["payments"]).setting("payments", "max_retries", 7).value == 7


@pytest.mark.parametrize(
    ("default", "good", "bad"),
    [(1, 2, True), (1, 2, "2"), (1, 2, 2.0), (True, False, 0), (1.0, 2.5, "x"), ("a", "b", 1), ({"a": 1}, {"b": 2}, 5)],
)
def test_a_value_of_another_type_leaves_the_last_good_one(default: Any, good: Any, bad: Any) -> None:
    local = ConfigClient.for_testing()
    setting = local.setting("a", "k", default)
    local.publish(a={"k": good})
    local.remove("a", "k")
    assert setting.value == default
    local.publish(a={"k": bad})
    assert setting.value == default
    local.remove("a", "k")
    local.publish(a={"k": good})
    assert (type(setting.value) is type(good) or isinstance(good, dict), setting.value) == (True, good)
    assert local.status().mismatches == 1


def test_a_float_takes_an_int_and_gives_a_float() -> None:
    local = ConfigClient.for_testing({"a": {"k": 2}})
    assert type(local.setting("a", "k", 0.5).value) is float


@pytest.mark.parametrize(
    ("bounds", "bad"),
    [({"ge": 0}, -1), ({"le": 9}, 10), ({"gt": 0}, 0), ({"lt": 9}, 9), ({"choices": (1, 3, 5)}, 4)],
)
def test_a_value_outside_the_bounds_leaves_the_last_good_one_and_is_logged_once(
    local: LocalConfig, caplog: pytest.LogCaptureFixture, bounds: dict[str, Any], bad: int
) -> None:
    setting = local.setting("payments", "max_retries", default=1, **bounds)
    with caplog.at_level(logging.WARNING, "setpoint"):
        local.publish(payments={"max_retries": bad})
        local.publish(payments={"other": 1})
    assert setting.value == 3
    assert local.status().mismatches == 1
    assert [record.getMessage().partition(" ")[0] for record in caplog.records] == ["payments/max_retries"]
    assert local.publish(payments={"max_retries": 5})
    assert setting.value == 5


def test_without_a_good_value_the_default_stays(local: LocalConfig) -> None:
    assert local.setting("payments", "max_retries", default=10, ge=5).value == 10


def test_a_default_outside_the_bounds_is_a_mistake(local: LocalConfig) -> None:
    with pytest.raises(ValueError, match="does not keep ge=5"):
        local.setting("payments", "max_retries", default=1, ge=5)


def test_the_default_none_takes_any_value() -> None:
    local = ConfigClient.for_testing({"a": {"k": "text"}})
    setting = local.setting("a", "k", None)
    assert setting.value == "text"
    local.publish(a={"k": [1]})
    assert setting.value == [1]


def test_it_cannot_be_assigned(local: LocalConfig) -> None:
    setting = local.setting("payments", "max_retries", 1)
    with pytest.raises(AttributeError, match="override"):
        setting.value = 5
    assert setting.value == 3
    assert repr(setting) == "<setting payments/max_retries>"


def test_one_that_nobody_holds_is_forgotten(local: LocalConfig) -> None:
    for _ in range(100):
        local.setting("payments", "max_retries", 1)
    gc.collect()
    assert len(local._settings) == 0


def test_a_listener_sees_the_setting_of_its_change(local: LocalConfig) -> None:
    setting = local.setting("payments", "max_retries", 1)
    seen: list[int] = []
    local.on_change("payments")(lambda _: seen.append(setting.value))
    local.publish(payments={"max_retries": 8})
    assert seen == [8]


def test_no_thread_sees_settings_of_two_revisions() -> None:
    local = ConfigClient.for_testing({"a": {"x": 0, "y": 0}})
    settings = [local.setting("a", key, default=0) for key in ("x", "y")]
    one, other = settings
    local.bind(dict, "a")
    torn: list[tuple[int, int]] = []
    done = threading.Event()

    def read() -> None:
        # A later read may be newer, never older: so the one that is assigned first is read last.
        while not done.is_set():
            second, first, shown = other.value, one.value, local.get_int("a", "x")
            if not second <= first <= shown:
                torn.append((first, second))

    interval = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    reader = threading.Thread(target=read)
    try:
        reader.start()
        for number in range(1, 2000):
            local.publish(a={"x": number, "y": number})
    finally:
        done.set()
        reader.join()
        sys.setswitchinterval(interval)
    assert not torn
