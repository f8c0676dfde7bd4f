"""The door: TLS or loopback, origins, half-open handshakes, connections by token, floods of messages."""

import asyncio
import datetime as dt
import json
import ssl
from collections.abc import AsyncGenerator
from contextlib import AsyncExitStack, asynccontextmanager, suppress
from ipaddress import ip_address
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidStatus
from websockets.typing import Subprotocol

from setpoint_hub.errors import StartRefused
from setpoint_hub.metrics import STALLED
from setpoint_hub.settings import HubSettings, read_settings
from setpoint_hub.tls import is_loopback, tls_context
from support.hubs import Hubs, RunningHub
from support.programs import run_program
from support.tokens import give_token
from support.waiting import WITHIN, eventually
from support.wire import Refused, Wire, http

SNAPSHOT = "/v1/snapshot?env=staging&namespace=payments"
EVERYWHERE = "0.0.0.0"  # noqa: S104  # what is tested is that it is refused, or asked for
PAGE = "https://console.example.com"


@pytest.fixture
def certificate(tmp_path: Path) -> tuple[Path, Path]:
    """A certificate of this machine's loopback, signed by itself, and its key."""
    return make_certificate(tmp_path)


def make_certificate(folder: Path) -> tuple[Path, Path]:
    """Write such a certificate and its key to a folder."""
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "hub")])
    now = dt.datetime.now(dt.UTC)
    made = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - dt.timedelta(minutes=5))
        .not_valid_after(now + dt.timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address("127.0.0.1"))]), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
        .sign(key, hashes.SHA256())
    )
    files = folder / "hub.pem", folder / "hub.key"
    files[0].write_bytes(made.public_bytes(serialization.Encoding.PEM))
    files[1].write_bytes(_pem(key, serialization.NoEncryption()))
    return files


def renew(certificate: tuple[Path, Path], folder: Path) -> None:
    """Put another certificate and its key where those are."""
    folder.mkdir()
    for old, new in zip(certificate, make_certificate(folder), strict=True):
        new.replace(old)


def _pem(key: ec.EllipticCurvePrivateKey, encryption: serialization.KeySerializationEncryption) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption)


def settings(**given: Any) -> HubSettings:
    """Return settings with no servers behind them."""
    return HubSettings.model_validate({"database_url": "unused", "redis_url": "unused", **given})


@pytest.mark.parametrize("host", ["127.0.0.1", "127.8.9.1", "::1", "localhost"])
def test_loopback_needs_no_tls(host: str) -> None:
    assert is_loopback(host)
    assert tls_context(settings(host=host)) is None


@pytest.mark.parametrize(
    "host",
    [EVERYWHERE, "::", "", "10.0.0.5", "192.168.1.1", "hub.example.com", "localhost.example.com", "127.1", "::2"],
)
def test_any_other_address_in_clear_is_refused_unless_asked_for(host: str) -> None:
    with pytest.raises(StartRefused, match="SETPOINT_ALLOW_PLAINTEXT"):
        tls_context(settings(host=host))
    assert tls_context(settings(host=host, allow_plaintext=True)) is None


async def test_the_program_refuses_to_listen_in_clear_where_others_reach_it(hubs: Hubs) -> None:
    given = {"database_url": hubs.database_url, "redis_url": hubs.redis_url}
    code, said = await run_program("hub", "--host", EVERYWHERE, "--port", "0", settings=given)
    assert code == 1
    assert "SETPOINT_TLS_CERTIFICATE" in said


async def test_a_hub_in_clear_that_was_asked_for_runs(hubs: Hubs) -> None:
    hub = await hubs.start(host=EVERYWHERE, allow_plaintext=True)
    port = urlsplit(hub.address).port
    assert (await http(f"http://127.0.0.1:{port}", SNAPSHOT, token=hub.token)).status == 200


async def test_a_hub_with_a_certificate_speaks_tls_and_nothing_else(hubs: Hubs, certificate: tuple[Path, Path]) -> None:
    hub = await hubs.start(host=EVERYWHERE, tls_certificate=certificate[0], tls_key=certificate[1])
    assert hub.address.startswith("https://")
    port = urlsplit(hub.address).port
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    async with secure_wire(f"wss://127.0.0.1:{port}/v1/ws", hub.token, trust) as wire:
        await wire.create_key()
        assert (await wire.watch())["mode"] == "snapshot"
        done = await wire.set(5)
        assert (await wire.next())["revision"] == done["revision"]
    with pytest.raises(ssl.SSLCertVerificationError):
        async with secure_wire(f"wss://127.0.0.1:{port}/v1/ws", hub.token, ssl.create_default_context()):
            pass
    # In clear nothing is answered, the token least of all.
    reader, writer = await asyncio.open_connection("127.0.0.1", port)
    writer.write(f"GET {SNAPSHOT} HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer {hub.token}\r\n\r\n".encode())
    async with asyncio.timeout(WITHIN):
        assert b"HTTP" not in await reader.read()
    writer.close()
    await writer.wait_closed()


