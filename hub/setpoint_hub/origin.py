"""From where a client speaks: its address, and what its tool calls itself. Pure."""

import ipaddress
import re
from collections.abc import Sequence
from typing import Final

from setpoint.protocol.chain import Origin

__all__ = ["FROM_HUB", "LONGEST_TOOL", "Network", "origin_of"]

LONGEST_TOOL: Final = 200
"""Characters of a User-Agent that are kept."""

FROM_HUB: Final = Origin("", "setpoint-hub")
"""What a hub does by itself, such as taking back what has expired."""

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

_UNPRINTED: Final = re.compile(r"[^\x20-\x7e]+")


def origin_of(
    peer: str, *, user_agent: str | None, forwarded: Sequence[str], trusted: Sequence[Network] = ()
) -> Origin:
    """Return the origin of a connection from `peer`.

    `forwarded` are the X-Forwarded-For headers as they came. They are read only when the peer is a trusted proxy, and
    then from the end, where the proxy writes: the first address that is no trusted proxy is the client's.
    """
    return Origin(_client(peer, forwarded, trusted), clean(user_agent or "")[:LONGEST_TOOL])


def clean(text: str) -> str:
    """Return a text that a stranger chose as one line of printable ASCII."""
    return _UNPRINTED.sub(" ", text).strip()


def _client(peer: str, forwarded: Sequence[str], trusted: Sequence[Network]) -> str:
    found = _address(peer)
    if found is None:
        return ""
    hops = [hop for header in forwarded for hop in header.split(",")]
    while hops and _covered(found, trusted):
        before = _address(hops.pop())
        # What is no address was not written by our proxy: the last that was is all that is known.
        if before is None:
            break
        found = before
    return str(found)


def _address(text: str) -> ipaddress.IPv4Address | ipaddress.IPv6Address | None:
    try:
        # A zone says through which of our own interfaces, and may be any text.
        found = ipaddress.ip_address(text.strip().partition("%")[0])
    except ValueError:
        return None
    # A socket for both families gives IPv4 clients as ::ffff:192.0.2.1.
    mapped = found.ipv4_mapped if isinstance(found, ipaddress.IPv6Address) else None
    return mapped or found


def _covered(address: ipaddress.IPv4Address | ipaddress.IPv6Address, networks: Sequence[Network]) -> bool:
    return any(address in network for network in networks)
