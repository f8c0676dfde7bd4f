"""A log that skips a revision is no reason to be wrong: the environment is loaded anew, and nobody misses anything."""

import pytest

from setpoint.protocol.names import Revision
from setpoint_hub.store.log import Log, Tail
from support.hubs import RunningHub
from support.wire import Wire


async def test_watchers_get_what_a_hole_in_the_log_hid_from_the_hub(
    wire: Wire, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wire.create_key("limit")
    await wire.create_key("other")
    await wire.set(1, "limit")
    after = Log.after
    holes = 1

    async def with_a_hole(self: Log, env: str, revision: Revision) -> Tail:
        nonlocal holes
        tail = await after(self, env, revision)
        if holes and len(tail.change_sets) > 1:
            holes -= 1
            return Tail(tail.change_sets[1:], tail.now)
        return tail

    async with hub.connect() as watching:
        await watching.watch("watcher")
        # Two revisions at once, so that the hub reads both in one go and is shown only the second.
        monkeypatch.setattr(Log, "after", lambda *_: _nothing())
        await wire.set(2, "limit")
        await wire.set(3, "other")
        monkeypatch.setattr(Log, "after", with_a_hole)
        hub.hub._follower.look()
        change = await watching.next()
    assert holes == 0
    assert change["revision"] == 3
    values = {key: entry["value"] for key, entry in change["namespaces"]["payments"].items()}
    assert values == {"limit": 2, "other": 3}


async def _nothing() -> Tail:
    return Tail([], None)
