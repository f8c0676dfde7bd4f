"""A client in a forked child: it serves at once what the parent had, and follows from the first read on."""

import pytest

from client.processes import run, start
from client.scripted_hub import ScriptedHub
from support.waiting import eventually_blocking

PRELUDE = """
import os, sys, threading, time
from setpoint import ConfigClient
from setpoint.forks import Trap

def until(condition):
    deadline = time.monotonic() + 20
    while not condition():
        assert time.monotonic() < deadline, config.status()
        time.sleep(0.005)

def in_child(work):
    child = os.fork()
    if child == 0:
        code = 1
        try:
            work()
            code = 0
        finally:
            sys.stdout.flush()
            os._exit(code)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0

config = ConfigClient("checkout-api", "production", ["payments"], url=os.environ["HUB"], token="secret-token",
    poll_interval=0.2, start_timeout=10, **{more})
retries = config.setting("payments", "max_retries", 0)
bound = config.bind(dict, "payments")
assert config.start() == "live", config.status()

def ours():
    return sorted(thread.name for thread in threading.enumerate() if thread.name.startswith("setpoint-"))
"""


def program(body: str, more: str = "{}") -> str:
    return PRELUDE.replace("{more}", more) + body


READS = {
    "get": 'config.get("payments", "max_retries")',
    "get_int": 'config.get_int("payments", "max_retries")',
    "require_int": 'config.require_int("payments", "max_retries")',
    "namespace": 'config.namespace("payments")["max_retries"]',
    "snapshot": 'config.snapshot().get_int("payments", "max_retries")',
    "setting": "retries.value",
    "bound model": 'bound.current["max_retries"]',
}


@pytest.mark.parametrize("read", READS)
def test_the_first_read_in_a_child_gives_what_the_parent_had_and_starts_following(hub: ScriptedHub, read: str) -> None:
    body = """
def work():
    assert ours() == []
    assert READ == 3
    assert type(config._content.values) is dict
    until(lambda: config.status().state == "live")
    print(os.getpid(), flush=True)
in_child(work)
assert type(config._content.values) is dict and config.status().state == "live"
""".replace("READ", READS[read])
    child = run(program(body), HUB=hub.url)
    first, second = hub.watches
    assert first["client_id"] != second["client_id"]
    assert f"-{child}-" in second["client_id"]
    assert second["revision"] == 1


@pytest.mark.parametrize("how", ["config.after_fork()", "config.start()", "config.status()", "config.wait_ready(5)"])
def test_whatever_else_is_asked_of_a_child_starts_following_too(hub: ScriptedHub, how: str) -> None:
    body = f"""
def work():
    {how}
    until(lambda: config.status().state == "live")
in_child(work)
"""
    run(program(body), HUB=hub.url)
    assert len(hub.watches) == 2


def test_a_child_that_reads_nothing_costs_the_hub_nothing(hub: ScriptedHub) -> None:
    run(program("in_child(lambda: ours() == [] or sys.exit(1))\n"), HUB=hub.url)
    assert hub.upgrades == 1


def test_an_own_client_id_is_not_shared_with_a_child(hub: ScriptedHub) -> None:
    body = """
def work():
    config.after_fork()
    until(lambda: config.status().state == "live")
in_child(work)
until(lambda: config.status().state == "live")
assert config.status().reconnects == 0
"""
    run(program(body, "{'client_id': 'x' * 100}"), HUB=hub.url)
    first, second = hub.watches
    assert first["client_id"] == "x" * 100
    assert first["client_id"] != second["client_id"]
    assert len(second["client_id"]) == 100


def test_a_child_ends_without_a_word_on_the_parents_connection(hub: ScriptedHub) -> None:
    body = """
def work():
    config.get("payments", "max_retries")
    until(lambda: config.status().state == "live")
    kept = {link for link in map(os.readlink, SOCKETS())}
    assert not watched & kept, watched & kept
    config.close()
    import gc; gc.collect()
in_child(work)
print("child", flush=True)
assert config.wait_revision(2, 10)
assert config.get_int("payments", "max_retries") == 4
assert (config.status().state, config.status().reconnects) == ("live", 0)
"""
    sockets = """
def SOCKETS():
    return [f"/proc/self/fd/{fd}" for fd in os.listdir("/proc/self/fd") if os.path.lexists(f"/proc/self/fd/{fd}")]
def inode(fd):
    return os.readlink(f"/proc/self/fd/{fd}")
watched = {inode(fd) for fd in config._feed._made.descriptors()[:-1]}
"""
    with start(program(sockets + body), HUB=hub.url) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "child\n"
        eventually_blocking(lambda: hub.watching == 1)
        hub.publish(max_retries=4)
        _, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")


