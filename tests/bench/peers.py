"""One integer, read through each library as its documentation says, with all it needs in memory."""

import importlib
import logging
import tempfile
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

from setpoint import ConfigClient

VALUES = {"payments": {"max_retries": 3, **{f"other-{number}": number for number in range(100)}}}


@dataclass
class Reading:
    """A way to read: the expression, and the names that it uses."""

    name: str
    expression: str
    names: dict[str, Any]


class Plain:
    """An object with an attribute."""

    def __init__(self) -> None:
        self.max_retries = 3


def yardsticks() -> Iterator[Reading]:
    """Give what no library can be faster than."""
    yield Reading("plain dict", 'd["max_retries"]', {"d": dict(VALUES["payments"])})
    yield Reading("plain attribute", "o.max_retries", {"o": Plain()})


def ours() -> Iterator[Reading]:
    """Give each of our ways to read."""
    from pydantic import BaseModel  # noqa: PLC0415 beside its use

    class Limits(BaseModel):
        max_retries: int = 1

    config = ConfigClient.for_testing(VALUES)
    setting, bound = config.setting("payments", "max_retries", default=1, ge=0), config.bind(Limits, "payments")
    yield Reading("Setpoint setting.value", "s.value", {"s": setting})
    yield Reading("Setpoint bind(...).current", "b.current.max_retries", {"b": bound})
    yield Reading("Setpoint get_int", 'c.get_int("payments", "max_retries", 1)', {"c": config})
    yield Reading("Setpoint get", 'c.get("payments", "max_retries", 1)', {"c": config})
    yield Reading("Setpoint get_int, key missing", 'c.get_int("payments", "absent", 1)', {"c": config})
    yield Reading("Setpoint detail", 'c.detail("payments", "max_retries", 1)', {"c": config})


def theirs() -> Iterator[Reading | str]:
    """Give each peer's way to read; the name of one that is not installed."""
    for name, make in PEERS.items():
        try:
            yield make()
        except ImportError:
            yield name


def launchdarkly() -> Reading:
    """LaunchDarkly's server SDK on its own test data."""
    ldclient, test_data = load("ldclient"), load("ldclient.integrations.test_data")
    source = test_data.TestData.data_source()
    source.update(source.flag("max-retries").variations(3).variation_for_all(0))
    settings = load("ldclient.config").Config("key", update_processor_class=source, send_events=False)
    client = ldclient.LDClient(settings, start_wait=5)
    names = {"c": client, "user": ldclient.Context.create("user")}
    return Reading("LaunchDarkly variation", 'c.variation("max-retries", user, 1)', names)


def unleash() -> Reading:
    """Unleash's client, bootstrapped: a flag, since it has no other values than those of variants."""
    library, cache = load("UnleashClient"), load("UnleashClient.cache")
    feature = {"name": "flag", "enabled": True, "strategies": [{"name": "default", "parameters": {}}]}
    kept = cache.FileCache("bench", directory=tempfile.mkdtemp())
    kept.bootstrap_from_dict({"version": 2, "features": [feature]})
    client = library.UnleashClient(
        "http://127.0.0.1:9/", "bench", cache=kept, disable_metrics=True, disable_registration=True
    )
    client.initialize_client(fetch_toggles=False)
    assert client.is_enabled("flag")
    return Reading("Unleash is_enabled", 'c.is_enabled("flag")', {"c": client})


def openfeature() -> Reading:
    """OpenFeature's SDK over its own provider in memory."""
    api, memory = load("openfeature.api"), load("openfeature.provider.in_memory_provider")
    api.set_provider_and_wait(
        memory.InMemoryProvider({"k": memory.InMemoryFlag("three", {"three": 3})}), domain="memory"
    )
    return Reading("OpenFeature in memory", 'c.get_integer_value("k", 1)', {"c": api.get_client("memory")})


def openfeature_over_ours() -> Reading:
    """OpenFeature's SDK over our provider."""
    api, provider = load("openfeature.api"), load("setpoint.openfeature")
    api.set_provider_and_wait(provider.SetpointProvider(ConfigClient.for_testing(VALUES)), domain="ours")
    names = {"c": api.get_client("ours")}
    return Reading("OpenFeature over Setpoint", 'c.get_integer_value("payments/max_retries", 1)', names)


def dynaconf() -> Reading:
    """Dynaconf's settings object."""
    settings = load("dynaconf").Dynaconf(settings_files=[])
    settings.set("max_retries", 3)
    return Reading("dynaconf", "s.max_retries", {"s": settings})


def load(name: str) -> Any:
    """Import a module that may not be installed."""
    return importlib.import_module(name)


PEERS: dict[str, Callable[[], Reading]] = {
    "dynaconf": dynaconf,
    "OpenFeature over Setpoint": openfeature_over_ours,
    "OpenFeature in memory": openfeature,
    "LaunchDarkly variation": launchdarkly,
    "Unleash is_enabled": unleash,
}

MODULES = {"Setpoint": "setpoint", "LaunchDarkly": "ldclient", "Unleash": "UnleashClient", "dynaconf": "dynaconf",
           "OpenFeature": "openfeature.api"}  # fmt: skip


def quiet() -> None:
    """Keep the peers' logs out of the tables."""
    logging.disable(logging.CRITICAL)
