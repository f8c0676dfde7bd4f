"""Which hub and which token are meant."""

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from setpoint_tui.address import HubAddress, parse_address
from setpoint_tui.connection import Connection, find_connection, running_hubs
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.settings import read_settings


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path


def found(home: Path, **environ: str) -> Connection:
    return find_connection(read_settings({"HOME": str(home), **environ}))


def record(home: Path, url: str, content: str = "local-token", *, pid: int | None = None) -> Path:
    """Write what a `setpoint up` leaves while it runs."""
    port = url.rpartition(":")[2]
    token_file = home / f"{port}.token"
    token_file.write_text(content + "\n")
    folder = home / ".local/state/setpoint/running"
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{port}.json"
    path.write_text(json.dumps({"url": url, "token_file": str(token_file), "pid": pid or os.getpid()}))
    return path


def dead_pid() -> int:
    ended = subprocess.Popen([sys.executable, "-c", ""])
    ended.wait()
    return ended.pid


@pytest.mark.parametrize(
    ("url", "websocket_url", "shown"),
    [
        ("http://127.0.0.1:8430", "ws://127.0.0.1:8430/v1/ws", "http://127.0.0.1:8430"),
        ("https://hub.example", "wss://hub.example:443/v1/ws", "https://hub.example"),
        ("ws://hub.example", "ws://hub.example:80/v1/ws", "http://hub.example"),
        (
            "wss://hub.example:8443/setpoint/",
            "wss://hub.example:8443/setpoint/v1/ws",
            "https://hub.example:8443/setpoint",
        ),
        ("ws://hub.example/v1/ws", "ws://hub.example:80/v1/ws", "http://hub.example"),
        ("http://[::1]:8430", "ws://[::1]:8430/v1/ws", "http://[::1]:8430"),
    ],
)
def test_an_address_is_read_in_every_scheme(url: str, websocket_url: str, shown: str) -> None:
    address = parse_address(url)
    assert (address.websocket_url, address.url) == (websocket_url, shown)


@pytest.mark.parametrize(
    "url",
    [
        "",
        "127.0.0.1:8430",
        "ftp://hub",
        "http://",
        "http://hub:port",
        "http://a:b@hub",
        "http://hub?x=1",
        "http://hub/\nx",
    ],
)
def test_what_is_no_address_is_refused(url: str) -> None:
    with pytest.raises(InvalidSettings):
        parse_address(url)


@pytest.mark.parametrize(
    ("host", "loopback"),
    [
        ("127.0.0.1", True),
        ("127.1.2.3", True),
        ("::1", True),
        ("localhost", True),
        ("10.0.0.1", False),
        ("localhost.example", False),
    ],
)
def test_only_this_machine_is_loopback(host: str, loopback: bool) -> None:
    assert HubAddress(False, host, 8430).is_loopback is loopback


def test_the_default_hub_and_its_token_file(home: Path) -> None:
    data = home / ".local/share/setpoint"
    data.mkdir(parents=True)
    (data / "admin.token").write_text("first\n")

    connection = found(home)

    assert (connection.address.url, connection.token) == ("http://127.0.0.1:8430", "first")


def test_xdg_folders_are_respected_and_relative_ones_ignored(home: Path) -> None:
    data = home / "elsewhere/setpoint"
    data.mkdir(parents=True)
    (data / "admin.token").write_text("there")

    assert found(home, XDG_DATA_HOME=str(home / "elsewhere")).token == "there"
    assert found(home, XDG_DATA_HOME="elsewhere").token is None


def test_the_environment_comes_first(home: Path) -> None:
    record(home, "http://127.0.0.1:9001")
    (home / "t").write_text("from-file")

    named = found(home, SETPOINT_URL="http://127.0.0.1:9001", SETPOINT_TOKEN="named", SETPOINT_TOKEN_FILE="/none")
    by_file = found(home, SETPOINT_TOKEN_FILE=str(home / "t"))

    assert (named.token, named.token_place) == ("named", "SETPOINT_TOKEN")
    assert (by_file.token, by_file.token_place) == ("from-file", str(home / "t"))


def test_the_only_hub_that_runs_here_is_meant(home: Path) -> None:
    record(home, "http://127.0.0.1:9001")

    connection = found(home)

    assert (connection.address.port, connection.token) == (9001, "local-token")


def test_of_several_the_default_port_is_meant(home: Path) -> None:
    record(home, "http://127.0.0.1:9001", "other")
    record(home, "http://127.0.0.1:8430", "default")

    connection = found(home)

    assert (connection.address.port, connection.token) == (8430, "default")


def test_of_several_on_other_ports_none_is_guessed(home: Path) -> None:
    record(home, "http://127.0.0.1:9001")
    record(home, "http://127.0.0.1:9002")

    with pytest.raises(InvalidSettings, match=r"9001.*9002.*SETPOINT_URL"):
        found(home)


def test_a_record_of_a_process_that_is_gone_is_ignored(home: Path) -> None:
    record(home, "http://127.0.0.1:9001", pid=dead_pid())

    assert found(home).address.port == 8430


@pytest.mark.parametrize("content", ["", "[]", "null", '{"url":"x","token_file":"y","pid":1}', '{"url":1}', "\x00"])
def test_a_broken_record_is_ignored(home: Path, content: str) -> None:
    record(home, "http://127.0.0.1:9001").write_text(content)

    assert running_hubs(home / ".local/state/setpoint/running") == []


def test_names_of_this_machine_are_one(home: Path) -> None:
    record(home, "http://127.0.0.1:9001")

    assert found(home, SETPOINT_URL="http://localhost:9001").token == "local-token"


def test_a_hub_on_every_interface_is_reached_by_loopback(home: Path) -> None:
    record(home, "http://0.0.0.0:9001")

    assert found(home).address.host == "127.0.0.1"


def test_a_token_found_here_never_goes_to_another_machine(home: Path) -> None:
    record(home, "http://127.0.0.1:8430")
    data = home / ".local/share/setpoint"
    data.mkdir(parents=True)
    (data / "admin.token").write_text("secret")

    for url in (
        "http://hub.example:8430",
        "https://hub.example",
        "http://10.0.0.1:8430",
        "http://127.0.0.1.example:8430",
    ):
        assert found(home, SETPOINT_URL=url).token is None


def test_a_tunnel_on_another_port_does_not_get_the_default_token(home: Path) -> None:
    data = home / ".local/share/setpoint"
    data.mkdir(parents=True)
    (data / "admin.token").write_text("secret")

    assert found(home, SETPOINT_URL="http://127.0.0.1:9001").token is None


def test_without_a_token_the_places_that_were_looked_at_are_known(home: Path) -> None:
    place = found(home).token_place

    assert "SETPOINT_TOKEN" in place
    assert str(home / ".local/share/setpoint/admin.token") in place


@pytest.mark.parametrize("token", ["two words", "a\nb", "é"])
def test_a_token_that_would_break_a_header_is_refused(home: Path, token: str) -> None:
    with pytest.raises(InvalidSettings):
        found(home, SETPOINT_TOKEN=token)


def test_a_named_token_file_that_cannot_be_read_is_an_error(home: Path) -> None:
    with pytest.raises(InvalidSettings, match="cannot be read"):
        found(home, SETPOINT_TOKEN_FILE=str(home / "none"))


def test_neither_settings_nor_connection_show_the_token(home: Path) -> None:
    settings = read_settings({"HOME": str(home), "SETPOINT_TOKEN": "secret"})

    assert "secret" not in repr(settings)
    assert "secret" not in repr(find_connection(settings))
