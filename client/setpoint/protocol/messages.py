"""What travels between a hub and a service's client: the watch, its updates, the heartbeat, the snapshot."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any, Literal, cast

from setpoint.errors import InvalidValue, ProtocolError
from setpoint.protocol.names import Epoch, Revision
from setpoint.protocol.values import Json, ValueType, check_value, is_value_type

__all__ = [
    "Changed",
    "Current",
    "Delta",
    "Entry",
    "Full",
    "Source",
    "Status",
    "Update",
    "decode_change",
    "decode_snapshot",
    "decode_watch_result",
]

Status = Literal["applied", "refused"]
Source = Literal["push", "poll", "disk"]

MOST_NAMESPACES = 100
"""Namespaces that one client may watch."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One key's active value; `version` is the ConfigVersion's id. A secret's value stays out of files and texts."""

    type: ValueType
    value: Json
    version: str
    secret: bool = False

    def __repr__(self) -> str:
        value = "…" if self.secret else repr(self.value)
        return f"Entry(type={self.type!r}, value={value}, version={self.version!r}, secret={self.secret})"


Values = dict[str, dict[str, Entry]]
"""Active values by namespace and key."""

Changed = dict[str, dict[str, Entry | None]]
"""What a delta touches, by namespace and key; None: the key has no active value any more."""


@dataclass(frozen=True, slots=True)
class Full:
    """Replace everything held."""

    env: str
    epoch: Epoch
    revision: Revision
    namespaces: Values


@dataclass(frozen=True, slots=True)
class Delta:
    """Apply on top of any revision from `previous` up to, not including, `revision`."""

    env: str
    epoch: Epoch
    previous: Revision
    revision: Revision
    namespaces: Changed
    ack_within_seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class Current:
    """What is held is already what `revision` holds."""

    env: str
    epoch: Epoch
    revision: Revision


Update = Full | Delta | Current


def decode_watch_result(result: object) -> tuple[Update, float]:
    """Read the result of `watch`: the update, and the seconds between heartbeats. Raises ProtocolError."""
    members = _object(result, "a watch result")
    heartbeat_seconds = _number(members.get("heartbeat_seconds", 10.0), "heartbeat_seconds")
    match members.get("mode"):
        case "snapshot":
            return decode_snapshot(members), heartbeat_seconds
        case "changes":
            return decode_change(members), heartbeat_seconds
        case "current":
            env, epoch, revision = _position(members)
            return Current(env, epoch, revision), heartbeat_seconds
        case mode:
            raise ProtocolError(f"a watch result has the unknown mode {mode!r}")


def decode_snapshot(body: object) -> Full:
    """Read a snapshot object. Raises ProtocolError."""
    members = _object(body, "a snapshot")
    env, epoch, revision = _position(members)
    namespaces = {
        namespace: {key: _entry(found) for key, found in keys.items()}
        for namespace, keys in _namespaces(members).items()
    }
    return Full(env, epoch, revision, namespaces)


def decode_change(params: object) -> Delta:
    """Read the params of `change`. Raises ProtocolError."""
    members = _object(params, "a change")
    env, epoch, revision = _position(members)
    previous = _whole(members.get("previous"), "previous")
    if previous >= revision:
        raise ProtocolError(f"a change to revision {revision} names {previous} as the one before it")
    namespaces: Changed = {
        namespace: {key: None if found is None else _entry(found) for key, found in keys.items()}
        for namespace, keys in _namespaces(members).items()
    }
    ack_within = _number(members.get("ack_within_seconds", 0.0), "ack_within_seconds")
    return Delta(env, epoch, previous, revision, namespaces, ack_within)


def _position(members: Mapping[str, Any]) -> tuple[str, Epoch, Revision]:
    env, epoch = members.get("env"), members.get("epoch")
    if not isinstance(env, str) or not isinstance(epoch, str):
        raise ProtocolError("env and epoch are strings")
    return env, Epoch(epoch), _whole(members.get("revision"), "revision")


def _namespaces(members: Mapping[str, Any]) -> dict[str, dict[str, Any]]:
    found = _object(members.get("namespaces"), "namespaces")
    return {namespace: _object(keys, "a namespace") for namespace, keys in found.items()}


def _entry(found: object) -> Entry:
    members = _object(found, "a value")
    value_type, version = members.get("type"), members.get("version")
    if not isinstance(value_type, str) or not is_value_type(value_type) or not isinstance(version, str):
        raise ProtocolError("a value has a type and a version")
    if "value" not in members:
        raise ProtocolError("a value is missing")
    try:
        # JSON has one kind of number: 3 on the wire is a float's 3.0.
        return Entry(value_type, check_value(value_type, members["value"]), version, members.get("secret") is True)
    except InvalidValue as error:
        if members.get("secret") is True:
            raise ProtocolError("the value of a secret does not fit its type or the limits") from None
        raise ProtocolError(f"a value does not fit its type or the limits: {error}") from error


def _object(found: object, what: str) -> dict[str, Any]:
    if not isinstance(found, dict):
        raise ProtocolError(f"{what} is an object")
    return cast("dict[str, Any]", found)


def _whole(found: object, what: str) -> Revision:
    if not isinstance(found, int) or isinstance(found, bool) or found < 0:
        raise ProtocolError(f"{what} is a whole number, 0 or more")
    return Revision(found)


def _number(found: object, what: str) -> float:
    if not isinstance(found, int | float) or isinstance(found, bool) or not 0 <= found < 1e9:
        raise ProtocolError(f"{what} is a number of seconds")
    return float(found)
