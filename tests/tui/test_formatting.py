"""Values, times and receipts read well."""

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from setpoint_tui.answers import BehindInstance, Change, Receipt
from setpoint_tui.formatting import (
    behind_sentence,
    counted,
    format_age,
    format_change,
    format_countdown,
    format_duration,
    format_milliseconds,
    format_span,
    format_value,
    receipt_sentence,
)


def receipt(**changed: Any) -> Receipt:
    members: dict[str, Any] = {
        "env": "staging",
        "revision": 43,
        "complete": True,
        "instances": 12,
        "current": 12,
        "behind": 0,
        "refused": 0,
        "silent": 0,
        "polling": 0,
        "applied_ms": {"p50": 8.6, "p95": 12.0, "max": 14.2},
        **changed,
    }
    return Receipt.model_validate(members)


@pytest.mark.parametrize(
    ("value_type", "value", "shown"),
    [
        ("int", -5, "-5"),
        ("float", 0.25, "0.25"),
        ("bool", True, "true"),
        ("json", {"rps": 50}, '{"rps":50}'),
        ("json", None, "null"),
        ("string", "linear", "linear"),
        ("string", "", '""'),
        ("string", " x ", '" x "'),
        ("string", "(none)", '"(none)"'),
        ("string", "\x1b[31m", r"\x1b[31m"),
        ("json", {"a": "\x9b"}, r'{"a":"\x9b"}'),
    ],
)
def test_a_value_is_shown_on_one_safe_line(value_type: str, value: Any, shown: str) -> None:
    assert format_value(value_type, value) == shown


def test_a_value_that_is_null_differs_from_no_value() -> None:
    change = Change(namespace="a", key="b", type="json", old=None, version="v2", previous_version="v1")
    first = Change(namespace="a", key="b", type="json", new=1, version="v1", previous_version=None)

    assert format_change(change, "json") == ("null", "null")
    assert format_change(first, "json") == ("(none)", "1")


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-3, "0s"), (0.4, "0s"), (59.9, "59s"), (60, "1m"), (3_600, "1h"), (86_399, "23h"), (9 * 86_400, "9d")],
)
def test_durations_are_shown_in_their_largest_unit(seconds: float, shown: str) -> None:
    assert format_duration(seconds) == shown


def test_an_age_is_the_time_between() -> None:
    now = datetime(2026, 2, 3, tzinfo=UTC)
    assert format_age(now - timedelta(minutes=2), now) == "2m"


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(0.04, "0.0 ms"), (0.83, "0.8 ms"), (0.96, "1 ms"), (14.2, "14 ms"), (1_432, "1.4 s")]
)
def test_milliseconds_are_exact_enough_to_compare(milliseconds: float, shown: str) -> None:
    assert format_milliseconds(milliseconds) == shown


def test_counts_take_the_plural() -> None:
    assert (counted(1, "instance"), counted(0, "instance"), counted(1200, "instance")) == (
        "1 instance",
        "0 instances",
        "1,200 instances",
    )


@pytest.mark.parametrize(
    ("changed", "said"),
    [
        ({}, "12 of 12 instances run it, 9 ms median, 14 ms slowest"),
        ({"instances": 1, "current": 1}, "1 of 1 instance runs it, after 14 ms"),
        ({"instances": 0, "current": 0}, "no live instance watches it"),
        ({"current": 11, "complete": False}, "11 of 12 instances run it, 9 ms median, 14 ms slowest"),
        ({"current": 0, "complete": False, "applied_ms": None}, "0 of 12 instances run it"),
        ({"applied_ms": {"p50": None, "p95": None, "max": None}}, "12 of 12 instances run it"),
    ],
)
def test_a_receipt_says_how_many_run_it_and_how_soon(changed: dict[str, Any], said: str) -> None:
    assert receipt_sentence(receipt(**changed)) == said


@pytest.mark.parametrize(
    ("state", "error", "said"),
    [
        ("behind", None, "a-1 (a) is still at r42"),
        ("silent", None, "a-1 (a) has gone silent, last at r42"),
        ("refused", "too \x1b big", r"a-1 (a) refused it and stays at r42: too \x1b big"),
        ("refused", None, "a-1 (a) refused it and stays at r42"),
    ],
)
def test_an_instance_that_is_behind_is_named_with_its_reason(state: str, error: str | None, said: str) -> None:
    instance = BehindInstance(client_id="a-1", service="a", state=state, revision=42, error=error)
    assert behind_sentence(instance) == said


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(0, "0s"), (1, "1s"), (90, "1m 30s"), (600.0, "10m"), (5_400, "1h 30m"), (90_061, "1d 1h 1m 1s"), (-3, "0s")],
)
def test_a_span_that_somebody_gave_is_told_to_the_second(seconds: float, shown: str) -> None:
    assert format_span(seconds) == shown


@pytest.mark.parametrize(
    ("seconds", "shown"),
    [(-1, "00:00"), (59.9, "00:59"), (3_599, "59:59"), (3_600, "1h 00m"), (86_399, "23h 59m"), (93_600, "1d 2h")],
)
def test_a_time_that_is_left_is_told_so_that_one_can_watch_it(seconds: float, shown: str) -> None:
    assert format_countdown(seconds) == shown
