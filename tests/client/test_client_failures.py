"""Whatever a hub or the network does: no exception, no busy loop, and what is held stays."""

import logging
import time

import pytest

import client.scripted_hub as scripts
from client.conftest import MakeClient
from client.scripted_hub import RawServer, ScriptedHub
from setpoint import NotReady
from support.waiting import eventually_blocking


@pytest.mark.parametrize("script", [scripts.never_answer, scripts.close_at_once, scripts.talk_garbage, scripts.trickle])
def test_a_server_that_is_no_hub_costs_the_start_no_more_than_its_bound(
    make_client: MakeClient, script: scripts.Serve
) -> None:
    with RawServer(script) as server:
        config = make_client(url=server.url)
        began = time.monotonic()
        assert config.start(wait=0.5) == "starting"
        assert time.monotonic() - began < 2.0
        assert config.get_int("payments", "max_retries", 9) == 9
        eventually_blocking(lambda: config.status().last_error)
        began = time.monotonic()
        config.close(timeout=2)
        assert time.monotonic() - began < 2.5
        # No busy loop: the waits double up to 0.2 s here, so that ten times as many would be one.
        assert server.accepted < 60


def test_an_address_where_nobody_listens_is_no_error_of_the_start(make_client: MakeClient) -> None:
    config = make_client(url="http://127.0.0.1:9", start_timeout=0.3)
    assert config.start() == "starting"
    assert "cannot be reached" in (config.status().last_error or "")


def test_a_required_client_says_that_it_is_not_ready(make_client: MakeClient) -> None:
    config = make_client(url="http://127.0.0.1:9", start_timeout=0.3, required=True)
    with pytest.raises(NotReady, match="cannot be reached"):
        config.start()
    with pytest.raises(NotReady), config:
        pass
    assert config.status().state == "closed"


@pytest.mark.parametrize(
    "watch",
    [
        "ignore",
        ["garbage"],
        ['{"jsonrpc":"2.0","id":1,"result":{"mode":"later"}}'],
        ['{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"not yet","data":{"kind":"unavailable"}}}'],
        (1000, ""),
        (1011, "internal"),
        (1013, "full"),
        (1001, "retry_after=0"),
    ],
)
def test_a_watch_that_is_not_answered_well_is_tried_again(
    hub: ScriptedHub, make_client: MakeClient, watch: list[str] | tuple[int, str]
) -> None:
    hub.watch, hub.poll = watch, 503
    config = make_client()
    assert config.start(wait=0.2) == "starting"
    eventually_blocking(lambda: len(hub.watches) >= 2)
    assert hub.upgrades < 40
    hub.watch = "answer"
    assert config.wait_ready(10)
    eventually_blocking(lambda: config.status().state == "live")


@pytest.mark.parametrize("code", [4401, 4403])
def test_a_token_that_is_revoked_leaves_what_is_held_and_is_tried_slowly(
    hub: ScriptedHub, make_client: MakeClient, code: int
) -> None:
    config = make_client()
    config.start()
    good, hub.token = hub.token, "another"
    hub.disconnect(code, "revoked")
    eventually_blocking(lambda: config.status().state == "denied")
    assert "token" in (config.status().last_error or "")
    assert config.get_int("payments", "max_retries") == 3
    hub.token = good
    eventually_blocking(lambda: config.status().state == "live")


