"""A read with its reason."""

import pytest

from setpoint import ConfigClient, Detail, State


def test_a_value_that_a_hub_has_is_static() -> None:
    local = ConfigClient.for_testing({"a": {"k": 5}})
    assert local.detail("a", "k", 1) == Detail(5, "STATIC", None, 2)
    assert local.detail("a", "k").value == 5


@pytest.mark.parametrize("state", ["stale", "denied", "closed"])
def test_a_value_that_no_hub_confirms_is_stale(state: State) -> None:
    local = ConfigClient.for_testing({"a": {"k": 5}})
    local.fail(state)
    assert local.detail("a", "k", 1) == Detail(5, "STALE", None, 2)


def test_what_is_missing_or_of_another_type_is_the_default_and_says_so() -> None:
    local = ConfigClient.for_testing({"a": {"k": 5}})
    assert local.detail("a", "absent", "d") == Detail("d", "ERROR", "FLAG_NOT_FOUND", 2)
    assert local.detail("a", "k", True) == Detail(True, "ERROR", "TYPE_MISMATCH", 2)
    assert local.status().mismatches == 1


def test_before_there_is_data_it_is_not_ready() -> None:
    config = ConfigClient("checkout-api", "production", ["a"])
    assert config.detail("a", "k", 1) == Detail(1, "ERROR", "PROVIDER_NOT_READY", 0)


def test_a_value_from_the_bootstrap_is_cached_until_a_hub_answers() -> None:
    config = ConfigClient("checkout-api", "production", ["a"], bootstrap={"a": {"k": 5}}, url=[], snapshot_dir=None)
    with config:
        assert config.detail("a", "k", 1).reason in ("CACHED", "STALE")
        assert config.detail("a", "k", 1).value == 5
