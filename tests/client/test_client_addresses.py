"""Hubs behind TLS and behind a path, on both of their sides."""

import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest

from client.conftest import MakeClient
from client.scripted_hub import ScriptedHub


@pytest.fixture
def secure_hub(certificate: Path) -> Iterator[ScriptedHub]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with ScriptedHub(tls=tls, prefix="/config/eu") as hub:
        hub.put(max_retries=3)
        yield hub


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_a_hub_behind_tls_and_a_path_pushes(
    secure_hub: ScriptedHub, make_client: MakeClient, certificate: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    assert make_client(url=secure_hub.url.replace("https", scheme)).start() == "live"


@pytest.mark.parametrize("scheme", ["https", "wss"])
def test_a_hub_behind_tls_and_a_path_is_polled(
    secure_hub: ScriptedHub, make_client: MakeClient, certificate: Path, monkeypatch: pytest.MonkeyPatch, scheme: str
) -> None:
    monkeypatch.setenv("SSL_CERT_FILE", str(certificate))
    secure_hub.upgrade = 503
    assert make_client(url=secure_hub.url.replace("https", scheme)).start() == "polling"


def test_a_certificate_that_nobody_vouches_for_is_refused(secure_hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client(url=secure_hub.url)
    assert config.start(wait=0.5) == "starting"
    assert "certificate" in (config.status().last_error or "").lower()
    assert secure_hub.upgrades == 0


@pytest.mark.parametrize("scheme", ["http", "ws"])
def test_every_scheme_reaches_a_hub(hub: ScriptedHub, make_client: MakeClient, scheme: str) -> None:
    assert make_client(url=hub.url.replace("http", scheme)).start() == "live"