def test_a_token_that_is_refused_ends_the_start_early(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client(token="wrong", start_timeout=30)
    began = time.monotonic()
    assert config.start() == "denied"
    assert time.monotonic() - began < 10
    assert "401" in (config.status().last_error or "")
    assert hub.watches == []


def test_a_watch_that_is_forbidden_is_a_refused_token(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.watch = ['{"jsonrpc":"2.0","id":1,"error":{"code":-32000,"message":"no","data":{"kind":"forbidden"}}}']
    hub.poll = 403
    assert make_client(start_timeout=30).start() == "denied"


@pytest.mark.parametrize("token", [None, "", "with a space", "line\nend", "ünïcode"])
def test_a_token_that_can_be_none_is_said_clearly(hub: ScriptedHub, make_client: MakeClient, token: str | None) -> None:
    config = make_client(token=token, start_timeout=30)
    assert config.start() == "denied"
    assert "token" in (config.status().last_error or "")
    assert hub.upgrades == 0


def test_a_token_function_is_asked_each_time(hub: ScriptedHub, make_client: MakeClient) -> None:
    tokens = iter(["old", "old", hub.token])
    config = make_client(token=lambda: next(tokens, hub.token))
    config.start(wait=0)
    eventually_blocking(lambda: config.status().state == "live")


def test_a_token_function_that_fails_is_told_without_its_text(hub: ScriptedHub, make_client: MakeClient) -> None:
    def fail() -> str:
        raise LookupError("vault says: hunter2")

    config = make_client(token=fail)
    assert config.start(wait=0.3) == "starting"
    assert config.status().last_error == "the token function raised LookupError"
    assert hub.upgrades == 0


def test_a_client_id_that_another_took_is_not_fought_for(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    config.start()
    hub.disconnect(4409, "superseded")
    eventually_blocking(lambda: config.status().state == "polling")
    eventually_blocking(lambda: len(hub.polls) >= 3)
    assert (hub.upgrades, hub.watching) == (1, 0)
    assert "Setpoint-Client-Id" not in hub.polls[-1]
    hub.put(max_retries=6)
    assert config.wait_revision(2, timeout=10)


def test_no_word_from_any_hub_makes_what_is_held_stale_and_keeps_it(make_client: MakeClient) -> None:
    with ScriptedHub() as hub:
        hub.put(max_retries=3)
        config = make_client(url=hub.url, stale_after=0.2)
        assert config.start() == "live"
    eventually_blocking(lambda: config.status().state == "stale")
    assert (config.status().age_seconds or 0.0) > 0.2
    assert config.get_int("payments", "max_retries") == 3


def test_the_next_hub_is_tried_at_each_failure(hub: ScriptedHub, make_client: MakeClient) -> None:
    with ScriptedHub() as other:
        other.epoch, other.namespaces, other.revision = hub.epoch, hub.namespaces, hub.revision
        config = make_client(url=["http://127.0.0.1:9", hub.url, other.url], poll_interval=60)
        config.start()
        eventually_blocking(lambda: hub.watching == 1)
        hub.upgrade = 503
        hub.disconnect(1001, "going away; retry_after=0.1")
        eventually_blocking(lambda: other.watching == 1)
        assert other.watches[0]["revision"] == 1
        other.publish(max_retries=5)
        assert config.wait_revision(2, timeout=10)


def test_a_hub_that_comes_back_on_its_port_is_found_again(make_client: MakeClient) -> None:
    with ScriptedHub() as hub:
        hub.put(max_retries=3)
        config = make_client(url=hub.url)
        config.start()
    with ScriptedHub(port=hub.port) as again:
        again.revision = hub.revision
        again.put(max_retries=5)
        assert config.wait_revision(2, timeout=10)


@pytest.mark.parametrize("url", ["nonsense", "http://user:hunter2@hub", [], "ftp://hub"])
def test_a_url_that_is_none_is_told_in_the_status(
    make_client: MakeClient, url: str | list[str], caplog: pytest.LogCaptureFixture
) -> None:
    config = make_client(url=url, start_timeout=0.1)
    assert config.start() == "starting"
    assert "URL" in (config.status().last_error or "")
    assert "hunter2" not in caplog.text + (config.status().last_error or "")


def test_logs_hold_no_token_and_no_value(
    hub: ScriptedHub, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.DEBUG):
        for name in ("setpoint", "setpoint.websockets", "websockets.client", "asyncio"):
            logging.getLogger(name).setLevel(logging.DEBUG)
        try:
            hub.token = "a-very-secret-token"
            hub.put(password="a-very-secret-value")
            config = make_client(token=hub.token)
            config.start()
            config.get_int("payments", "password")
            hub.publish(password="another-very-secret-value")
            assert config.wait_revision(3, timeout=10)
            hub.upgrade = 503
            hub.cut()
            eventually_blocking(lambda: hub.polls)
            eventually_blocking(lambda: "password is of type string" in caplog.text)
            config.close()
        finally:
            for name in ("setpoint", "setpoint.websockets", "websockets.client", "asyncio"):
                logging.getLogger(name).setLevel(logging.NOTSET)
    theirs = [record for record in caplog.records if not record.name.startswith("websockets.server")]
    assert not [record for record in theirs if "very-secret" in record.getMessage()]
