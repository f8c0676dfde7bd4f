"""A namespace as an object: made anew with each change, or the change is refused."""

import logging
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pytest
from pydantic import BaseModel, Field

from setpoint import ConfigClient, InvalidValue
from setpoint.testing import LocalConfig


class Limits(BaseModel):
    rps: int = Field(default=10, gt=0)
    burst: int = 20


class Strict(BaseModel):
    rps: int


@dataclass(frozen=True)
class Sizes:
    small: int = 1
    large: float = 2.0


@pytest.fixture
def local() -> LocalConfig:
    return ConfigClient.for_testing({"payments": {"rps": 50, "small": 5}})


def test_a_pydantic_model_follows_its_namespace(local: LocalConfig) -> None:
    limits = local.bind(Limits, "payments")
    assert (limits.current.rps, limits.current.burst) == (50, 20)
    local.publish(payments={"rps": 60, "burst": 1})
    assert (limits.current.rps, limits.current.burst) == (60, 1)
    local.remove("payments", "rps", "burst")
    assert limits.current == Limits()


def test_a_dataclass_is_validated_too(local: LocalConfig) -> None:
    sizes = local.bind(Sizes, "payments")
    assert sizes.current == Sizes(small=5)
    assert not local.publish(payments={"large": "huge"})
    assert sizes.current == Sizes(small=5)


def test_a_function_is_given_the_namespace(local: LocalConfig) -> None:
    def total(values: Mapping[str, Any]) -> int:
        return sum(values.values())

    bound = local.bind(total, "payments")
    assert bound.current == 55
    local.publish(payments={"rps": 1})
    assert bound.current == 6
    assert repr(bound).endswith("total of namespace payments>")


def test_a_change_that_does_not_fit_is_refused_whole(local: LocalConfig, caplog: pytest.LogCaptureFixture) -> None:
    limits = local.bind(Limits, "payments")
    setting = local.setting("payments", "small", 0)
    with caplog.at_level(logging.DEBUG, "setpoint"):
        assert not local.publish(payments={"rps": -12345, "small": 6})
    assert limits.current.rps == 50
    assert (setting.value, local.get_int("payments", "small")) == (5, 5)
    status = local.status()
    assert status.refusals == 1
    assert status.last_error is not None
    assert status.last_error.startswith("bind: InvalidValue: payments does not fit Limits: rps: ")
    assert "12345" not in status.last_error + caplog.text
    assert local.publish(payments={"rps": 51})
    assert limits.current.rps == 51


def test_another_namespaces_change_keeps_the_object(local: LocalConfig) -> None:
    before = local.bind(Limits, "payments")
    held = before.current
    local.publish(elsewhere={"k": 1})
    assert before.current is held


def test_without_data_its_fields_need_defaults_or_it_needs_one() -> None:
    local = ConfigClient("checkout-api", "production", ["payments"])
    assert local.bind(Limits, "payments").current == Limits()
    with pytest.raises(InvalidValue, match="payments does not fit Strict: rps: Field required"):
        local.bind(Strict, "payments")
    assert local.bind(Strict, "payments", default=Strict(rps=1)).current.rps == 1


def test_it_moves_from_its_default_to_the_first_data_that_fit() -> None:
    local = ConfigClient.for_testing({"payments": {"other": 1}})
    bound = local.bind(Strict, "payments", default=Strict(rps=1))
    assert bound.current.rps == 1
    local.publish(payments={"rps": 2})
    assert bound.current.rps == 2


def test_it_cannot_be_assigned(local: LocalConfig) -> None:
    bound = local.bind(Limits, "payments")
    with pytest.raises(AttributeError, match="override"):
        bound.current = Limits()


def test_a_model_that_a_function_cannot_make_of_an_unjudged_content_stays(local: LocalConfig) -> None:
    def picky(values: Mapping[str, Any]) -> int:
        return int(values["rps"])

    bound = local.bind(picky, "payments")
    local.fail("new")
    assert bound.current == 50
    assert local.publish(payments={"rps": 7})
    assert bound.current == 7