async def test_a_renewed_certificate_is_shown_without_a_restart(
    hubs: Hubs, certificate: tuple[Path, Path], tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    hub = await hubs.start(tls_certificate=certificate[0], tls_key=certificate[1])
    place = hub.address.replace("https", "wss") + "/v1/ws"
    first = ssl.create_default_context(cafile=str(certificate[0]))
    async with secure_wire(place, hub.token, first) as earlier:
        # A key that is not the certificate's: what is shown stays.
        key = certificate[1].read_bytes()
        certificate[1].write_bytes(_pem(ec.generate_private_key(ec.SECP256R1()), serialization.NoEncryption()))
        assert await eventually(lambda: "the certificate is not renewed" in caplog.text)
        async with secure_wire(place, hub.token, first):
            pass
        certificate[1].write_bytes(key)

        renew(certificate, tmp_path / "renewed")
        second = ssl.create_default_context(cafile=str(certificate[0]))

        async def shown() -> bool:
            try:
                async with secure_wire(place, hub.token, second):
                    return True
            except ssl.SSLCertVerificationError:
                return False

        assert await eventually(shown)
        with pytest.raises(ssl.SSLCertVerificationError):
            async with secure_wire(place, hub.token, first):
                pass
        # Who is connected stays connected.
        await earlier.ask("hub.status")


async def test_who_takes_nothing_is_cut_over_tls_too(hubs: Hubs, certificate: tuple[Path, Path]) -> None:
    given = {"tls_certificate": certificate[0], "tls_key": certificate[1]}
    hub = await hubs.start(**given, buffer_bytes=64 * 1024, stalled_seconds=1)
    trust = ssl.create_default_context(cafile=str(certificate[0]))
    url = hub.address.replace("https", "wss") + "/v1/ws"
    async with secure_wire(url, hub.token, trust) as admin, secure_wire(url, hub.token, trust) as stalled:
        await admin.create_key("text", "string")
        await stalled.watch()
        stalled.connection.transport.pause_reading()
        before = STALLED._value.get()
        # Far more than one who does not read is buffered, here and in the kernel.
        for number in range(200):
            await admin.set(f"{number}" + "x" * 60_000, "text")
        await eventually(lambda: len(hub.hub._door.sessions) == 1)
        assert STALLED._value.get() == before + 1
        stalled.connection.transport.resume_reading()
        assert (await admin.ask("whoami"))["role"] == "admin"


async def test_half_a_tls_handshake_is_cut(hubs: Hubs, certificate: tuple[Path, Path]) -> None:
    hub = await hubs.start(tls_certificate=certificate[0], tls_key=certificate[1], handshake_seconds=0.3)
    reader, writer = await asyncio.open_connection("127.0.0.1", urlsplit(hub.address).port)
    writer.write(b"\x16\x03\x01")
    async with asyncio.timeout(WITHIN):
        assert await reader.read() == b""
    writer.close()
    await writer.wait_closed()


def test_a_key_in_the_certificates_file_is_enough(certificate: tuple[Path, Path]) -> None:
    certificate[0].write_bytes(certificate[0].read_bytes() + certificate[1].read_bytes())
    assert tls_context(settings(tls_certificate=certificate[0])) is not None


@pytest.mark.parametrize("wrong", ["missing", "no certificate", "another key", "no key", "locked key"])
def test_tls_files_that_cannot_be_used_are_refused(certificate: tuple[Path, Path], tmp_path: Path, wrong: str) -> None:
    given = {"tls_certificate": certificate[0], "tls_key": certificate[1]}
    other = ec.generate_private_key(ec.SECP256R1())
    match wrong:
        case "missing":
            given["tls_certificate"] = tmp_path / "nowhere.pem"
        case "no certificate":
            certificate[0].write_text("hello")
        case "another key":
            certificate[1].write_bytes(_pem(other, serialization.NoEncryption()))
        case "no key":
            del given["tls_key"]
        case _:
            certificate[1].write_bytes(_pem(other, serialization.BestAvailableEncryption(b"secret")))
    with pytest.raises(StartRefused, match="TLS cannot be spoken with"):
        tls_context(settings(**given))


def test_a_key_without_a_certificate_is_refused(certificate: tuple[Path, Path]) -> None:
    with pytest.raises(StartRefused, match="name both files"):
        tls_context(settings(tls_key=certificate[1]))


def test_origins_are_named_with_commas(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("SETPOINT_ALLOWED_ORIGINS", f"{PAGE}, http://localhost:3000,")
    assert read_settings(database_url="x", redis_url="x").allowed_origins == (PAGE, "http://localhost:3000")


@pytest.mark.parametrize("path", [SNAPSHOT, "/v1/ws"])
@pytest.mark.parametrize(
    "origin", ["https://evil.example.com", "null", "", "https://console.example.com.evil.org", f"{PAGE}/", PAGE.upper()]
)
async def test_a_page_of_another_origin_is_refused(hubs: Hubs, path: str, origin: str) -> None:
    hub = await hubs.start(allowed_origins=(PAGE,))
    reply = await hub.get(path, Origin=origin)
    assert (reply.status, reply.json["error"]["code"]) == (403, "forbidden")


async def test_an_origin_that_is_allowed_comes_in_with_a_token_and_not_without(hubs: Hubs) -> None:
    hub = await hubs.start(allowed_origins=(PAGE,))
    assert (await hub.get(SNAPSHOT, Origin=PAGE)).status == 200
    assert (await http(hub.address, SNAPSHOT, Origin=PAGE)).status == 401
    async with page_connection(hub, PAGE) as opened:
        await opened.ping()
    with pytest.raises(InvalidStatus):
        async with page_connection(hub, "https://evil.example.com"):
            pass


async def test_five_hundred_half_open_handshakes_harm_nobody(hubs: Hubs) -> None:
    hub = await hubs.start(handshake_seconds=4)
    server = hub.hub._door._server
    assert server is not None
    async with AsyncExitStack() as stack:
        readers = await asyncio.gather(*(half_open(hub, stack, number) for number in range(500)))
        async with hub.connect() as wire:
            assert len(server.handler_tasks) == 501
            await wire.create_key()
            assert (await wire.watch())["mode"] == "snapshot"
            done = await wire.set(5)
            assert (await wire.next())["revision"] == done["revision"]
        assert (await hub.get("/healthz")).status == 200
        # Each is cut in time, with a word about it or without.
        async with asyncio.timeout(2 * WITHIN):
            assert len(await asyncio.gather(*(reader.read() for reader in readers))) == 500
    await eventually(lambda: not server.handler_tasks)
    assert (await hub.get(SNAPSHOT)).status == 200


async def half_open(hub: RunningHub, stack: AsyncExitStack, number: int) -> asyncio.StreamReader:
    """Begin a handshake and say no more; every other one says nothing at all."""
    address = urlsplit(hub.address)
    reader, writer = await asyncio.open_connection(address.hostname, address.port)
    stack.push_async_callback(closed, writer)
    writer.write(b"" if number % 2 else b"GET /v1/ws HTTP/1.1\r\nHost: hub\r\nAuthorization: Bearer ")
    return reader


async def test_a_hundred_connections_over_the_limit_of_a_token_are_refused_and_the_others_stay(hubs: Hubs) -> None:
    hub = await hubs.start(max_connections_per_token=20)
    given = await give_token(hub, "reader")
    async with AsyncExitStack() as stack:
        inside = [await stack.enter_async_context(hub.connect(given["token"])) for _ in range(20)]
        replies = await asyncio.gather(*(http(hub.address, "/v1/ws", token=given["token"]) for _ in range(100)))
        assert {reply.status for reply in replies} == {429}
        assert "20 connections" in replies[0].json["error"]["message"]
        for wire in inside:
            assert (await wire.ask("whoami"))["token"] == given["id"]
        # It is this token's limit: others come in, it may poll, and it comes in again when one has left.
        async with hub.connect() as other:
            await other.ask("whoami")
        assert (await http(hub.address, SNAPSHOT, token=given["token"])).status == 200
        await inside[0].connection.close()
        await eventually(lambda: hub.hub._door._admission._served.total() == 19)
        async with hub.connect(given["token"]) as wire:
            await wire.ask("whoami")


async def test_a_storm_of_handshakes_gets_no_more_in_than_the_limit(hubs: Hubs) -> None:
    hub = await hubs.start(max_connections_per_token=10)
    given = await give_token(hub, "reader")

    async def come_in(stack: AsyncExitStack) -> int:
        try:
            await stack.enter_async_context(hub.connect(given["token"]))
        except InvalidStatus as refused:
            return refused.response.status_code
        return 101

    async with AsyncExitStack() as stack:
        outcomes = await asyncio.gather(*(come_in(stack) for _ in range(60)))
        assert (outcomes.count(101), outcomes.count(429)) == (10, 50)
    # Nothing is left of those that were refused.
    await eventually(lambda: not hub.hub._door._admission._served)
    async with hub.connect(given["token"]) as wire:
        await wire.ask("whoami")


async def test_handshakes_that_break_off_are_not_counted(hubs: Hubs) -> None:
    hub = await hubs.start(max_connections_per_token=5)
    for _ in range(20):
        # Accepted by its token, and then no WebSocket.
        assert (await hub.get("/v1/ws")).status == 426
    async with hub.connect() as wire:
        await wire.ask("whoami")


async def test_a_flood_of_requests_is_told_so_then_ended_and_others_are_served(hubs: Hubs) -> None:
    hub = await hubs.start(messages_per_second=50)
    async with hub.connect() as calm, hub.connect() as flood:
        await calm.create_key()
        await calm.watch("calm")
        assert (await flood.ask("whoami"))["role"] == "admin"
        frames = [
            json.dumps({"jsonrpc": "2.0", "id": f"flood-{number}", "method": "whoami", "params": {}})
            for number in range(400)
        ]
        await send_all(flood, frames)
        code, reason = await flood.closed()
        assert code == 1008
        assert "limit" in (reason or "")
        refusals = [answer["error"] for answer in taken(flood) if "error" in answer]
        assert {refusal["data"]["kind"] for refusal in refusals} == {"rate_limited"}
        assert sum("slow down" in refusal["message"] for refusal in refusals) >= 50
        done = await calm.set(5)
        assert (await calm.next())["revision"] == done["revision"]


@pytest.mark.parametrize(
    "frame",
    [
        '{"jsonrpc":"2.0","method":"heartbeat","params":{"revision":0,"status":"applied","source":"push"}}',
        '{"jsonrpc":"2.0","method":"nothing","params":{}}',
        '{"jsonrpc":"2.0","id":7,"result":{}}',
        '{"jsonrpc":"2.0","id":{},"method":"whoami"}',
    ],
    ids=["heartbeats", "notifications", "answers", "malformed"],
)
async def test_a_flood_of_anything_is_ended(hubs: Hubs, frame: str) -> None:
    hub = await hubs.start(messages_per_second=50)
    async with hub.connect() as flood:
        await flood.watch("flood")
        await send_all(flood, [frame] * 400)
        assert (await flood.closed())[0] == 1008
        async with hub.connect() as wire:
            await wire.ask("whoami")


async def test_what_a_flood_calls_its_methods_is_not_in_the_metrics(hubs: Hubs) -> None:
    hub = await hubs.start(messages_per_second=50)
    async with hub.connect() as flood:
        ask = '{{"jsonrpc":"2.0","id":"x","method":"made-up-{}-\\ud800","params":{{}}}}'
        await send_all(flood, [ask.format(number) for number in range(400)])
        assert (await flood.closed())[0] == 1008
    found = await hub.get("/metrics")
    assert (found.status, b"made-up" in found.body) == (200, False)
    assert b'method="unread",outcome="rate_limited"' in found.body


async def test_who_slows_down_after_a_refusal_is_served_again(hubs: Hubs) -> None:
    # Few enough that a machine that is busy with other things, too, sends them before the limit would allow them.
    hub = await hubs.start(messages_per_second=200)
    async with hub.connect() as wire:
        await send_all(wire, ['{"jsonrpc":"2.0","id":"x","method":"whoami","params":{}}'] * 600)
        await eventually(lambda: wire.unasked.qsize() >= 600)
        assert any("slow down" in answer.get("error", {}).get("message", "") for answer in taken(wire))

        async def served() -> bool:
            try:
                return bool(await wire.ask("whoami"))
            except Refused:
                return False

        await eventually(served)
        assert wire.connection.close_code is None


def taken(wire: Wire) -> list[dict[str, Any]]:
    """Return the answers that nobody waits for."""
    return [wire.unasked.get_nowait() for _ in range(wire.unasked.qsize())]


async def send_all(wire: Wire, frames: list[str]) -> None:
    """Send frames as fast as they go, until the connection is closed."""
    with suppress(ConnectionClosed):
        for frame in frames:
            await wire.send(frame)


async def closed(writer: asyncio.StreamWriter) -> None:
    """Close one side of a connection, however the other ended it."""
    writer.close()
    await asyncio.gather(writer.wait_closed(), return_exceptions=True)


def page_connection(hub: RunningHub, origin: str) -> connect:
    """Connect as a page of this origin does, with the admin's token."""
    return connect(
        hub.address.replace("http", "ws", 1) + "/v1/ws",
        additional_headers={"Authorization": f"Bearer {hub.token}", "Origin": origin},
        subprotocols=[Subprotocol("setpoint.v1")],
        proxy=None,
    )


@asynccontextmanager
async def secure_wire(url: str, token: str, trust: ssl.SSLContext) -> AsyncGenerator[Wire]:
    """Connect by TLS."""
    opened: ClientConnection
    async with connect(
        url,
        ssl=trust,
        additional_headers={"Authorization": f"Bearer {token}"},
        subprotocols=[Subprotocol("setpoint.v1")],
        proxy=None,
    ) as opened:
        wire = Wire(opened)
        reading = asyncio.create_task(wire.read())
        try:
            yield wire
        finally:
            await opened.close()
            await reading
