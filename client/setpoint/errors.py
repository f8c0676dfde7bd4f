"""Everything that Setpoint's client and protocol raise on purpose.

SetpointError
├── InvalidName        a namespace, key, environment or client id outside the allowed names
├── InvalidValue       a value that does not fit its key's type or the limits
├── ProtocolError      the other side sent something that the wire contract does not allow
│   ├── NotJson        a frame that is not JSON at all
│   ├── NotJsonRpc     JSON, but not a JSON-RPC 2.0 object
│   └── InvalidRequest JSON-RPC 2.0, but not a request, notification or response
├── RequestFailed      the hub answered a request with an error
├── HubUnreachable     no answer from any hub: refused, timed out, cut off
├── NotReady           `start(required=True)` found no data in any source
├── KeyNotFound        a `require_*` read of a key that has no value
└── WrongType          a `require_*` read of a key that holds another type
"""

from typing import Any

__all__ = [
    "HubUnreachable",
    "InvalidName",
    "InvalidRequest",
    "InvalidValue",
    "KeyNotFound",
    "NotJson",
    "NotJsonRpc",
    "NotReady",
    "ProtocolError",
    "RequestFailed",
    "SetpointError",
    "WrongType",
]


class SetpointError(Exception):
    """Base of every error that Setpoint raises on purpose."""


class InvalidName(SetpointError):
    """A name is empty, too long, or holds a character that names may not hold."""

    def __init__(self, what: str, name: str, reason: str) -> None:
        super().__init__(what, name, reason)
        self.what = what
        self.name = name
        self.reason = reason

    def __str__(self) -> str:
        return f"{self.what} {self.name[:120]!r} {self.reason}"


class InvalidValue(SetpointError):
    """A value does not fit its type or the limits; `reason` is a sentence without the value itself."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def __str__(self) -> str:
        return self.reason


class ProtocolError(SetpointError):
    """The other side broke the wire contract."""


class NotJson(ProtocolError):
    """A frame is not JSON."""


class NotJsonRpc(ProtocolError):
    """A frame is JSON, but not one JSON-RPC 2.0 object."""


class InvalidRequest(ProtocolError):
    """A JSON-RPC object that is neither request, notification nor response; `id` is its id if it has one."""

    def __init__(self, reason: str, request_id: "str | int | None" = None) -> None:
        super().__init__(reason)
        self.reason = reason
        self.request_id = request_id

    def __str__(self) -> str:
        return self.reason


class RequestFailed(SetpointError):
    """The hub answered with an error.

    `kind` is the contract's word (`not_found`, `conflict`, …) or, for malformed messages, `protocol`;
    `data` holds what else the hub said, by name.
    """

    def __init__(self, message: str, *, kind: str, code: int = -32000, data: dict[str, Any] | None = None) -> None:
        super().__init__(message)
        self.message = message
        self.kind = kind
        self.code = code
        self.data = data or {}

    def __str__(self) -> str:
        return self.message


class HubUnreachable(SetpointError):
    """No hub could be reached, or the connection was lost before the answer came."""


class NotReady(SetpointError):
    """A client that was started with `required=True` has no data from any source."""


class KeyNotFound(SetpointError):
    """A required key has no value."""

    def __init__(self, namespace: str, key: str) -> None:
        super().__init__(namespace, key)
        self.namespace = namespace
        self.key = key

    def __str__(self) -> str:
        return f"{self.namespace}/{self.key} has no value"


class WrongType(SetpointError):
    """A required key holds a value of another type."""

    def __init__(self, namespace: str, key: str, *, expected: str, found: str) -> None:
        super().__init__(namespace, key, expected, found)
        self.namespace = namespace
        self.key = key
        self.expected = expected
        self.found = found

    def __str__(self) -> str:
        return f"{self.namespace}/{self.key} is of type {self.found}, not {self.expected}"
