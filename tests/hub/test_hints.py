"""Hints over Redis: what they say, and that whoever carries them ends when told to."""

import asyncio
import json
from collections.abc import Callable, Coroutine
from typing import Any

import pytest

from setpoint_hub.errors import StartRefused
from setpoint_hub.hints import Listener, Publisher, hints_of
from support.change_sets import EPOCH, change_set, key_change
from support.waiting import WITHIN

Work = Callable[[], Coroutine[Any, Any, None]]


def test_each_touched_namespace_gets_one_hint_that_names_a_key_only_when_it_is_the_only_one() -> None:
    changes = [key_change("payments/a", 1), key_change("search/a", 2), key_change("payments/b", None)]
    found = {channel: json.loads(message) for channel, message in hints_of(change_set(7, *changes), EPOCH)}
    position = {"env": "staging", "revision": 7, "epoch": EPOCH}
    assert found == {
        "config:changes:payments:staging": {"namespace": "payments", "key": None, **position},
        "config:changes:search:staging": {"namespace": "search", "key": "a", **position},
    }


def test_a_url_that_cannot_be_one_is_refused_at_once() -> None:
    with pytest.raises(StartRefused, match="SETPOINT_REDIS_URL"):
        Publisher("http://localhost")


async def ends_when_cancelled_after(steps: int, work: Work) -> None:
    """Cancel the work after so many steps of the loop; fail unless it ends."""
    task = asyncio.create_task(work())
    for _ in range(steps):
        await asyncio.sleep(0)
    task.cancel()
    _, still_running = await asyncio.wait([task], timeout=WITHIN)
    task.cancel()
    assert not still_running, f"cancelled after {steps} steps of the loop, and went on"


async def test_a_publisher_ends_at_whatever_moment_it_is_cancelled(redis_url: str) -> None:
    for steps in range(150):
        publisher = Publisher(redis_url)
        publisher.publish([("config:changes:nothing:nowhere", "{}")] * 3)
        await ends_when_cancelled_after(steps, publisher.run)


async def test_a_listener_ends_at_whatever_moment_it_is_cancelled(redis_url: str) -> None:
    for steps in range(150):
        listener = Listener(redis_url, on_hint=lambda *_: None, on_subscribed=lambda: None)
        await ends_when_cancelled_after(steps, listener.run)
