"""Where a hub is: one URL, mapped to its WebSocket and to its HTTP side."""

import ipaddress
from dataclasses import dataclass
from urllib.parse import quote, urlsplit

from setpoint.errors import HubUnreachable

__all__ = ["Address", "parse_address", "split_urls"]

_SECURE = {"http": False, "ws": False, "https": True, "wss": True}


@dataclass(frozen=True, slots=True)
class Address:
    """A hub. `prefix` is the path before `/v1`, without a slash at its end; `host` is without brackets."""

    secure: bool
    host: str
    port: int
    prefix: str = ""

    @property
    def websocket_url(self) -> str:
        """The URL of the WebSocket."""
        return f"{'wss' if self.secure else 'ws'}://{self}{self.prefix}/v1/ws"

    @property
    def snapshot_path(self) -> str:
        """The path of the snapshot, without its query."""
        return f"{self.prefix}/v1/snapshot"

    @property
    def is_loopback(self) -> bool:
        """Whether the hub is on this machine, so that no proxy leads to it."""
        try:
            return ipaddress.ip_address(self.host).is_loopback
        except ValueError:
            return self.host == "localhost" or self.host.endswith(".localhost")

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def split_urls(urls: str) -> tuple[str, ...]:
    """Return the URLs of a list that is separated by commas."""
    return tuple(url.strip() for url in urls.split(",") if url.strip())


def parse_address(url: str) -> Address:
    """Read a hub's URL; http, https, ws and wss are all taken. Raises HubUnreachable saying what is wrong with it."""
    try:
        parts = urlsplit(url)
        port = parts.port
    except ValueError as error:
        raise HubUnreachable(f"the hub's URL is not one: {error}") from error
    if parts.scheme not in _SECURE or not parts.hostname:
        raise HubUnreachable("the hub's URL does not read http(s)://HOST[:PORT][/PREFIX]")
    if parts.username is not None or parts.query or parts.fragment:
        # Not repeated here, since it may hold a password.
        raise HubUnreachable("the hub's URL holds more than scheme, host, port and path; a token is passed as token=")
    secure = _SECURE[parts.scheme]
    if port is None:
        port = 443 if secure else 80
    # What is escaped already stays as it is.
    return Address(secure, parts.hostname, port, quote(parts.path.rstrip("/"), safe="/%:@!$&'()*+,;=~"))
