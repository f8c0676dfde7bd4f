"""Start, reads, close and the end of the program are bounded, whatever is at the hub's address."""

import asyncio
import contextlib
import socket
import ssl
import threading
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import TypeVar

import pytest

import client.scripted_hub as scripts
from client.conftest import MakeClient
from client.processes import run
from client.scripted_hub import RawServer, ScriptedHub
from setpoint.snapshot_file import SnapshotFile
from support.waiting import eventually_blocking

T = TypeVar("T")

World = Callable[[Path], contextlib.AbstractContextManager[str]]
"""Makes something at an address; gives its URL. It is told of a certificate that nobody vouches for."""


def absent(_: Path) -> contextlib.AbstractContextManager[str]:
    return contextlib.nullcontext("http://127.0.0.1:9")


def unresolvable(_: Path) -> contextlib.AbstractContextManager[str]:
    return contextlib.nullcontext("http://hub.invalid:8430")


@contextlib.contextmanager
def black_hole(_: Path) -> Iterator[str]:
    """An address whose queue of connections is full: the handshake of TCP itself is never answered."""
    with contextlib.ExitStack() as stack:
        server = stack.enter_context(socket.create_server(("127.0.0.1", 0), backlog=0))
        for _number in range(4):
            filler = stack.enter_context(socket.socket())
            filler.setblocking(False)
            filler.connect_ex(server.getsockname())
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def raw(serve: scripts.Serve) -> World:
    @contextlib.contextmanager
    def world(_: Path) -> Iterator[str]:
        with RawServer(serve) as server:
            yield server.url

    return world


def refuses(status: int) -> World:
    @contextlib.contextmanager
    def world(_: Path) -> Iterator[str]:
        with ScriptedHub() as hub:
            hub.upgrade = hub.poll = status
            yield hub.url

    return world


@contextlib.contextmanager
def wrong_certificate(certificate: Path) -> Iterator[str]:
    tls = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    tls.load_cert_chain(certificate)
    with ScriptedHub(tls=tls) as hub:
        hub.put(max_retries=3)
        yield hub.url


