"""Waiting between attempts."""

import random

import pytest

from setpoint.backoff import Backoff, BackoffSettings
from setpoint.endings import Ended

LOST = Ended("lost", "x")


class Ceiling(random.Random):
    """Always draws the upper bound."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


class Floor(random.Random):
    """Always draws the lower bound."""

    def uniform(self, a: float, b: float) -> float:
        return min(a, b)


@pytest.fixture
def longest() -> Backoff:
    return Backoff(BackoffSettings(), Ceiling())


def test_the_ceiling_doubles_up_to_the_longest(longest: Backoff) -> None:
    assert [longest.delay_after(LOST, lasted=0) for _ in range(8)] == [0.5, 1, 2, 4, 8, 16, 30, 30]


def test_thousands_of_failures_are_no_overflow(longest: Backoff) -> None:
    assert [longest.delay_after(LOST, lasted=0) for _ in range(5000)][-1] == 30


def test_the_jitter_is_full() -> None:
    assert Backoff(BackoffSettings(), Floor()).delay_after(LOST, lasted=0) == 0


def test_only_a_stable_connection_makes_the_next_failure_a_first_one(longest: Backoff) -> None:
    for _ in range(4):
        longest.delay_after(LOST, lasted=0)
    assert longest.delay_after(LOST, lasted=29.9) == 8
    assert longest.delay_after(LOST, lasted=30) == 0.5


def test_a_delay_that_the_hub_names_is_spread_and_bounded(longest: Backoff) -> None:
    assert longest.delay_after(Ended("lost", "x", retry_after=7), lasted=60) == 7
    assert longest.delay_after(Ended("lost", "x", retry_after=1e9), lasted=60) == 300
    assert Backoff(BackoffSettings(), Floor()).delay_after(Ended("lost", "x", retry_after=7), lasted=0) == 0


def test_a_hub_that_names_no_delay_again_and_again_is_not_hammered(longest: Backoff) -> None:
    at_once = Ended("lost", "x", retry_after=0)
    assert [longest.delay_after(at_once, lasted=0) for _ in range(4)] == [0.5, 1, 2, 4]


def test_a_refused_token_is_tried_again_slowly() -> None:
    denied = Ended("denied", "x")
    assert Backoff(BackoffSettings(), Floor()).delay_after(denied, lasted=0) == 30
    assert Backoff(BackoffSettings(), Ceiling()).delay_after(denied, lasted=0) == 60
