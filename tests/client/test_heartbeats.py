"""When heartbeats are due."""

import asyncio
import random
import time

from setpoint.heartbeats import Heartbeats


class Highest(random.Random):
    """Always draws the upper bound."""

    def uniform(self, a: float, b: float) -> float:
        return max(a, b)


async def test_the_first_is_due_at_once_and_the_next_only_after_the_interval() -> None:
    beats = Heartbeats(3600, clock=time.monotonic, random=Highest())
    await asyncio.wait_for(beats.next(), 1)
    waiting = asyncio.create_task(beats.next())
    done, _ = await asyncio.wait([waiting], timeout=0.05)
    assert not done
    waiting.cancel()


async def test_news_make_one_due_within_the_time_granted() -> None:
    beats = Heartbeats(3600, clock=time.monotonic, random=Highest())
    await beats.next()
    waiting = asyncio.create_task(beats.next())
    await asyncio.sleep(0)
    began = time.monotonic()
    beats.hurry(0.05)
    beats.hurry(30)
    await asyncio.wait_for(waiting, 5)
    assert time.monotonic() - began >= 0.04


async def test_news_before_anybody_waits_are_not_lost() -> None:
    beats = Heartbeats(3600, clock=time.monotonic, random=Highest())
    await beats.next()
    beats.hurry(0)
    await asyncio.wait_for(beats.next(), 1)


async def test_an_interval_of_nothing_is_no_storm() -> None:
    beats = Heartbeats(0, clock=time.monotonic, random=Highest())
    await beats.next()
    began = time.monotonic()
    await beats.next()
    assert time.monotonic() - began >= 0.09
