"""A hub's URL, mapped to both of its sides."""

import pytest

from setpoint.addresses import parse_address, split_urls
from setpoint.errors import HubUnreachable


@pytest.mark.parametrize(
    ("url", "websocket", "path"),
    [
        ("http://127.0.0.1:8430", "ws://127.0.0.1:8430/v1/ws", "/v1/snapshot"),
        ("ws://hub:8430/", "ws://hub:8430/v1/ws", "/v1/snapshot"),
        ("https://hub.example", "wss://hub.example:443/v1/ws", "/v1/snapshot"),
        ("wss://hub.example/config/eu/", "wss://hub.example:443/config/eu/v1/ws", "/config/eu/v1/snapshot"),
        ("http://hub/a%20b c/é", "ws://hub:80/a%20b%20c/%C3%A9/v1/ws", "/a%20b%20c/%C3%A9/v1/snapshot"),
        ("HTTP://Hub", "ws://hub:80/v1/ws", "/v1/snapshot"),
        ("http://[::1]:8430", "ws://[::1]:8430/v1/ws", "/v1/snapshot"),
    ],
)
def test_both_sides_of_a_hub_are_found(url: str, websocket: str, path: str) -> None:
    address = parse_address(url)
    assert (address.websocket_url, address.snapshot_path) == (websocket, path)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "hub:8430",
        "127.0.0.1",
        "ftp://hub",
        "http://",
        "http://hub:port",
        "http://hub:99999",
        "http://[::1",
        "http://hub?x=1",
        "http://hub#x",
    ],
)
def test_what_is_no_hubs_url_is_refused(url: str) -> None:
    with pytest.raises(HubUnreachable):
        parse_address(url)


def test_a_password_in_a_url_is_refused_and_not_repeated() -> None:
    with pytest.raises(HubUnreachable) as caught:
        parse_address("http://user:hunter2@hub")
    assert "hunter2" not in str(caught.value)


@pytest.mark.parametrize(
    ("url", "loopback"),
    [
        ("http://127.0.0.2", True),
        ("http://localhost:1", True),
        ("http://[::1]", True),
        ("http://10.0.0.1", False),
        ("http://hub", False),
    ],
)
def test_a_hub_on_this_machine_is_known(url: str, loopback: bool) -> None:
    assert parse_address(url).is_loopback is loopback


def test_a_list_of_urls_is_split() -> None:
    assert split_urls(" http://a , http://b,, ") == ("http://a", "http://b")
