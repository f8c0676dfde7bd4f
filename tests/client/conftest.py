"""A hub to talk to, and clients that hurry."""

import datetime as dt
import ipaddress
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, NoEncryption, PrivateFormat
from cryptography.x509.oid import NameOID

import setpoint.client
from client.scripted_hub import ScriptedHub
from setpoint import ConfigClient
from setpoint.backoff import BackoffSettings
from setpoint.settings import Timing

MakeClient = Callable[..., ConfigClient]


@pytest.fixture(autouse=True)
def hurry(monkeypatch: pytest.MonkeyPatch, tmp_path_factory: pytest.TempPathFactory) -> None:
    """Shorten what a test would wait for, and keep the tester's own environment out."""
    backoff = BackoffSettings(first=0.05, longest=0.2, denied=(0.2, 0.4))
    timing = replace(
        Timing(), open=1.0, watch=1.0, close=0.3, poll=1.0, first_poll=0.3, disk_spacing=0.02, backoff=backoff
    )
    monkeypatch.setattr(setpoint.client, "TIMING", timing)
    for name in ("SETPOINT_URL", "SETPOINT_TOKEN"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path_factory.mktemp("cache")))


@pytest.fixture(scope="session")
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
def hub() -> Iterator[ScriptedHub]:
    """A hub with one value."""
    with ScriptedHub() as hub:
        hub.put(max_retries=3)
        yield hub


@pytest.fixture
def make_client(hub: ScriptedHub) -> Iterator[MakeClient]:
    """Makes clients of the hub that are closed after the test."""
    with ExitStack() as stack:

        def make(**more: Any) -> ConfigClient:
            options = {"url": hub.url, "token": hub.token, "start_timeout": 10.0, "poll_interval": 0.1, **more}
            client = ConfigClient("checkout-api", "production", ["payments", "global"], **options)
            stack.callback(client.close)
            return client

        yield make
