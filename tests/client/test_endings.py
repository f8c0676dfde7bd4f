"""What an error means for the next attempt."""

import pytest
from websockets.datastructures import Headers
from websockets.exceptions import ConnectionClosedError, ConnectionClosedOK, InvalidStatus
from websockets.frames import Close
from websockets.http11 import Response

from setpoint.endings import Ended, by_http_status, why_ended
from setpoint.errors import ProtocolError, RequestFailed
from setpoint.replica import Gap


@pytest.mark.parametrize(
    ("code", "kind"),
    [
        (1000, "lost"),
        (1001, "lost"),
        (1011, "lost"),
        (1013, "lost"),
        (4401, "denied"),
        (4403, "denied"),
        (4409, "superseded"),
    ],
)
def test_a_close_code_says_what_to_do(code: int, kind: str) -> None:
    assert why_ended(ConnectionClosedError(Close(code, "why"), None)).kind == kind


def test_a_close_reason_may_name_a_delay() -> None:
    assert why_ended(ConnectionClosedOK(Close(1001, "bye; retry_after=5"), None)).retry_after == 5.0
    assert why_ended(ConnectionClosedOK(Close(1001, "bye"), None)).retry_after is None


@pytest.mark.parametrize(
    ("status", "kind"), [(401, "denied"), (403, "denied"), (404, "lost"), (429, "lost"), (503, "lost")]
)
def test_a_status_says_what_to_do(status: int, kind: str) -> None:
    assert why_ended(InvalidStatus(Response(status, "", Headers()))).kind == kind
    assert by_http_status(status, "because").kind == kind


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (Gap("x"), "gap"),
        (ProtocolError("x"), "lost"),
        (RequestFailed("x", kind="forbidden"), "denied"),
        (RequestFailed("x", kind="not_found"), "lost"),
        (OSError("x"), "lost"),
        (TimeoutError(), "lost"),
        (ConnectionClosedError(None, None), "lost"),
    ],
)
def test_an_error_says_what_to_do(error: Exception, kind: str) -> None:
    ended = why_ended(error)
    assert ended.kind == kind
    assert ended.reason


def test_a_reason_is_of_bounded_length() -> None:
    assert len(why_ended(RequestFailed("x" * 10_000, kind="unavailable")).reason) < 400
    assert isinstance(by_http_status(500, "x" * 10_000), Ended)
