"""From where somebody speaks: the peer's address, unless a proxy that is trusted says better."""

import ipaddress
from collections.abc import Sequence

import pytest

from setpoint.protocol.chain import Origin
from setpoint_hub.errors import StartRefused
from setpoint_hub.origin import LONGEST_TOOL, origin_of
from setpoint_hub.settings import read_settings

PROXIES = (ipaddress.ip_network("10.0.0.0/8"), ipaddress.ip_network("fd00::/8"))


@pytest.mark.parametrize(
    ("peer", "forwarded", "address"),
    [
        ("203.0.113.9", [], "203.0.113.9"),
        ("203.0.113.9", ["198.51.100.1"], "203.0.113.9"),
        ("10.0.0.1", [], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("fd00::1", ["2001:db8::1"], "2001:db8::1"),
        ("::ffff:10.0.0.1", ["198.51.100.1"], "198.51.100.1"),
        ("10.0.0.1", ["198.51.100.1, 203.0.113.9"], "203.0.113.9"),
        ("10.0.0.1", ["198.51.100.1", "203.0.113.9, 10.0.0.2"], "203.0.113.9"),
        ("10.0.0.1", ["10.0.0.3, 10.0.0.2"], "10.0.0.3"),
        ("10.0.0.1", ["203.0.113.9, somebody"], "10.0.0.1"),
        ("10.0.0.1", ["198.51.100.1, <script>, 10.0.0.2"], "10.0.0.2"),
        ("10.0.0.1", [""], "10.0.0.1"),
        ("fe80::1%eth0", [], "fe80::1"),
        ("", ["198.51.100.1"], ""),
    ],
)
def test_what_a_stranger_forwards_is_not_believed(peer: str, forwarded: Sequence[str], address: str) -> None:
    assert origin_of(peer, user_agent="curl/8", forwarded=forwarded, trusted=PROXIES) == Origin(address, "curl/8")


@pytest.mark.parametrize("forwarded", [[], ["198.51.100.1"]])
def test_without_trusted_proxies_the_peer_it_is(forwarded: list[str]) -> None:
    assert origin_of("10.0.0.1", user_agent=None, forwarded=forwarded) == Origin("10.0.0.1", "")


def test_a_tools_name_is_one_line_of_bounded_length() -> None:
    assert origin_of("", user_agent=" a\x1b[2Jb\nc\u202ed\ud800 ", forwarded=[]).tool == "a [2Jb c d"
    assert len(origin_of("", user_agent="x" * 9000, forwarded=[]).tool) == LONGEST_TOOL


def test_trusted_proxies_are_addresses_or_networks_with_commas_between(monkeypatch: pytest.MonkeyPatch) -> None:
    given = {"database_url": "postgresql://x", "redis_url": "redis://x"}
    monkeypatch.setenv("SETPOINT_TRUSTED_PROXIES", "10.0.0.1, fd00::/8,")
    assert [str(network) for network in read_settings(**given).trusted_proxies] == ["10.0.0.1/32", "fd00::/8"]
    monkeypatch.setenv("SETPOINT_TRUSTED_PROXIES", "the proxy")
    with pytest.raises(StartRefused, match="SETPOINT_TRUSTED_PROXIES is not usable"):
        read_settings(**given)
