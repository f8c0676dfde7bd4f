"""Ten thousand changes as fast as a hub sends them: each applied once, in order, and listeners told of the outcome."""

import threading

from client.conftest import MakeClient
from client.scripted_hub import ScriptedHub
from setpoint import Change, Snapshot
from support.waiting import eventually_blocking

CHANGES = 10_000


def test_ten_thousand_changes_are_applied_once_each_and_listeners_get_them_merged(
    hub: ScriptedHub, make_client: MakeClient
) -> None:
    hub.publish(limit=0)
    config = make_client(poll_interval=60)
    applied: list[int] = []
    heard: list[Change] = []
    free = threading.Event()

    @config.validator
    def note(candidate: Snapshot) -> None:
        applied.append(candidate.revision)

    @config.on_change("payments", "limit")
    def listen(change: Change) -> None:
        # The first one takes as long as all the others together.
        free.wait(60)
        heard.append(change)

    config.start()
    frames = []
    for value in range(1, CHANGES + 1):
        hub.put(limit=value)
        held = {"limit": hub.namespaces["payments"]["limit"]}
        frames.append(hub.change(hub.revision - 1, {"payments": held}))
    hub.push_all(frames)
    assert config.wait_revision(hub.revision, timeout=60)
    assert config.get_int("payments", "limit") == CHANGES
    pushed = applied[applied.index(hub.revision - CHANGES + 1) :]
    assert pushed == list(range(hub.revision - CHANGES + 1, hub.revision + 1))

    free.set()
    eventually_blocking(lambda: heard and heard[-1].new == CHANGES)
    assert len(heard) == 2
    assert heard[1].old == heard[0].new
