"""The address of a hub, as a person writes it and as the link needs it."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import urlsplit

from setpoint_tui.errors import InvalidSettings

__all__ = ["HubAddress", "parse_address"]

_PORTS = {"http": 80, "ws": 80, "https": 443, "wss": 443}


@dataclass(frozen=True, slots=True)
class HubAddress:
    """Where a hub listens; `path` is what a proxy in front of it adds, without a slash at the end."""

    host: str
    port: int
    secure: bool
    path: str = ""

    @property
    def url(self) -> str:
        """The address as people write it."""
        return f"{'https' if self.secure else 'http'}://{self._place}{self.path}"

    @property
    def websocket_url(self) -> str:
        """Where the link connects to."""
        return f"{'wss' if self.secure else 'ws'}://{self._place}{self.path}/v1/ws"

    @property
    def is_loopback(self) -> bool:
        """Whether the address can only be this machine."""
        if self.host == "localhost":
            return True
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return False

    @property
    def _place(self) -> str:
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == _PORTS["https" if self.secure else "http"] else f"{host}:{self.port}"

    def is_same_hub(self, other: "HubAddress") -> bool:
        """Whether both name the same hub; on this machine `localhost`, 127.0.0.1 and ::1 are one."""
        if (self.port, self.secure, self.path) != (other.port, other.secure, other.path):
            return False
        return self.host == other.host or (self.is_loopback and other.is_loopback)


def parse_address(url: str) -> HubAddress:
    """Read a URL of the form http, https, ws or wss. Raises InvalidSettings with what to write instead."""
    shown = url[:120]
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise InvalidSettings(f"{shown!r} is not an address of a hub ({error}): write http://HOST:PORT") from error
    if parts.scheme not in _PORTS or not parts.hostname:
        raise InvalidSettings(f"{shown!r} is not an address of a hub: write http://HOST:PORT or https://HOST")
    if parts.username is not None or parts.password is not None:
        raise InvalidSettings("an address holds no user or password: put the token in SETPOINT_TOKEN")
    if parts.query or parts.fragment:
        raise InvalidSettings(f"{shown!r} holds more than an address: leave out what follows ? and #")
    if not all("!" <= character <= "~" for character in url):
        raise InvalidSettings(f"{shown!r} holds a character that an address may not hold")
    return HubAddress(
        host=parts.hostname,
        port=_PORTS[parts.scheme] if port is None else port,
        secure=parts.scheme in ("https", "wss"),
        path=parts.path.rstrip("/").removesuffix("/v1/ws"),
    )
