"""Which hub to talk to and with which token: what the operator set, else what runs on this machine."""

import json
import os
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from setpoint_tui.address import HubAddress, parse_address
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.settings import DEFAULT_URL, OperatorSettings

__all__ = ["Connection", "RunningHub", "checked_token", "find_connection", "read_token_file", "running_hubs"]

_EVERY_INTERFACE = {"0.0.0.0": "127.0.0.1", "::": "::1"}  # noqa: S104 - what a record may say, not what we bind


@dataclass(frozen=True, slots=True)
class Connection:
    """A hub and what to show it.

    `token_place` says where the token came from or, without one, where it was looked for.
    """

    address: HubAddress
    token: str | None = field(repr=False)
    token_place: str


@dataclass(frozen=True, slots=True)
class RunningHub:
    """The record of a `setpoint up` that runs on this machine."""

    address: HubAddress
    token_file: Path
    pid: int


def find_connection(settings: OperatorSettings) -> Connection:
    """Decide on hub and token.

    A token that was found on this machine is never paired with an address that is not this machine.
    Raises InvalidSettings when an address or a token that was named cannot be used, or when several hubs
    run here and none was named.
    """
    running = running_hubs(settings.running_folder)
    address = parse_address(settings.url) if settings.url else _local_address(running)
    if settings.token is not None:
        return Connection(address, checked_token(settings.token, "SETPOINT_TOKEN"), "SETPOINT_TOKEN")
    if settings.token_file is not None:
        return Connection(address, read_token_file(settings.token_file), str(settings.token_file))
    return _with_local_token(settings, address, running)


def running_hubs(folder: Path) -> list[RunningHub]:
    """Return the hubs of `setpoint up` that are alive here, by file name; a broken record is no hub."""
    try:
        records = sorted(folder.glob("*.json"))
    except OSError:
        return []
    return [hub for record in records if (hub := _read_record(record)) is not None and _is_alive(hub.pid)]


def read_token_file(path: Path) -> str:
    """Return the token of a file that was named. Raises InvalidSettings when it cannot be read or holds none."""
    try:
        return checked_token(path.read_text(encoding="utf-8").strip(), str(path))
    except (OSError, UnicodeDecodeError) as error:
        reason = error.strerror if isinstance(error, OSError) else "it is not text"
        raise InvalidSettings(f"the token file {path} cannot be read: {reason}") from error


def checked_token(token: str, place: str) -> str:
    """Return a token that can travel in an HTTP header. Raises InvalidSettings; the token is not repeated in it."""
    # A line break in it would write another header.
    if not token or not all("!" <= character <= "~" for character in token):
        raise InvalidSettings(f"{place} holds no token: one line of printable characters is expected")
    return token


def _local_address(running: Sequence[RunningHub]) -> HubAddress:
    default = parse_address(DEFAULT_URL)
    if not running or any(hub.address.is_same_hub(default) for hub in running):
        return default
    if len(running) == 1:
        return running[0].address
    urls = ", ".join(hub.address.url for hub in running)
    raise InvalidSettings(f"several hubs run on this machine ({urls}): say which one in SETPOINT_URL")


def _with_local_token(settings: OperatorSettings, address: HubAddress, running: Sequence[RunningHub]) -> Connection:
    if not address.is_loopback:
        return Connection(address, None, "SETPOINT_TOKEN and SETPOINT_TOKEN_FILE")
    candidates = [hub.token_file for hub in running if hub.address.is_same_hub(address)]
    # Another port of this machine may be a tunnel to a hub far away: the default data folder's token is for
    # the default port alone.
    if not candidates and address.is_same_hub(parse_address(DEFAULT_URL)):
        candidates = [settings.default_token_file]
    for path in candidates:
        token = _read_token(path)
        if token:
            return Connection(address, token, str(path))
    places = ["SETPOINT_TOKEN", "SETPOINT_TOKEN_FILE", *(str(path) for path in candidates)]
    return Connection(address, None, f"{', '.join(places[:-1])} and {places[-1]}")


def _read_token(path: Path) -> str | None:
    try:
        return checked_token(path.read_text(encoding="utf-8").strip(), str(path))
    except (OSError, UnicodeDecodeError, InvalidSettings):
        return None


def _read_record(path: Path) -> RunningHub | None:
    try:
        found: Any = json.loads(path.read_text(encoding="utf-8"))
        address = parse_address(found["url"])
        token_file, pid = Path(found["token_file"]), int(found["pid"])
    except (OSError, ValueError, KeyError, TypeError, InvalidSettings):
        return None
    host = _EVERY_INTERFACE.get(address.host, address.host)
    return RunningHub(HubAddress(address.secure, host, address.port, address.prefix), token_file, pid)


def _is_alive(pid: int) -> bool:
    if pid <= 0:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
