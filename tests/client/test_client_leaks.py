"""A thousand lives and a thousand connections leave nothing behind."""

import gc
import logging
import threading
import tracemalloc
from dataclasses import replace
from pathlib import Path

import pytest

import setpoint.client
from client.conftest import MakeClient
from client.scripted_hub import ScriptedHub
from setpoint import ConfigClient
from setpoint.backoff import BackoffSettings
from support.waiting import eventually_blocking

MOST_BYTES = 200_000
"""Of a thousand rounds: 200 bytes each would be a leak of a few small objects in every round."""


def threads() -> int:
    return sum(thread.name.startswith("setpoint-") for thread in threading.enumerate())


def descriptors() -> int:
    gc.collect()
    return sum(1 for _ in Path("/dev/fd").iterdir())


def test_a_thousand_starts_and_closes_leave_nothing(hub: ScriptedHub) -> None:
    def live() -> None:
        with ConfigClient("checkout-api", "production", ["payments"], url=hub.url, token=hub.token) as config:
            assert config.get_int("payments", "max_retries") == 3

    def rounds(count: int) -> None:
        for _ in range(count):
            live()
        eventually_blocking(lambda: hub.watching == 0)
        hub.watches.clear()
        hub.heartbeats.clear()
        hub.polls.clear()
        eventually_blocking(lambda: threads() == 0)

    rounds(20)
    before = descriptors()
    tracemalloc.start()
    try:
        rounds(10)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        rounds(100)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - held
    finally:
        tracemalloc.stop()
    rounds(870)
    assert threads() == 0
    assert descriptors() <= before + 2
    assert grown < MOST_BYTES / 10


def test_a_thousand_reconnects_leave_nothing(
    hub: ScriptedHub, make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    # What pytest keeps of the log would look like a leak.
    caplog.set_level(logging.CRITICAL, "setpoint")
    quick = replace(setpoint.client.TIMING, backoff=BackoffSettings(first=0.0, longest=0.0, stable=0.0))
    monkeypatch.setattr(setpoint.client, "TIMING", quick)
    config = make_client(poll_interval=60)
    config.start()
    eventually_blocking(lambda: hub.watching == 1)

    def rounds(count: int) -> None:
        for _ in range(count):
            hub.watches.clear()
            hub.cut()
            eventually_blocking(lambda: hub.watches and hub.watching == 1)
        hub.heartbeats.clear()

    rounds(20)
    before, started = descriptors(), threads()
    tracemalloc.start()
    try:
        rounds(20)
        gc.collect()
        held = tracemalloc.get_traced_memory()[0]
        rounds(100)
        gc.collect()
        grown = tracemalloc.get_traced_memory()[0] - held
    finally:
        tracemalloc.stop()
    rounds(860)
    eventually_blocking(lambda: config.status().state == "live")
    assert config.status().reconnects >= 1000
    assert threads() == started
    assert descriptors() <= before + 2
    assert grown < MOST_BYTES / 10