@contextlib.contextmanager
def redirects(_: Path) -> Iterator[str]:
    """Every path leads to a hub that would answer; a token is for the address that was named."""
    with ScriptedHub() as hub:
        hub.put(max_retries=3)

        async def redirect(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await reader.readuntil(b"\r\n\r\n")
            path = head.split()[1].decode()
            answer = f"HTTP/1.1 307 Temporary Redirect\r\nLocation: {hub.url}{path}\r\nContent-Length: 0\r\n\r\n"
            writer.write(answer.encode())
            await writer.drain()

        with RawServer(redirect) as server:
            yield server.url
        assert (hub.upgrades, hub.polls) == (0, [])


WORLDS: dict[str, World] = {
    "absent": absent,
    "unresolvable": unresolvable,
    "black hole": black_hole,
    "refuses": refuses(503),
    "accepts and never answers": raw(scripts.never_answer),
    "answers byte by byte": raw(scripts.drip),
    "answers and never ends": raw(scripts.trickle),
    "talks garbage": raw(scripts.talk_garbage),
    "closes at once": raw(scripts.close_at_once),
    "redirects": redirects,
    "wrong certificate": wrong_certificate,
}


@pytest.fixture(params=WORLDS)
def url(request: pytest.FixtureRequest, certificate: Path) -> Iterator[str]:
    with WORLDS[request.param](certificate) as url:
        yield url


def returns(call: Callable[[], T]) -> T:
    """Call on a thread of its own; fail if it has not returned after what is far over every bound here."""
    results: list[T] = []
    thread = threading.Thread(target=lambda: results.append(call()), daemon=True)
    thread.start()
    thread.join(15)
    assert results, "it has not returned"
    return results[0]


def test_a_life_without_data(make_client: MakeClient, url: str) -> None:
    config = make_client(url=url, start_timeout=0.2)
    assert returns(config.start) == "starting"
    assert config.get_int("payments", "max_retries", 9) == 9
    assert (config.status().source, config.status().age_seconds) == ("defaults", None)
    eventually_blocking(lambda: config.status().last_error)
    assert config.status().state == "starting"
    returns(config.close)
    assert config.status().state == "closed"
    assert config.get_int("payments", "max_retries", 9) == 9
    eventually_blocking(lambda: not [t for t in threading.enumerate() if t.name in ("setpoint-feed", "setpoint-disk")])


async def test_a_life_in_a_loop(make_client: MakeClient, url: str) -> None:
    async with asyncio.timeout(15), make_client(url=url, start_timeout=0.2) as config:
        assert config.status().state == "starting"
    assert config.status().state == "closed"


def test_a_life_on_what_was_brought_along(make_client: MakeClient, url: str) -> None:
    config = make_client(url=url, start_timeout=30, bootstrap={"payments": {"max_retries": 4}}, required=True)
    assert returns(config.start) == "stale"
    assert (config.get_int("payments", "max_retries"), config.status().source) == (4, "bootstrap")
    returns(config.close)


PROGRAM = """
import os
from setpoint import ConfigClient
config = ConfigClient("checkout-api", "production", ["payments"], url=os.environ["HUB"], token="secret-token")
print(config.start(0.1), config.get_int("payments", "max_retries", 9))
"""


def test_a_program_that_never_closes_ends(url: str) -> None:
    assert run("import logging; logging.disable()" + PROGRAM, HUB=url) == "starting 9"


@pytest.mark.parametrize("status", [401, 403])
def test_a_token_that_is_refused_ends_the_start_with_its_state(make_client: MakeClient, status: int) -> None:
    with refuses(status)(Path()) as url:
        config = make_client(url=url, start_timeout=30)
        assert returns(config.start) == "denied"
        returns(config.close)


def test_a_name_server_that_never_answers_bounds_nothing_else(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    answer = threading.Event()

    def hang(*_: object, **__: object) -> list[object]:
        answer.wait(60)
        return []

    with monkeypatch.context() as patched:
        patched.setattr(socket, "getaddrinfo", hang)
        config = make_client(url="http://hub.example:8430", start_timeout=0.2)
        assert returns(config.start) == "starting"
        returns(config.close)
    answer.set()


def test_a_disk_that_never_answers_is_done_without(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    go_on = threading.Event()

    def hang(_: SnapshotFile) -> None:
        go_on.wait(60)

    monkeypatch.setattr(SnapshotFile, "read", hang)
    config = make_client(snapshot_dir=tmp_path)
    assert returns(config.start) == "live"
    assert config.get_int("payments", "max_retries") == 3
    returns(partial(config.close, timeout=0.2))
    go_on.set()


def test_a_first_hub_that_is_silent_costs_the_start_nothing(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.upgrade = 503
    with RawServer(scripts.never_answer) as silent:
        config = make_client(url=[silent.url, hub.url], start_timeout=30)
        assert returns(config.start) == "polling"
        assert config.get_int("payments", "max_retries") == 3
        hub.upgrade = "accept"
        eventually_blocking(lambda: config.status().state == "live")
        config.close()


def test_what_is_on_disk_serves_while_all_hubs_are_down(
    hub: ScriptedHub, make_client: MakeClient, tmp_path: Path
) -> None:
    with RawServer(scripts.never_answer) as silent:
        urls = [hub.url, silent.url, "http://127.0.0.1:9"]
        with make_client(url=urls, snapshot_dir=tmp_path):
            pass
        hub.upgrade = hub.poll = 503
        config = make_client(url=urls, snapshot_dir=tmp_path, start_timeout=30, required=True)
        assert returns(config.start) == "stale"
        assert (config.get_int("payments", "max_retries"), config.status().source) == (3, "disk")
        hub.upgrade = "accept"
        eventually_blocking(lambda: config.status().state == "live")
        assert hub.watches[-1]["revision"] == 1
        config.close()
