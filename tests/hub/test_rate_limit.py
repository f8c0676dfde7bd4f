"""The rate limit of one connection, on a clock of the test's own."""

from collections import Counter

from hypothesis import given
from hypothesis import strategies as st

from setpoint_hub.rate_limit import RateLimit, Verdict


def test_twice_the_rate_at_once_is_taken_then_as_many_refused_then_it_ends() -> None:
    limit = RateLimit(100, now=0)
    assert Counter(limit.take(0) for _ in range(400)) == {Verdict.TAKEN: 200, Verdict.REFUSED: 200}
    assert limit.take(0) is Verdict.ENDED


def test_who_slows_down_is_served_again() -> None:
    limit = RateLimit(100, now=0)
    assert [limit.take(0) for _ in range(210)][-1] is Verdict.REFUSED
    assert limit.take(0.05) is Verdict.REFUSED
    assert limit.take(1) is Verdict.TAKEN


def test_who_keeps_to_the_rate_is_always_served() -> None:
    limit = RateLimit(100, now=0)
    assert {limit.take(number / 100) for number in range(10_000)} == {Verdict.TAKEN}


@given(st.lists(st.floats(min_value=0, max_value=1), min_size=1, max_size=300))
def test_never_more_is_taken_than_the_rate_and_the_burst_allow(pauses: list[float]) -> None:
    limit, now, taken = RateLimit(10, now=0), 0.0, 0
    for pause in pauses:
        now += pause
        taken += limit.take(now) is Verdict.TAKEN
        assert taken <= 20 + 10 * now + 1e-6
