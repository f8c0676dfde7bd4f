"""The link: requests in flight, notifications, and an error that says what to do for each way it can fail."""

import asyncio
import ssl
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

import pytest
from websockets.asyncio.server import serve

from setpoint.errors import HubUnreachable, RequestFailed
from setpoint_tui.address import parse_address
from setpoint_tui.connection import Connection
from setpoint_tui.errors import AnswerLost
from setpoint_tui.link import HubLink
from setpoint_tui.mailbox import Mailbox, Missed
from support.waiting import eventually
from tui.scripted_hub import TOKEN, HangUp, scripted_hub


def echo(params: dict[str, Any]) -> dict[str, Any]:
    return params


def at(port: int, scheme: str = "http", token: str = TOKEN) -> Connection:
    return Connection(parse_address(f"{scheme}://127.0.0.1:{port}"), token, "SETPOINT_TOKEN")


@asynccontextmanager
async def raw_server(reply: bytes) -> AsyncGenerator[int]:
    """A server that reads a little, says `reply` and hangs up."""

    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await reader.read(1)
        writer.write(reply)
        await writer.drain()
        writer.close()

    server = await asyncio.start_server(talk, "127.0.0.1", 0)
    async with server:
        yield server.sockets[0].getsockname()[1]


async def free_port() -> int:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    async with server:
        return int(server.sockets[0].getsockname()[1])


async def test_answers_find_their_requests_in_any_order() -> None:
    first_may_answer = asyncio.Event()

    async def answer(params: dict[str, Any]) -> Any:
        if params["number"] == 1:
            await first_may_answer.wait()
        else:
            first_may_answer.set()
        return params["number"]

    async with scripted_hub(a_b=answer) as hub, HubLink.open(hub.connection) as link:
        results = await asyncio.gather(*(link.request("a.b", {"number": number}) for number in (1, 2)))

    assert results == [1, 2]
    assert hub.path == "/v1/ws"


async def test_an_error_of_the_hub_is_raised_with_its_kind() -> None:
    def refuse(_params: dict[str, Any]) -> Any:
        raise RequestFailed("no such key", kind="not_found", data={"key": "x"})

    async with scripted_hub(key_get=refuse) as hub, HubLink.open(hub.connection) as link:
        with pytest.raises(RequestFailed, match="no such key") as raised:
            await link.request("key.get", {})

    assert (raised.value.kind, raised.value.data) == ("not_found", {"key": "x"})


async def test_notifications_come_in_order_beside_answers() -> None:
    async with scripted_hub(echo=echo) as hub, HubLink.open(hub.connection) as link:
        await hub.notify("activity", {"revision": 1})
        await hub.notify("activity", {"revision": 2})
        await link.request("echo", {})
        notifications = link.notifications()
        seen = [await anext(notifications), await anext(notifications)]

    assert [call.params["revision"] for call in seen if not isinstance(call, Missed)] == [1, 2]


async def test_a_reader_that_is_too_slow_is_told_that_it_missed_some() -> None:
    from setpoint.protocol.jsonrpc import Call  # noqa: PLC0415

    box = Mailbox(2)
    for revision in (1, 2, 3):
        box.put(Call("activity", {"revision": revision}))
    box.close()

    first, second, third = [await box.take() for _ in range(3)]

    assert isinstance(first, Missed)
    assert isinstance(second, Call)
    assert second.params == {"revision": 3}
    assert third is None


async def test_a_lost_connection_fails_what_is_in_flight_and_ends_the_notifications() -> None:
    def hang_up(_params: dict[str, Any]) -> Any:
        raise HangUp

    async with scripted_hub(a=hang_up) as hub, HubLink.open(hub.connection) as link:
        with pytest.raises(AnswerLost, match="was lost"):
            await link.request("a", {})
        with pytest.raises(HubUnreachable, match="was lost"):
            await anext(link.notifications())
        with pytest.raises(HubUnreachable) as raised:
            await link.request("a", {})

    # It was never sent, so its outcome is known.
    assert not isinstance(raised.value, AnswerLost)
    assert hub.times_asked("a") == 1


async def test_an_answer_that_does_not_come_in_time_is_lost() -> None:
    async def never(_params: dict[str, Any]) -> Any:
        await asyncio.Event().wait()

    async with scripted_hub(a=never, echo=echo) as hub, HubLink.open(hub.connection) as link:
        with pytest.raises(AnswerLost, match=r"did not answer a within 0\.05 s"):
            await link.request("a", {}, timeout=0.05)
        assert await link.request("echo", {"x": 1}) == {"x": 1}
        await hub.hang_up()


async def test_a_large_answer_fits() -> None:
    async with scripted_hub(a=lambda _params: "x" * 3_000_000) as hub, HubLink.open(hub.connection) as link:
        assert len(await link.request("a", {})) == 3_000_000


async def test_a_cancelled_request_leaves_the_link_usable() -> None:
    async def never(_params: dict[str, Any]) -> Any:
        await asyncio.Event().wait()

    async with scripted_hub(a=never, echo=echo) as hub, HubLink.open(hub.connection) as link:
        request = asyncio.create_task(link.request("a", {}))
        await eventually(lambda: hub.times_asked("a") == 1)
        request.cancel()
        with pytest.raises(asyncio.CancelledError):
            await request
        assert await link.request("echo", {"x": 1}) == {"x": 1}
        await hub.hang_up()


