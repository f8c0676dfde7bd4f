"""What travels between a hub and a client, read without guessing."""

from typing import Any

import pytest
from pydantic import ValidationError

from setpoint.errors import ProtocolError
from setpoint.protocol.messages import (
    Current,
    Delta,
    Full,
    decode_change,
    decode_snapshot,
    decode_watch_result,
)
from setpoint.protocol.params import HeartbeatParams, WatchParams
from setpoint.protocol.strict_json import loads
from setpoint.protocol.validation import explain

POSITION = {"env": "production", "epoch": "e", "revision": 2}
ENTRY = {"type": "int", "value": 3, "version": "v"}


def test_the_three_modes_of_a_watch_result_are_read() -> None:
    namespaces = {"payments": {"max_retries": ENTRY}}
    snapshot = decode_watch_result({**POSITION, "mode": "snapshot", "namespaces": namespaces, "heartbeat_seconds": 5})
    changes = decode_watch_result(
        {**POSITION, "mode": "changes", "previous": 1, "namespaces": {"payments": {"x": None}}}
    )
    current = decode_watch_result({**POSITION, "mode": "current"})
    assert isinstance(snapshot[0], Full)
    assert snapshot[1] == 5.0
    assert isinstance(changes[0], Delta)
    assert changes[0].namespaces == {"payments": {"x": None}}
    assert isinstance(current[0], Current)
    assert current[1] == 10.0


def test_members_that_are_not_known_are_ignored() -> None:
    update = decode_snapshot({**POSITION, "namespaces": {"a": {"k": {**ENTRY, "new": 1}}}, "later": True})
    assert update.namespaces["a"]["k"].value == 3


def test_an_int_on_the_wire_is_a_float_for_a_key_of_floats() -> None:
    update = decode_snapshot({**POSITION, "namespaces": {"a": {"k": {"type": "float", "value": 3, "version": "v"}}}})
    assert type(update.namespaces["a"]["k"].value) is float


def test_a_change_says_how_soon_to_acknowledge() -> None:
    params = {**POSITION, "previous": 1, "namespaces": {}}
    assert decode_change(params).ack_within_seconds == 0.0
    assert decode_change({**params, "ack_within_seconds": 2}).ack_within_seconds == 2.0


@pytest.mark.parametrize(
    "entry",
    [
        '{"type":"int","value":"5","version":"v"}',
        '{"type":"int","value":true,"version":"v"}',
        '{"type":"int","value":1208925819614629174706176,"version":"v"}',
        '{"type":"float","value":1e400,"version":"v"}',
        '{"type":"float","value":NaN,"version":"v"}',
        '{"type":"json","value":{"a":1,"a":2},"version":"v"}',
        '{"type":"json","value":["\\ud800"],"version":"v"}',
        '{"type":"string","value":"\\u0000","version":"v"}',
        '{"type":"decimal","value":1,"version":"v"}',
        '{"type":"int","version":"v"}',
        '{"type":"int","value":5}',
        '{"type":5,"value":5,"version":"v"}',
        "[]",
        "5",
    ],
)
def test_a_value_that_cannot_be_one_is_refused(entry: str) -> None:
    with pytest.raises(ProtocolError):
        decode_snapshot({**POSITION, "namespaces": {"a": {"k": loads(entry)}}})


@pytest.mark.parametrize(
    "wrong",
    [
        {"revision": -1},
        {"revision": "2"},
        {"revision": True},
        {"revision": None},
        {"epoch": None},
        {"env": 5},
        {"namespaces": []},
        {"namespaces": {"a": None}},
        {"previous": 2},
        {"previous": None},
        {"ack_within_seconds": -1},
        {"ack_within_seconds": "soon"},
        {"ack_within_seconds": float("nan")},
    ],
)
def test_a_change_with_something_wrong_is_refused(wrong: dict[str, Any]) -> None:
    with pytest.raises(ProtocolError):
        decode_change({**POSITION, "previous": 1, "namespaces": {}, **wrong})


@pytest.mark.parametrize(
    "result", [None, [], {}, {"mode": "later"}, {"mode": "snapshot"}, {**POSITION, "mode": "changes"}]
)
def test_a_watch_result_that_is_none_is_refused(result: object) -> None:
    with pytest.raises(ProtocolError):
        decode_watch_result(result)


def test_watch_params_hold_names_and_types_strictly() -> None:
    good = {"client_id": "c", "service": "s", "env": "production", "namespaces": ["a"], "unknown": 1}
    assert WatchParams.model_validate(good).namespaces == ["a"]
    wrongs: list[dict[str, Any]] = [
        {"namespaces": []},
        {"namespaces": ["a b"]},
        {"client_id": ""},
        {"revision": "1"},
        {"service": ""},
    ]
    for wrong in wrongs:
        with pytest.raises(ValidationError) as caught:
            WatchParams.model_validate({**good, **wrong})
        assert explain(caught.value)


def test_what_is_wrong_with_a_message_is_told_without_what_it_held() -> None:
    with pytest.raises(ValidationError) as caught:
        HeartbeatParams.model_validate({"revision": "hunter2", "status": "applied", "source": "push"})
    assert explain(caught.value).startswith("revision: ")
    assert "hunter2" not in explain(caught.value)
