"""A client that polls while push is down."""

import threading

import pytest

from client.conftest import MakeClient
from client.scripted_hub import ScriptedHub
from client.wire import OTHER_EPOCH
from setpoint import Snapshot
from support.waiting import eventually_blocking


@pytest.mark.parametrize("upgrade", [403, 404, 503, "hang", "no subprotocol"])
def test_a_hub_whose_upgrade_alone_is_blocked_gives_data_by_poll(
    hub: ScriptedHub, make_client: MakeClient, upgrade: int | str
) -> None:
    hub.upgrade = upgrade  # type: ignore[assignment]
    config = make_client(start_timeout=5.0)
    assert config.start() == "polling"
    assert (config.status().source, config.get_int("payments", "max_retries")) == ("poll", 3)
    eventually_blocking(lambda: config.status().last_error)
    hub.put(max_retries=4)
    assert config.wait_revision(2, timeout=10)


def test_a_poll_says_who_asks_and_what_it_runs(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.upgrade = 503
    make_client(client_id="payments-1").start()
    eventually_blocking(lambda: len(hub.polls) >= 2)
    first, second = hub.polls[:2]
    assert (first["Setpoint-Client-Id"], first["Setpoint-Service"], first["Setpoint-Revision"]) == (
        "payments-1",
        "checkout-api",
        "0",
    )
    assert (first["Accept-Encoding"], second["Setpoint-Revision"]) == ("gzip", "1")


def test_a_name_that_no_header_carries_polls_without_saying_who(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.upgrade = 503
    assert make_client(client_id="zahlung-支付").start() == "polling"
    assert "Setpoint-Client-Id" not in hub.polls[0]


def test_what_has_not_changed_is_not_sent_again(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.upgrade = 503
    config = make_client()
    config.start()
    eventually_blocking(lambda: hub.poll_statuses[:3] == [200, 304, 304])
    hub.put(max_retries=4)
    assert config.wait_revision(2, timeout=10)


def test_push_is_tried_meanwhile_and_ends_the_polling(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.upgrade = 503
    config = make_client()
    config.start()
    eventually_blocking(lambda: hub.upgrades >= 3)
    hub.upgrade = "accept"
    eventually_blocking(lambda: config.status().state == "live")
    polls = len(hub.polls)
    hub.publish(max_retries=4)
    assert config.wait_revision(2, timeout=10)
    assert len(hub.polls) <= polls + 1
    assert config.status().source == "push"


def test_a_hub_that_lags_behind_moves_nothing_backwards(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.revision = 9
    config = make_client()
    config.start()
    hub.upgrade = 503
    hub.revision = 4
    hub.namespaces = {}
    hub.cut()
    eventually_blocking(lambda: hub.poll_statuses.count(200) >= 2)
    assert (config.status().revision, config.get_int("payments", "max_retries")) == (9, 3)


def test_another_history_is_taken_over_by_poll_too(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.revision = 9
    config = make_client()
    config.start()
    hub.upgrade = 503
    hub.epoch, hub.revision = OTHER_EPOCH, 0
    hub.put(max_retries=12)
    hub.cut()
    eventually_blocking(lambda: config.status().epoch == OTHER_EPOCH)
    assert (config.status().revision, config.get_int("payments", "max_retries")) == (1, 12)


def test_a_poll_can_be_refused_by_a_validator_and_is_not_judged_again_unchanged(
    hub: ScriptedHub, make_client: MakeClient
) -> None:
    hub.upgrade = 503
    config = make_client()
    config.start()

    @config.validator
    def few(snapshot: Snapshot) -> None:
        if snapshot.require_int("payments", "max_retries") > 10:
            raise ValueError("too many")

    hub.put(max_retries=50)
    eventually_blocking(lambda: config.status().refusals == 1)
    seen = len(hub.poll_statuses)
    eventually_blocking(lambda: len(hub.poll_statuses) >= seen + 2)
    assert hub.poll_statuses[-1] == 304
    assert (config.status().refusals, config.get_int("payments", "max_retries")) == (1, 3)


def test_the_polls_thread_never_holds_up_the_end_of_a_program(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.upgrade, hub.poll = "hang", "hang"
    config = make_client()
    config.start(wait=0)
    eventually_blocking(lambda: hub.polls)
    ours = [thread for thread in threading.enumerate() if thread.name.startswith("setpoint-")]
    assert {"setpoint-feed", "setpoint-listeners", "setpoint-poll"} <= {thread.name for thread in ours}
    assert all(thread.daemon for thread in ours)
    eventually_blocking(lambda: len(hub.polls) >= 2)


def test_a_redirect_is_not_followed(hub: ScriptedHub, make_client: MakeClient) -> None:
    hub.upgrade, hub.poll = 503, 302
    config = make_client()
    assert config.start(wait=0.5) == "starting"
    assert all(status == 302 for status in hub.poll_statuses)
    eventually_blocking(lambda: "302" in (config.status().last_error or "") or None)