@pytest.mark.parametrize(
    ("code", "reason", "said", "kind"),
    [
        (1001, "going away retry_after=5", "stopping or restarting", None),
        (1013, "", "full or found us too slow", None),
        (4401, "", "no longer takes this token", "unauthorised"),
        (4403, "not for you", "not for you", "forbidden"),
        (1011, "oops", "1011 oops", None),
    ],
)
async def test_each_close_code_becomes_a_sentence(code: int, reason: str, said: str, kind: str | None) -> None:
    async with scripted_hub(echo=echo) as hub, HubLink.open(hub.connection) as link:
        await link.request("echo", {})
        await hub.hang_up(code, reason)
        with pytest.raises((HubUnreachable, RequestFailed), match=said) as raised:
            await anext(link.notifications())

    assert getattr(raised.value, "kind", None) == kind


async def test_a_frame_that_is_no_json_rpc_ends_the_link() -> None:
    async with scripted_hub(echo=echo) as hub, HubLink.open(hub.connection) as link:
        await link.request("echo", {})
        await hub.send_text("[]")
        with pytest.raises(HubUnreachable, match="not a Setpoint hub"):
            await anext(link.notifications())


async def test_nobody_at_the_address() -> None:
    with pytest.raises(HubUnreachable, match=r"no hub answers at http://127.0.0.1:.*setpoint up.*SETPOINT_URL"):
        async with HubLink.open(at(await free_port())):
            pass


async def test_an_unknown_host() -> None:
    connection = Connection(parse_address("http://no-such-host.invalid:1"), None, "nowhere")
    with pytest.raises(HubUnreachable, match=r"'no-such-host.invalid' is not known"):
        async with HubLink.open(connection):
            pass


async def test_a_host_that_no_name_can_be() -> None:
    connection = Connection(parse_address(f"http://{'a' * 70}.example"), None, "nowhere")
    with pytest.raises(HubUnreachable, match="is not known"):
        async with HubLink.open(connection):
            pass


async def test_a_proxy_that_refuses(monkeypatch: pytest.MonkeyPatch) -> None:
    async with raw_server(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n") as port:
        monkeypatch.setenv("http_proxy", f"http://127.0.0.1:{port}")
        connection = Connection(parse_address("http://hub.example"), None, "nowhere")
        with pytest.raises(HubUnreachable, match=r"the proxy on the way to http://hub.example cannot be used"):
            async with HubLink.open(connection):
                pass


async def test_a_proxy_is_not_asked_for_this_machine(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:1")
    async with scripted_hub(echo=echo) as hub, HubLink.open(hub.connection) as link:
        assert await link.request("echo", {"x": 1}) == {"x": 1}


async def test_a_token_that_the_hub_does_not_know() -> None:
    async with scripted_hub() as hub:
        with pytest.raises(RequestFailed, match="does not know the token from SETPOINT_TOKEN") as raised:
            async with HubLink.open(at(hub.port, token="wrong")):
                pass
    assert raised.value.kind == "unauthorised"


async def test_no_token_says_where_it_was_looked_for() -> None:
    async with scripted_hub() as hub:
        there = Connection(at(hub.port).address, None, "SETPOINT_TOKEN and a file")
        with pytest.raises(RequestFailed, match="looked in SETPOINT_TOKEN and a file"):
            async with HubLink.open(there):
                pass


@pytest.mark.parametrize(
    ("status", "body", "error", "said"),
    [
        ("403 Forbidden", b'{"error":{"code":"forbidden","message":"not you"}}', RequestFailed, "not you"),
        ("503 Service Unavailable", b'{"error":{"message":"loading"}}', RequestFailed, "loading"),
        ("502 Bad Gateway", b"<html>", HubUnreachable, "not ready"),
        ("404 Not Found", b"", HubUnreachable, "not a Setpoint hub"),
        ("200 OK", b"<html>", HubUnreachable, "not a Setpoint hub"),
    ],
)
async def test_each_refusal_of_the_upgrade_becomes_a_sentence(
    status: str, body: bytes, error: type[Exception], said: str
) -> None:
    head = f"HTTP/1.1 {status}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
    async with raw_server(head + body) as port:
        with pytest.raises(error, match=said):
            async with HubLink.open(at(port)):
                pass


@pytest.mark.parametrize("reply", [b"", b"SSH-2.0-OpenSSH_9\r\n", b"\x00\xff" * 10])
async def test_what_is_no_http_is_not_a_hub(reply: bytes) -> None:
    async with raw_server(reply) as port:
        with pytest.raises(HubUnreachable, match=r"does not speak HTTP: if it wants TLS, write https://"):
            async with HubLink.open(at(port)):
                pass


async def test_a_websocket_that_speaks_another_protocol_is_not_a_hub() -> None:
    async def ignore(connection: Any) -> None:
        await connection.wait_closed()

    async with serve(ignore, "127.0.0.1", 0) as server:
        port = next(iter(server.sockets)).getsockname()[1]
        with pytest.raises(HubUnreachable, match="not a Setpoint hub"):
            async with HubLink.open(at(port)):
                pass


async def test_tls_towards_a_port_without_it() -> None:
    async with raw_server(b"HTTP/1.1 400 Bad Request\r\n\r\n") as port:
        with pytest.raises(HubUnreachable, match="does not speak TLS") as raised:
            async with HubLink.open(at(port, "https")):
                pass
    assert isinstance(raised.value.__cause__, ssl.SSLError)


async def test_a_server_that_accepts_and_never_answers() -> None:
    stop = asyncio.Event()

    async def stare(_reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await stop.wait()
        writer.close()

    server = await asyncio.start_server(stare, "127.0.0.1", 0)
    async with server:
        with pytest.raises(HubUnreachable, match="did not answer in time"):
            async with HubLink.open(at(server.sockets[0].getsockname()[1]), open_timeout=0.1):
                pass
        stop.set()
