"""JSON-RPC 2.0, one object per text frame: reading and writing its envelopes."""

from dataclasses import dataclass
from typing import Any, Final, cast

from setpoint.errors import InvalidRequest, NotJsonRpc, RequestFailed
from setpoint.protocol.strict_json import AmbiguousObject, dumps, loads

__all__ = [
    "INTERNAL_ERROR",
    "INVALID_PARAMS",
    "INVALID_REQUEST",
    "METHOD_NOT_FOUND",
    "PARSE_ERROR",
    "SYSTEM_ERROR",
    "Call",
    "Frame",
    "RequestId",
    "Response",
    "encode_call",
    "encode_error",
    "encode_result",
    "read_frame",
]

PARSE_ERROR: Final = -32700
INVALID_REQUEST: Final = -32600
METHOD_NOT_FOUND: Final = -32601
INVALID_PARAMS: Final = -32602
INTERNAL_ERROR: Final = -32603
SYSTEM_ERROR: Final = -32000
"""Setpoint's own errors; `data.kind` says which."""

RequestId = str | int


@dataclass(frozen=True, slots=True)
class Call:
    """A request, or a notification when it has no id."""

    method: str
    params: dict[str, Any]
    id: RequestId | None = None

    @property
    def is_notification(self) -> bool:
        return self.id is None


@dataclass(frozen=True, slots=True)
class Response:
    """An answer: a result, or an error; `id` is None when the request's own id could not be read."""

    id: RequestId | None
    result: Any = None
    error: RequestFailed | None = None


Frame = Call | Response


def read_frame(text: str) -> Frame:
    """Read one frame.

    Raises NotJson or NotJsonRpc for what is no JSON-RPC at all (its connection is then closed), and
    InvalidRequest for a JSON-RPC object with something wrong in it (which is answered).
    """
    frame: Any = loads(text)
    if not isinstance(frame, dict):
        raise NotJsonRpc("one JSON-RPC 2.0 object per frame is expected; batches are not taken")
    members = cast("dict[str, Any]", frame)
    if members.get("jsonrpc") != "2.0":
        raise NotJsonRpc('not JSON-RPC 2.0: the member "jsonrpc":"2.0" is missing')
    if isinstance(members, AmbiguousObject):
        raise InvalidRequest(f"the member {members.repeated[:40]!r} stands twice")
    request_id = _read_id(members)
    if "method" in members:
        return _read_call(members, request_id)
    if "result" in members:
        return Response(request_id, result=members["result"])
    if "error" in members:
        return Response(request_id, error=_read_error(members["error"]))
    raise InvalidRequest("a method, a result or an error is expected", request_id)


def _read_id(members: dict[str, Any]) -> RequestId | None:
    found: object = members.get("id")
    if found is None and "id" in members and "method" in members:
        raise InvalidRequest("an id is a string or an integer; a notification has none at all")
    if found is None or (isinstance(found, str | int) and not isinstance(found, bool)):
        return found
    raise InvalidRequest("an id is a string or an integer")


def _read_call(members: dict[str, Any], request_id: RequestId | None) -> Call:
    method: object = members["method"]
    if not isinstance(method, str):
        raise InvalidRequest("a method is a string", request_id)
    params: object = members.get("params", {})
    if not isinstance(params, dict):
        raise InvalidRequest("params are an object, by name", request_id)
    return Call(method, cast("dict[str, Any]", params), request_id)


def _read_error(found: object) -> RequestFailed:
    error = cast("dict[str, Any]", found) if isinstance(found, dict) else {}
    code: object = error.get("code")
    data: object = error.get("data")
    details = dict(cast("dict[str, Any]", data)) if isinstance(data, dict) else {}
    kind = str(details.pop("kind", "protocol"))
    return RequestFailed(
        str(error.get("message", "the hub gave no reason")),
        kind=kind,
        code=code if isinstance(code, int) else INTERNAL_ERROR,
        data=details,
    )


def encode_call(method: str, params: dict[str, Any], request_id: RequestId | None = None) -> str:
    """Return the text of a request, or of a notification when there is no id."""
    frame: dict[str, Any] = {"jsonrpc": "2.0", "method": method, "params": params}
    if request_id is not None:
        frame["id"] = request_id
    return dumps(frame)


def encode_result(request_id: RequestId, result: object) -> str:
    """Return the text of a successful answer."""
    return dumps({"jsonrpc": "2.0", "id": request_id, "result": result})


def encode_error(request_id: RequestId | None, error: RequestFailed) -> str:
    """Return the text of an error answer; Setpoint's own errors carry their kind in `data`."""
    body: dict[str, Any] = {"code": error.code, "message": error.message}
    data = dict(error.data)
    if error.code == SYSTEM_ERROR:
        data["kind"] = error.kind
    if data:
        body["data"] = data
    return dumps({"jsonrpc": "2.0", "id": request_id, "error": body})
