"""A hub to talk to, and clients that hurry."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from typing import Any

import pytest

import setpoint.client
from client.scripted_hub import ScriptedHub
from setpoint import ConfigClient
from setpoint.backoff import BackoffSettings
from setpoint.settings import Timing

MakeClient = Callable[..., ConfigClient]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Shorten what a test would wait for, and keep the tester's own environment out."""
    backoff = BackoffSettings(first=0.05, longest=0.2, denied=(0.2, 0.4))
    timing = replace(
        Timing(), open=1.0, watch=1.0, close=0.3, poll=1.0, first_poll=0.3, disk_spacing=0.02, backoff=backoff
    )
    monkeypatch.setattr(setpoint.client, "TIMING", timing)
    for name in ("SETPOINT_URL", "SETPOINT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture
def hub() -> Iterator[ScriptedHub]:
    """A hub with one value."""
    with ScriptedHub() as hub:
        hub.put(max_retries=3)
        yield hub


@pytest.fixture
def make_client(hub: ScriptedHub) -> Iterator[MakeClient]:
    """Makes clients of the hub that are closed after the test."""
    with ExitStack() as stack:

        def make(**more: Any) -> ConfigClient:
            options = {"url": hub.url, "token": hub.token, "start_timeout": 10.0, "poll_interval": 0.1, **more}
            client = ConfigClient("checkout-api", "production", ["payments", "global"], **options)
            stack.callback(client.close)
            return client

        yield make
