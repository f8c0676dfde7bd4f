"""Hubs behind TLS and behind a path, on both of their sides."""

import datetime as dt
import ipaddress
import ssl
from collections.abc import Iterator
from pathlib import Path

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

from client.conftest import MakeClient
from client.scripted_hub import ScriptedHub


@pytest.fixture(scope="module")
def certificate(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A certificate for 127.0.0.1 that vouches for itself, and its key, in one file."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "a test")])
    now = dt.datetime.now(dt.UTC)
    signed = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(now - dt.timedelta(days=1))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    path = tmp_path_factory.mktemp("tls") / "certificate.pem"
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    path.write_bytes(signed.public_bytes(Encoding.PEM) + private)
    return path


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
