"""Close codes and the delay that a reason may name."""

import math

import pytest

from setpoint.protocol.close_codes import retry_delay


@pytest.mark.parametrize(
    ("reason", "seconds"),
    [
        ("the hub is going away; retry_after=5", 5.0),
        ("retry_after=0.25", 0.25),
        ("retry_after=-3", 0.0),
        ("retry_after=soon", 9.0),
        ("retry_after=nan", 0.0),
        ("", 9.0),
    ],
)
def test_a_reason_names_a_delay_or_the_default_holds(reason: str, seconds: float) -> None:
    assert retry_delay(reason, default=9.0) == seconds


def test_an_endless_delay_is_for_the_caller_to_bound() -> None:
    assert retry_delay("retry_after=inf", default=1.0) == math.inf
