"""The public surface: what is named, what it takes, and what it pulls in."""

import inspect
import subprocess
import sys
import tomllib
from pathlib import Path

import setpoint
from setpoint import ConfigClient


def test_the_package_offers_exactly_this() -> None:
    assert setpoint.__all__ == [
        "Bound",
        "Change",
        "ConfigClient",
        "Detail",
        "InvalidValue",
        "KeyNotFound",
        "NamespaceView",
        "NotReady",
        "SetpointError",
        "Setting",
        "Snapshot",
        "State",
        "Status",
        "WrongType",
        "__version__",
    ]
    assert all(hasattr(setpoint, name) for name in setpoint.__all__)


def test_the_client_offers_exactly_this() -> None:
    getters = {f"{how}_{kind}" for how in ("get", "require") for kind in ("int", "bool", "float", "str", "json")}
    life = {"start", "astart", "wait_ready", "wait_revision", "close", "aclose", "after_fork", "status"}
    public = {name for name in dir(ConfigClient) if not name.startswith("_")}
    reads = {"get", "namespace", "namespaces", "snapshot", "detail", "setting", "bind"}
    assert public == getters | life | reads | {
        "on_change",
        "on_state",
        "changes",
        "validator",
        "override",
        "for_testing",
    }


def test_the_constructor_takes_exactly_this() -> None:
    parameters = inspect.signature(ConfigClient).parameters.values()
    assert {parameter.name: parameter.default for parameter in parameters} == {
        "service_name": inspect.Parameter.empty,
        "env": inspect.Parameter.empty,
        "namespaces": inspect.Parameter.empty,
        "url": None,
        "token": None,
        "client_id": None,
        "labels": None,
        "snapshot_dir": "auto",
        "bootstrap": None,
        "poll_interval": 10.0,
        "stale_after": 60.0,
        "start_timeout": 5.0,
        "required": False,
    }
    assert [parameter.name for parameter in parameters if parameter.kind is not parameter.KEYWORD_ONLY] == [
        "service_name",
        "env",
        "namespaces",
    ]


def test_the_version_is_the_distributions() -> None:
    project = tomllib.loads((Path(__file__).parents[2] / "pyproject.toml").read_text())
    assert setpoint.__version__ == project["project"]["version"]


def test_importing_it_brings_only_what_a_service_is_told_to_install() -> None:
    script = "import setpoint, sys; print(*sorted({name.partition('.')[0] for name in sys.modules}))"
    found = subprocess.run([sys.executable, "-I", "-c", script], check=True, capture_output=True, text=True)
    before = subprocess.run(
        [sys.executable, "-I", "-c", script.replace("setpoint, ", "")], check=True, capture_output=True, text=True
    )
    third_party = {
        name
        for name in set(found.stdout.split()) - set(before.stdout.split()) - sys.stdlib_module_names
        if not name.startswith("_")
    }
    # pydantic, the other thing that is installed, comes with the first model that is bound.
    assert third_party == {"setpoint", "websockets"}
