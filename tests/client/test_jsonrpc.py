"""JSON-RPC envelopes."""

import pytest

from setpoint.errors import InvalidRequest, NotJson, NotJsonRpc, RequestFailed
from setpoint.protocol.jsonrpc import (
    INVALID_PARAMS,
    SYSTEM_ERROR,
    Call,
    Response,
    encode_call,
    encode_error,
    encode_result,
    read_frame,
)


def test_a_request_and_a_notification_come_back_as_they_were_sent() -> None:
    assert read_frame(encode_call("watch", {"env": "production"}, 7)) == Call("watch", {"env": "production"}, 7)
    notification = read_frame(encode_call("heartbeat", {}))
    assert isinstance(notification, Call)
    assert notification.is_notification


def test_an_answer_comes_back_as_it_was_sent() -> None:
    assert read_frame(encode_result("a", {"revision": 1})) == Response("a", result={"revision": 1})
    assert read_frame(encode_result(1, None)) == Response(1, result=None)


def test_an_error_keeps_its_kind_and_its_data() -> None:
    sent = RequestFailed("taken", kind="conflict", code=SYSTEM_ERROR, data={"conflicts": [1]})
    frame = read_frame(encode_error(3, sent))
    assert isinstance(frame, Response)
    assert frame.error is not None
    assert (frame.error.kind, frame.error.data, frame.error.message) == ("conflict", {"conflicts": [1]}, "taken")


def test_an_error_of_the_protocol_has_its_code_and_no_kind_of_its_own() -> None:
    frame = read_frame(encode_error(None, RequestFailed("bad", kind="protocol", code=INVALID_PARAMS)))
    assert isinstance(frame, Response)
    assert frame.error is not None
    assert (frame.error.code, frame.error.kind, frame.id) == (INVALID_PARAMS, "protocol", None)


@pytest.mark.parametrize("text", ["", "hello", "{"])
def test_a_frame_that_is_no_json_is_told_apart(text: str) -> None:
    with pytest.raises(NotJson):
        read_frame(text)


@pytest.mark.parametrize("text", ["1", "[]", '"x"', "{}", '{"jsonrpc":"1.0","method":"x"}', "null"])
def test_json_that_is_no_jsonrpc_is_told_apart(text: str) -> None:
    with pytest.raises(NotJsonRpc):
        read_frame(text)


@pytest.mark.parametrize(
    "members",
    [
        '"method":5',
        '"method":"x","params":[]',
        '"method":"x","params":null',
        '"method":"x","id":true',
        '"method":"x","id":1.5',
        '"method":"x","id":{}',
        '"id":1',
        '"method":"x","method":"y"',
    ],
)
def test_jsonrpc_with_something_wrong_in_it_is_told_apart(members: str) -> None:
    with pytest.raises(InvalidRequest):
        read_frame(f'{{"jsonrpc":"2.0",{members}}}')


@pytest.mark.parametrize("error", ["null", "5", "{}", '{"code":"x","data":[]}'])
def test_a_malformed_error_is_still_an_error(error: str) -> None:
    frame = read_frame(f'{{"jsonrpc":"2.0","id":1,"error":{error}}}')
    assert isinstance(frame, Response)
    assert frame.error is not None
