"""What a client is told when it begins to watch, and the frames that follow. Pure."""

import json
from typing import Any

import pytest

from setpoint.protocol.jsonrpc import Call
from setpoint.protocol.names import Revision
from setpoint.protocol.params import WatchParams
from setpoint_hub.fanout import change_frame
from setpoint_hub.replica import Replica
from setpoint_hub.watching import watch_answer
from support.change_sets import EPOCH, key_change, replica

NOW = replica(
    [key_change("payments/a", 1)],
    [key_change("payments/b", 2)],
    [key_change("search/a", 3)],
    [key_change("payments/a", None)],
    [key_change("global/a", 5)],
)


def answer(asked_revision: int | None, *namespaces: str, epoch: str | None = EPOCH, now: Replica = NOW) -> Any:
    asked = WatchParams(
        client_id="checkout-1",
        service="checkout",
        env="staging",
        namespaces=list(namespaces),
        epoch=epoch,
        revision=asked_revision,
    )
    frame = json.loads(watch_answer(Call("watch", {}, 'an "id"'), asked, now, namespaces, 2.5))
    assert (frame["jsonrpc"], frame["id"]) == ("2.0", 'an "id"')
    assert frame["result"]["heartbeat_seconds"] == 2.5
    return frame["result"]


def test_a_first_load_gets_everything() -> None:
    result = answer(None, "payments", "empty", epoch=None)
    assert (result["mode"], result["revision"], result["epoch"]) == ("snapshot", 5, EPOCH)
    assert {name: list(keys) for name, keys in result["namespaces"].items()} == {"payments": ["b"], "empty": {}} | {
        "empty": []
    }


@pytest.mark.parametrize(
    ("revision", "epoch"),
    [(3, "another"), (3, None), (None, EPOCH), (6, EPOCH)],
    ids=["another history", "no epoch", "no revision", "from the future"],
)
def test_a_position_that_means_nothing_here_gets_everything(revision: int | None, epoch: str | None) -> None:
    assert answer(revision, "payments", epoch=epoch)["mode"] == "snapshot"


def test_a_client_that_fell_behind_gets_what_changed_since() -> None:
    result = answer(1, "payments", "search", "global")
    assert (result["mode"], result["previous"], result["revision"]) == ("changes", 1, 5)
    assert {name: set(keys) for name, keys in result["namespaces"].items()} == {
        "payments": {"a", "b"},
        "search": {"a"},
        "global": {"a"},
    }
    assert result["namespaces"]["payments"]["a"] is None


@pytest.mark.parametrize(("revision", "mode"), [(3, "changes"), (4, "current"), (5, "current")])
def test_a_client_is_current_when_its_own_namespaces_are(revision: int, mode: str) -> None:
    result = answer(revision, "payments")
    assert (result["mode"], result["revision"]) == (mode, 5)
    assert ("namespaces" in result) == (mode == "changes")


def test_an_empty_environment_has_a_snapshot_at_revision_zero() -> None:
    result = answer(None, "payments", epoch=None, now=replica())
    assert (result["mode"], result["revision"], result["namespaces"]) == ("snapshot", 0, {"payments": {}})


def test_who_holds_revision_zero_of_an_empty_environment_is_current() -> None:
    assert answer(0, "payments", now=replica())["mode"] == "current"


def test_a_change_frame_is_a_notification_with_its_position() -> None:
    frame = change_frame("staging", EPOCH, Revision(4), Revision(7), '{"payments":{"a":null}}', 0.2)
    assert json.loads(frame) == {
        "jsonrpc": "2.0",
        "method": "change",
        "params": {
            "env": "staging",
            "epoch": EPOCH,
            "previous": 4,
            "revision": 7,
            "namespaces": {"payments": {"a": None}},
            "ack_within_seconds": 0.2,
        },
    }


def test_few_watchers_are_not_asked_to_spread_their_acknowledgements() -> None:
    frame = change_frame("staging", EPOCH, Revision(4), Revision(7), "{}", 0.0199)
    assert "ack_within_seconds" not in json.loads(frame)["params"]