def test_listeners_are_called_in_the_child_of_what_the_child_hears(hub: ScriptedHub) -> None:
    body = """
heard = []
config.on_change("payments")(lambda change: heard.append(change.new))
child = os.fork()
if child == 0:
    config.after_fork()
print("ready", flush=True)
until(lambda: heard)
os.write(1, f"{heard}\\n".encode())
if child == 0:
    os._exit(0)
os.wait()
"""
    with start(program(body), HUB=hub.url) as process:
        eventually_blocking(lambda: hub.watching == 2)
        hub.publish(max_retries=4)
        output, errors = process.communicate(timeout=60)
    assert (process.returncode, errors) == (0, "")
    assert output.count("[4]") == 2


def test_many_forks_at_any_moment_of_an_update_all_read_and_follow(hub: ScriptedHub) -> None:
    body = """
stop = threading.Event()
def churn():
    from dataclasses import replace
    from setpoint.protocol.messages import Delta, Entry
    number = config._store.received.revision
    # The store's own thread would be the feed; its work is done here as fast as it goes.
    while not stop.is_set():
        held = config._store.received
        number = held.revision + 1
        config._signal._condition.acquire()
        config._store.apply(Delta("production", held.epoch, held.revision, number,
            {"payments": {"a": Entry("int", number, str(number)), "b": Entry("int", number, str(number))}}), "push")
        config._signal._condition.release()
churner = threading.Thread(target=churn)
churner.start()
def work():
    snapshot = config.snapshot()
    assert snapshot.get_int("payments", "a") == snapshot.get_int("payments", "b")
    until(lambda: config.status().state == "live")
    config.close()
for _ in range(30):
    in_child(work)
stop.set()
churner.join()
"""
    run(program(body), HUB=hub.url)
    assert len(hub.watches) == 31


def test_a_grandchild_follows_whether_or_not_the_child_did(hub: ScriptedHub) -> None:
    body = """
def follow():
    assert config.get_int("payments", "max_retries") == 3
    until(lambda: config.status().state == "live")
in_child(lambda: in_child(follow))
def child():
    follow()
    in_child(follow)
    assert config.status().reconnects == 0
in_child(child)
"""
    run(program(body), HUB=hub.url)


def test_a_client_closed_or_never_started_stays_so_in_a_child(hub: ScriptedHub) -> None:
    body = """
other = ConfigClient("other", "production", ["payments"])
config.close()
def work():
    assert config.get_int("payments", "max_retries") == 3
    assert config.status().state == "closed"
    assert other.get_int("payments", "max_retries", 9) == 9
    assert other.status().state == "new"
    assert ours() == []
in_child(work)
"""
    run(program(body), HUB=hub.url)


def test_many_threads_may_make_the_first_read_at_once(hub: ScriptedHub) -> None:
    body = """
def work():
    found = []
    def read():
        found.append(config.get_int("payments", "max_retries"))
    readers = [threading.Thread(target=read) for _ in range(8)]
    for reader in readers: reader.start()
    for reader in readers: reader.join()
    assert found == [3] * 8
    until(lambda: config.status().state == "live")
    assert ours().count("setpoint-feed") == 1
in_child(work)
"""
    run(program(body), HUB=hub.url)


def test_a_client_that_nobody_holds_any_more_is_not_kept_by_the_watch_for_forks() -> None:
    body = """
import gc, weakref
from setpoint import ConfigClient
import setpoint.forks
before = len(setpoint.forks._watched)
gone = weakref.ref(ConfigClient("other", "production", ["payments"]))
gc.collect()
assert gone() is None and len(setpoint.forks._watched) == before
"""
    run(body)
