"""Arguments, environment variables and defaults."""

import os

import pytest

from setpoint.protocol.names import check_client_id
from setpoint.settings import default_client_id, resolve_addresses, resolve_token


def test_the_argument_goes_before_the_variable_before_the_default(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delenv("SETPOINT_URL", raising=False)
    assert [str(address) for address in resolve_addresses(None)[0]] == ["127.0.0.1:8430"]
    monkeypatch.setenv("SETPOINT_URL", "https://a,https://b")
    assert [str(address) for address in resolve_addresses(None)[0]] == ["a:443", "b:443"]
    assert [str(address) for address in resolve_addresses("http://c")[0]] == ["c:80"]
    assert [str(address) for address in resolve_addresses(["http://c", "ws://d"])[0]] == ["c:80", "d:80"]


def test_a_url_that_is_none_is_left_out_and_told_of() -> None:
    addresses, problem = resolve_addresses(["nonsense", "http://c"])
    assert [str(address) for address in addresses] == ["c:80"]
    assert problem is not None
    assert resolve_addresses([]) == ((), "no hub's URL is given")


def test_the_token_comes_from_the_argument_or_the_variable(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETPOINT_TOKEN", "from the variable")
    assert resolve_token(None) == "from the variable"
    assert resolve_token("given") == "given"
    monkeypatch.delenv("SETPOINT_TOKEN")
    assert resolve_token(None) is None


@pytest.mark.parametrize("service", ["checkout-api", "s" * 500, "zahlung\n"])
def test_a_default_client_id_is_a_client_id_and_differs_each_time(service: str) -> None:
    first, second = default_client_id(service), default_client_id(service)
    assert check_client_id(first) == first
    assert first != second
    assert str(os.getpid()) in first
