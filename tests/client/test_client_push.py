"""A client that follows a hub."""

import json
import threading

import pytest

from client.conftest import MakeClient
from client.scripted_hub import ScriptedHub
from client.wire import OTHER_EPOCH, on_wire
from setpoint import Change, Snapshot
from support.waiting import eventually_blocking


def test_a_start_brings_data_and_a_live_state(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    assert config.start() == "live"
    status = config.status()
    assert config.get_int("payments", "max_retries") == 3
    assert (status.state, status.source, status.epoch, status.revision) == ("live", "push", hub.epoch, 1)
    assert (status.age_seconds, status.last_error, status.reconnects) == (0.0, None, 0)


def test_the_first_watch_says_who_and_what_and_holds_no_position(hub: ScriptedHub, make_client: MakeClient) -> None:
    make_client(client_id="payments-1").start()
    assert hub.watches == [
        {
            "client_id": "payments-1",
            "service": "checkout-api",
            "env": "production",
            "namespaces": ["payments", "global"],
            "sdk": "setpoint-python/0.1.0",
        }
    ]


def test_a_change_becomes_visible_whole(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    config.start()
    before = config.snapshot()
    hub.publish(max_retries=5, limits={"rps": 50})
    assert config.wait_revision(2, timeout=10)
    after = config.snapshot()
    assert (after.revision, after.get_int("payments", "max_retries")) == (2, 5)
    assert after.get_json("payments", "limits") == {"rps": 50}
    assert (before.revision, before.get_int("payments", "max_retries")) == (1, 3)
    hub.publish(max_retries=None)
    assert config.wait_revision(3, timeout=10)
    assert config.get_int("payments", "max_retries", 9) == 9


def test_a_change_is_acknowledged_with_the_time_since_it_was_applied(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    config.start()
    eventually_blocking(lambda: len(hub.heartbeats) == 1)
    hub.publish(max_retries=5, ack_within_seconds=0.05)
    eventually_blocking(lambda: len(hub.heartbeats) == 2)
    first, second = hub.heartbeats
    assert (first["revision"], first["status"], first["source"]) == (1, "applied", "push")
    assert (second["revision"], second["status"], second["error"]) == (2, "applied", None)
    assert 0 <= second["applied_ms_ago"] < 10_000


def test_heartbeats_keep_the_interval_that_the_hub_names(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.heartbeat_seconds = 0.1
    make_client().start()
    eventually_blocking(lambda: len(hub.heartbeats) >= 4)


def test_what_is_held_already_or_not_known_is_ignored(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    config.start()
    hub.push(hub.change(0, {"payments": {"max_retries": on_wire(99)}}))
    hub.push('{"jsonrpc":"2.0","method":"later","params":{"x":1}}')
    hub.push('{"jsonrpc":"2.0","id":null,"error":{"code":-32600,"message":"?"}}')
    hub.publish(other=1)
    assert config.wait_revision(2, timeout=10)
    assert config.get_int("payments", "max_retries") == 3
    assert config.status().reconnects == 0


def test_a_gap_is_closed_by_watching_again_from_what_is_held(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.poll = 503  # On a busy machine the first data would otherwise come by a poll, before the first watch.
    config = make_client(poll_interval=60)
    config.start()
    hub.put(missed=1)
    hub.publish(max_retries=7)
    assert config.wait_revision(3, timeout=10)
    assert config.get_int("payments", "missed") == 1
    assert (hub.watches[1]["epoch"], hub.watches[1]["revision"]) == (hub.epoch, 1)


def test_another_history_is_loaded_from_scratch(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.poll = 503  # On a busy machine the first data would otherwise come by a poll, before the first watch.
    config = make_client(poll_interval=60)
    hub.revision = 40
    config.start()
    hub.epoch, hub.revision = OTHER_EPOCH, 2
    hub.publish(max_retries=11)
    eventually_blocking(lambda: config.status().epoch == OTHER_EPOCH)
    assert (config.status().revision, config.get_int("payments", "max_retries")) == (3, 11)
    assert "epoch" not in hub.watches[1]


def test_a_lost_connection_is_taken_up_again_where_it_was(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client(poll_interval=60)
    config.start()
    hub.cut()
    eventually_blocking(lambda: len(hub.watches) == 2)
    eventually_blocking(lambda: config.status().state == "live")
    assert hub.watches[1]["revision"] == 1
    assert (config.status().reconnects, config.status().last_error) == (1, None)
    hub.publish(max_retries=4)
    assert config.wait_revision(2, timeout=10)


def test_a_refused_change_leaves_everything_as_it_was_and_is_told_to_the_hub(
    hub: ScriptedHub, make_client: MakeClient
) -> None:
    config = make_client()

    @config.validator
    def few(snapshot: Snapshot) -> None:
        if snapshot.require_int("payments", "max_retries") > 10:
            raise ValueError("too many")

    config.start()
    hub.publish(max_retries=50, other=1)
    eventually_blocking(lambda: config.status().refusals == 1)
    refused = eventually_blocking(lambda: [beat for beat in hub.heartbeats if beat["status"] == "refused"])
    assert refused[0]["revision"] == 1
    assert refused[0]["error"].endswith("few: ValueError: too many")
    assert (config.get_int("payments", "max_retries"), config.get("payments", "other")) == (3, None)
    assert config.status().last_error == refused[0]["error"]
    hub.publish(max_retries=5)
    assert config.wait_revision(3, timeout=10)
    assert (config.get("payments", "other"), config.status().last_error) == (1, None)


def test_listeners_hear_of_changes(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    changes: list[Change] = []
    replayed: list[Change] = []
    heard = threading.Event()

    @config.on_change("payments", "max_*")
    def resized(change: Change) -> None:
        changes.append(change)
        heard.set()

    config.on_change("payments", replay=True)(replayed.append)
    config.start()
    hub.publish(max_retries=5, unwatched=1)
    assert heard.wait(10)
    assert [(change.key, change.kind, change.old, change.new, change.revision) for change in changes] == [
        ("max_retries", "changed", 3, 5, 2)
    ]
    # Whether it heard of 3 before, or of both at once, depends on how quick it was.
    eventually_blocking(lambda: {change.key: change.new for change in replayed} == {"max_retries": 5, "unwatched": 1})
    assert replayed[0].kind == "added"


def test_a_coroutine_function_is_no_listener(make_client: MakeClient) -> None:
    async def listen(_: Change) -> None: ...

    async def validate(_: Snapshot) -> None: ...

    config = make_client()
    with pytest.raises(TypeError, match="plain function"):
        config.on_change("payments")(listen)
    with pytest.raises(TypeError, match="plain function"):
        config.validator(validate)


@pytest.mark.parametrize(
    "frame",
    [
        "garbage",
        "[]",
        '{"jsonrpc":"2.0"}',
        '{"jsonrpc":"2.0","method":"change","params":{}}',
        '{"jsonrpc":"2.0","method":"change","params":{"env":"production","epoch":"e","revision":2,"previous":1}}',
        '{"jsonrpc":"2.0","method":"change","params":{"namespaces":{"payments":{"max_retries":1e400}}}}',
        b"\x00binary",
    ],
)
def test_garbage_while_live_costs_the_connection_and_nothing_more(
    hub: ScriptedHub, make_client: MakeClient, frame: str | bytes
) -> None:
    config = make_client(poll_interval=60)
    config.start()
    hub.push(frame)
    eventually_blocking(lambda: len(hub.watches) == 2)
    eventually_blocking(lambda: config.status().state == "live")
    assert config.get_int("payments", "max_retries") == 3


def test_a_change_that_overtakes_the_watchs_answer_is_not_lost(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.put(max_retries=8)
    early = hub.change(1, {"payments": {"max_retries": on_wire(8)}})
    answer = json.dumps(
        {
            "jsonrpc": "2.0",
            "id": 1,
            "result": {
                "mode": "snapshot",
                "env": "production",
                "epoch": hub.epoch,
                "revision": 1,
                "namespaces": {"payments": {"max_retries": on_wire(3)}},
            },
        }
    )
    hub.watch = [early, answer]
    config = make_client()
    config.start()
    assert config.wait_revision(2, timeout=10)
    assert config.get_int("payments", "max_retries") == 8
