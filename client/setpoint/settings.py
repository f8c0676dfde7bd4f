"""What a client is told, resolved once when it starts: arguments, environment variables, defaults."""

import os
import secrets
import socket
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field

from setpoint.addresses import Address, parse_address, split_urls
from setpoint.backoff import BackoffSettings
from setpoint.errors import HubUnreachable
from setpoint.protocol.names import CLIENT_ID_LENGTH

__all__ = [
    "DEFAULT_URL",
    "Identity",
    "Settings",
    "Timing",
    "Token",
    "default_client_id",
    "instance_id",
    "resolve_addresses",
    "resolve_token",
]

DEFAULT_URL = "http://127.0.0.1:8430"

Token = str | Callable[[], str] | None
"""A token, or a function that gives the present one, or none."""


@dataclass(frozen=True, slots=True)
class Timing:
    """The seconds that bound each step of talking to a hub."""

    open: float = 5.0
    """TCP, TLS and the upgrade, as long as a hub gives them."""
    watch: float = 10.0
    """From asking to watch to the answer; a large snapshot on a slow line must fit."""
    send: float = 10.0
    """One heartbeat into a socket that the hub may have stopped reading."""
    ping_interval: float = 15.0
    ping_timeout: float = 10.0
    close: float = 1.0
    poll: float = 10.0
    """One whole poll, name look-up included."""
    token: float = 5.0
    """One call of the function that gives the token."""
    first_poll: float = 1.0
    """How long push may take at the start before the first poll is sent beside it."""
    disk: float = 1.0
    """Reading the snapshot on disk, at the start; a disk that takes longer is done without."""
    disk_spacing: float = 1.0
    """Between two writes of the snapshot at least."""
    healthy: float = 60.0
    """A process that ran a revision for so long proves it good: see `boots`."""
    backoff: BackoffSettings = field(default_factory=BackoffSettings)


@dataclass(frozen=True, slots=True)
class Identity:
    """Who the client is and what it watches."""

    client_id: str
    service: str
    env: str
    namespaces: tuple[str, ...]
    labels: Mapping[str, str] = field(default_factory=dict[str, str])
    """What the owner says of the instance, such as its region; shown in the fleet."""


@dataclass(frozen=True, slots=True)
class Settings:
    """All that a feed needs to know."""

    identity: Identity
    addresses: tuple[Address, ...]
    token: Token
    poll_interval: float
    timing: Timing


def resolve_addresses(url: str | Iterable[str] | None) -> tuple[tuple[Address, ...], str | None]:
    """Return the hubs' addresses, and what is wrong with a URL that is left out.

    A text may hold several URLs, separated by commas. Without any, SETPOINT_URL is taken, then the default.
    """
    if url is None:
        url = os.environ.get("SETPOINT_URL", "").strip() or DEFAULT_URL
    urls = split_urls(url) if isinstance(url, str) else tuple(url)
    addresses: list[Address] = []
    problem = None if urls else "no hub's URL is given"
    for each in urls:
        try:
            addresses.append(parse_address(each))
        except HubUnreachable as error:
            problem = str(error)
    return tuple(addresses), problem


def resolve_token(token: Token) -> Token:
    """Return the token given, or the one in SETPOINT_TOKEN."""
    return token if token is not None else os.environ.get("SETPOINT_TOKEN")


def instance_id(given: str | None, service: str, *, forked: bool) -> str:
    """Return the client id of this process: in a forked one never the parent's, which goes on using it."""
    if given is None or not forked:
        return given or default_client_id(service)
    process = f"-{os.getpid()}"
    return f"{given[: CLIENT_ID_LENGTH - len(process)]}{process}"


def default_client_id(service: str) -> str:
    """Return an id that no other process has: service, host, process and a few random digits."""
    process = f"{os.getpid()}-{secrets.token_hex(3)}"
    room = (CLIENT_ID_LENGTH - len(process) - 2) // 2
    host = socket.gethostname()
    named = f"{service[:room]}-{host[:room]}-{process}"
    return "".join(letter if letter.isprintable() else "_" for letter in named)
