"""What a user's type checker sees. Read by mypy and pyright in `make check`, and run by test_typing.py."""

from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any, assert_type

import pytest
from pydantic import BaseModel

from setpoint import Bound, Change, ConfigClient, Detail, NamespaceView, Setting, Snapshot, State, Status
from setpoint.testing import LocalConfig


class Limits(BaseModel):
    """A model of a user."""

    rps: int = 10


@dataclass(frozen=True)
class Sizes:
    """A dataclass of a user."""

    small: int = 1


def total(values: NamespaceView) -> float:
    """Make one number of a namespace."""
    return float(len(values))


def rotated_token() -> str:
    """Give the present token."""
    return "token"


def constructing() -> ConfigClient:
    """Take every way to construct a client."""
    ConfigClient("checkout-api", "production", "payments")
    return ConfigClient(
        "checkout-api", "production", ["payments"], url=["http://a", "http://b"], token=rotated_token, required=True
    )


def reads(config: ConfigClient) -> None:
    """Read by each getter."""
    assert_type(config.get_int("a", "k", 3), int)
    assert_type(config.get_bool("a", "k"), bool)
    assert_type(config.get_float("a", "k", 0.5), float)
    assert_type(config.get_str("a", "k", "x"), str)
    assert_type(config.get_json("a", "k"), Any)
    assert_type(config.get("a", "k"), Any)
    assert_type(config.namespace("a"), NamespaceView)
    assert_type(config.namespace("a").get_int("k"), int)
    assert_type(config.snapshot(), Snapshot)
    assert_type(config.snapshot().revision, int)


def details(config: ConfigClient) -> None:
    """Read with reasons."""
    assert_type(config.detail("a", "k", True), Detail[bool])
    assert_type(config.detail("a", "k", 3).value, int)
    assert_type(config.detail("a", "k", 0.5).value, float)
    assert_type(config.detail("a", "k", "x").value, str)
    assert_type(config.detail("a", "k").value, Any)


def settings(config: ConfigClient) -> None:
    """Declare by each type of default."""
    assert_type(config.setting("a", "k", default=True), Setting[bool])
    assert_type(config.setting("a", "k", default=3, ge=0, le=10, choices=(1, 3)).value, int)
    assert_type(config.setting("a", "k", default=0.5, gt=0, lt=1.5).value, float)
    assert_type(config.setting("a", "k", default="x", choices={"x", "y"}).value, str)
    assert_type(config.setting("a", "k", {"a": 1}).value, Any)


def models(config: ConfigClient) -> None:
    """Bind each kind of model."""
    assert_type(config.bind(Limits, "a"), Bound[Limits])
    assert_type(config.bind(Limits, "a").current.rps, int)
    assert_type(config.bind(Sizes, "a", default=Sizes()).current, Sizes)
    assert_type(config.bind(total, "a").current, float)


def listening(config: ConfigClient) -> None:
    """Decorate by each decorator: a function stays what it is."""

    @config.on_change("a", "max_*", replay=True)
    def changed(change: Change) -> int:
        return change.revision

    @config.validator
    def sane(snapshot: Snapshot) -> None:
        assert_type(snapshot.get_int("a", "k"), int)

    @config.on_state
    def told(state: State) -> None:
        assert_type(state == "live", bool)

    assert_type(changed(Change("a", "k", "added", None, 1, 1)), int)
    assert_type(config.changes("a"), AsyncIterator[Change])
    assert_type(config.status(), Status)
    sane(config.snapshot())
    told("live")


@pytest.mark.setpoint(a={"k": 1})
def testing() -> None:
    """Do what a user's test does."""
    local = ConfigClient.for_testing({"a": {"k": 1}})
    assert_type(local, LocalConfig)
    assert_type(local.publish(a={"k": 2}), bool)
    local.fail("stale")
    with local.override("a", k=3), local as opened:
        assert_type(opened, LocalConfig)


def everything() -> None:
    """Run all of it."""
    config = constructing()
    for each in (reads, details, settings, models):
        each(config)
    testing()
