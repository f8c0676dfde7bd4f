"""A client's life: constructing is free, starting and closing are bounded, reads always work."""

import asyncio
import subprocess
import sys
import threading
import time

import pytest

from client.conftest import MakeClient
from client.scripted_hub import RawServer, ScriptedHub, never_answer
from setpoint import ConfigClient
from support.waiting import eventually, eventually_blocking


@pytest.fixture(autouse=True)
def alone() -> None:
    """Let the threads of the tests before end."""
    eventually_blocking(lambda: not ours())


def ours() -> set[str]:
    return {thread.name for thread in threading.enumerate() if thread.name.startswith("setpoint-")}


def test_constructing_starts_nothing_and_reads_give_defaults() -> None:
    config = ConfigClient("checkout-api", "production", ["payments"], url="nonsense")
    assert config.status().state == "new"
    assert config.get("payments", "k") is None
    assert config.get_int("payments", "k", 3) == 3
    assert config.get_bool("payments", "k") is False
    assert (config.snapshot().revision, config.snapshot().epoch) == (0, None)
    assert config.wait_ready(0.01) is False
    assert ours() == set()
    config.close()
    assert config.status().state == "closed"


def test_one_namespace_given_as_a_text_is_one(hub: ScriptedHub) -> None:
    with ConfigClient("s", "production", "payments", url=hub.url, token=hub.token) as config:
        assert config.get_int("payments", "max_retries") == 3
    assert hub.watches[0]["namespaces"] == ["payments"]


def test_a_with_block_starts_and_closes(hub: ScriptedHub, make_client: MakeClient) -> None:
    with make_client() as config:
        assert config.status().state == "live"
        assert {"setpoint-feed", "setpoint-listeners"} <= ours()
    assert config.status().state == "closed"
    assert ours() == set()
    assert config.get_int("payments", "max_retries") == 3
    eventually_blocking(lambda: hub.watching == 0)


async def test_an_async_with_block_starts_and_closes_without_blocking_the_loop(make_client: MakeClient) -> None:
    async with make_client() as config:
        assert config.status().state == "live"
        assert config.get_int("payments", "max_retries") == 3
    assert config.status().state == "closed"
    await eventually(lambda: ours() == set())


async def test_a_loop_goes_on_while_a_start_waits(make_client: MakeClient) -> None:
    with RawServer(never_answer) as server:
        config = make_client(url=server.url)
        starting = asyncio.create_task(config.astart(wait=0.3))
        turns = 0
        while not starting.done():
            turns += 1
            await asyncio.sleep(0.01)
        assert await starting == "starting"
        assert turns > 5
        await config.aclose()


def test_a_process_that_can_start_no_thread_runs_on_its_defaults(
    make_client: MakeClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    config = make_client()
    with monkeypatch.context() as patched:
        patched.setattr(threading.Thread, "start", refuse)
        assert config.start(wait=0) == "starting"
    assert config.status().last_error == "can't start new thread"
    config.close()


def test_starting_twice_is_starting_once(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    assert config.start() == config.start() == "live"
    assert hub.upgrades == 1


def test_many_threads_may_start_at_once(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    states: list[str] = []
    threads = [threading.Thread(target=lambda: states.append(config.start())) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert states == ["live"] * 8
    assert hub.upgrades == 1


def test_closing_is_idempotent_and_final(make_client: MakeClient) -> None:
    config = make_client()
    config.start()
    config.close()
    config.close()
    assert config.start() == "closed"
    assert ours() == set()


def test_closing_a_client_that_waits_ends_the_wait(make_client: MakeClient) -> None:
    config = make_client(url="http://127.0.0.1:9")
    began = time.monotonic()
    waiter = threading.Thread(target=config.start, args=(30,))
    waiter.start()
    eventually_blocking(lambda: config.status().last_error)
    config.close()
    waiter.join(10)
    assert time.monotonic() - began < 10


def test_a_listener_may_close_the_client(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    config.on_change("payments")(lambda _: config.close())
    config.start()
    hub.publish(max_retries=5)
    eventually_blocking(lambda: config.status().state == "closed")
    eventually_blocking(lambda: ours() == set())


def test_a_wait_for_a_revision_that_never_comes_ends_at_its_timeout(make_client: MakeClient) -> None:
    config = make_client()
    config.start()
    assert config.wait_revision(1, timeout=0.01) is True
    assert config.wait_revision(99, timeout=0.01) is False


def test_a_live_namespace_follows_the_client_and_a_snapshots_does_not(
    hub: ScriptedHub, make_client: MakeClient
) -> None:
    config = make_client()
    config.start()
    live, fixed = config.namespace("payments"), config.snapshot().namespace("payments")
    hub.publish(max_retries=5)
    assert config.wait_revision(2, timeout=10)
    assert (live["max_retries"], fixed["max_retries"]) == (5, 3)


def test_mismatches_are_counted_in_the_status(make_client: MakeClient) -> None:
    config = make_client()
    config.start()
    assert config.get_str("payments", "max_retries", "three") == "three"
    assert config.get_bool("payments", "max_retries", True) is True
    assert config.status().mismatches == 2


def test_reads_under_updates_see_whole_revisions(hub: ScriptedHub, make_client: MakeClient) -> None:
    config = make_client()
    hub.put(left=0, right=0)
    config.start()
    torn: list[tuple[int, int]] = []
    done = threading.Event()

    def read() -> None:
        while not done.is_set():
            snapshot = config.snapshot()
            pair = snapshot.get_int("payments", "left"), snapshot.get_int("payments", "right")
            if pair[0] != pair[1]:
                torn.append(pair)

    reader = threading.Thread(target=read)
    reader.start()
    for value in range(1, 101):
        hub.publish(left=value, right=value)
    assert config.wait_revision(hub.revision, timeout=20)
    done.set()
    reader.join()
    assert torn == []
    assert config.get_int("payments", "left") == 100


SCRIPT = """
from setpoint import ConfigClient
config = ConfigClient("script", "production", ["payments"], url={url!r}, token="secret-token")
print(config.start({wait}), config.get_int("payments", "max_retries", 9))
"""


def test_a_name_server_that_does_not_answer_holds_up_no_end_of_a_program() -> None:
    hang = "import socket, time\nsocket.getaddrinfo = lambda *_, **__: time.sleep(60)\n"
    script = hang + SCRIPT.format(url="http://hub.invalid:8430", wait=0.3)
    began = time.monotonic()
    ended = subprocess.run([sys.executable, "-c", script], check=False, capture_output=True, text=True, timeout=30)
    assert (ended.returncode, ended.stdout.split(), ended.stderr) == (0, ["starting", "9"], "")
    assert time.monotonic() - began < 8


@pytest.mark.parametrize("silent", [False, True])
def test_a_script_that_never_closes_ends_at_once_and_in_silence(hub: ScriptedHub, silent: bool) -> None:
    with RawServer(never_answer) as server:
        script = SCRIPT.format(url=server.url if silent else hub.url, wait=0.5 if silent else 10)
        began = time.monotonic()
        command = [sys.executable, "-c", script]
        ended = subprocess.run(command, check=False, capture_output=True, text=True, timeout=30)
        assert (ended.returncode, ended.stderr) == (0, "")
        assert ended.stdout.split() == (["starting", "9"] if silent else ["live", "3"])
        assert time.monotonic() - began < 8
