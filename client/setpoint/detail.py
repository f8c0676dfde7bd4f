"""A value and why it is that one, in OpenFeature's words."""

from dataclasses import dataclass
from typing import Any, Generic, Literal, TypeVar

from setpoint.content import Content
from setpoint.kinds import MISFIT, convert, kind_of
from setpoint.status import Source, State

__all__ = ["Detail", "ErrorCode", "Reason", "detail_of", "reason_of"]

T_co = TypeVar("T_co", covariant=True)

Reason = Literal["STATIC", "CACHED", "STALE", "ERROR"]
"""`STATIC`: as a hub has it. `CACHED`: from the disk or the bootstrap, no hub has answered yet. `STALE`: no hub
confirms it at present. `ERROR`: it is the default, `error` says why."""

ErrorCode = Literal["FLAG_NOT_FOUND", "TYPE_MISMATCH", "PROVIDER_NOT_READY"]


@dataclass(frozen=True, slots=True)
class Detail(Generic[T_co]):
    """What a read gives, and why."""

    value: T_co
    reason: Reason
    error: ErrorCode | None
    """Why the value is the default; None when it is the key's."""
    revision: int


def reason_of(state: State, source: Source) -> Reason:
    """Return why a value that is held is given."""
    if state in ("live", "polling"):
        return "STATIC"
    return "CACHED" if state in ("new", "starting") and source in ("disk", "bootstrap") else "STALE"


def detail_of(content: Content, namespace: str, key: str, default: Any, reason: Reason) -> Detail[Any]:
    """Return what a read with that default gives at that content."""
    revision = content.held.revision
    entry = content.entry(namespace, key)
    if entry is None:
        missing: ErrorCode = "FLAG_NOT_FOUND" if content.has_data else "PROVIDER_NOT_READY"
        return Detail(default, "ERROR", missing, revision)
    value = convert(kind_of(default), entry, content.values[namespace][key])
    if value is MISFIT:
        return Detail(default, "ERROR", "TYPE_MISMATCH", revision)
    return Detail(value, reason, None, revision)
