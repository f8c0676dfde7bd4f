"""The address of a hub, as a person writes it and as the link needs it: the client's own, in words for people."""

from dataclasses import dataclass

from setpoint.addresses import Address
from setpoint.addresses import parse_address as parse
from setpoint.errors import HubUnreachable
from setpoint_tui.errors import InvalidSettings

__all__ = ["HubAddress", "parse_address"]


@dataclass(frozen=True, slots=True)
class HubAddress(Address):
    """Where a hub listens."""

    @property
    def url(self) -> str:
        """The address as people write it: without the port that the scheme implies."""
        usual = self.port == (443 if self.secure else 80)
        place = str(self).rpartition(":")[0] if usual else str(self)
        return f"{'https' if self.secure else 'http'}://{place}{self.prefix}"

    def is_same_hub(self, other: "HubAddress") -> bool:
        """Whether both name the same hub; on this machine `localhost`, 127.0.0.1 and ::1 are one."""
        if (self.port, self.secure, self.prefix) != (other.port, other.secure, other.prefix):
            return False
        return self.host == other.host or (self.is_loopback and other.is_loopback)


def parse_address(url: str) -> HubAddress:
    """Read a URL of the form http, https, ws or wss. Raises InvalidSettings with what to write instead."""
    # The URL is not repeated: it may hold a password.
    if not all("!" <= character <= "~" for character in url):
        raise InvalidSettings("the hub's URL holds a character that an address may not hold: write http://HOST:PORT")
    try:
        found = parse(url)
    except HubUnreachable as error:
        raise InvalidSettings(f"{error}: write http://HOST:PORT, and put the token in SETPOINT_TOKEN") from error
    return HubAddress(found.secure, found.host, found.port, found.prefix.removesuffix("/v1/ws"))
