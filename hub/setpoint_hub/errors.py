"""What the hub raises on purpose.

HubError
├── StartRefused          the hub cannot start: the message says what to do
│   └── SchemaMismatch    the database lacks the schema, or has another version of it
├── DatabaseUnavailable   PostgreSQL cannot be reached, or did not answer in time
├── LogGap                a change set does not follow the revision that the replica holds
└── (setpoint.errors.RequestFailed)  an answer to a request, made by the functions below
"""

from collections.abc import Mapping
from uuid import UUID

from setpoint.errors import RequestFailed
from setpoint.protocol.jsonrpc import INVALID_PARAMS, SYSTEM_ERROR

__all__ = [
    "DatabaseUnavailable",
    "HubError",
    "LogGap",
    "SchemaMismatch",
    "StartRefused",
    "conflict",
    "forbidden",
    "invalid_params",
    "invalid_value",
    "not_found",
    "rate_limited",
    "review_required",
    "too_large",
    "unavailable",
]


class HubError(Exception):
    """Base of the hub's own errors."""


class StartRefused(HubError):
    """The hub cannot start as it was asked to."""


class SchemaMismatch(StartRefused):
    """The database's schema is not the one that this hub was written for."""


class DatabaseUnavailable(HubError):
    """PostgreSQL cannot be reached, or did not answer in time."""


class LogGap(HubError):
    """A change set does not follow the revision held: the environment has to be loaded anew."""


def not_found(message: str) -> RequestFailed:
    """Return the answer for what does not exist."""
    return RequestFailed(message, kind="not_found", code=SYSTEM_ERROR)


def conflict(message: str, conflicts: list[dict[str, str | None]] | None = None) -> RequestFailed:
    """Return the answer for a write that is based on what no longer holds."""
    data = {} if conflicts is None else {"conflicts": conflicts}
    return RequestFailed(message, kind="conflict", code=SYSTEM_ERROR, data=data)


def forbidden(message: str, *, needs: Mapping[str, str] | None = None) -> RequestFailed:
    """Return the answer for what the caller's token may not do; `needs` says what it lacks, when that can be told."""
    data = {} if needs is None else {"needs": dict(needs)}
    return RequestFailed(message, kind="forbidden", code=SYSTEM_ERROR, data=data)


def invalid_value(namespace: str, key: str, reason: str) -> RequestFailed:
    """Return the answer for a value or a name that does not fit."""
    return RequestFailed(
        f"{namespace}/{key}: {reason}",
        kind="invalid_value",
        code=SYSTEM_ERROR,
        data={"namespace": namespace, "key": key},
    )


def review_required(message: str, *, review: int, env: str, required_approvals: int) -> RequestFailed:
    """Return the answer for a change that waits for others' consent, and the review that it waits as."""
    data = {"review": review, "env": env, "required_approvals": required_approvals}
    return RequestFailed(message, kind="review_required", code=SYSTEM_ERROR, data=data)


def too_large(message: str) -> RequestFailed:
    """Return the answer for a request beyond a limit."""
    return RequestFailed(message, kind="too_large", code=SYSTEM_ERROR)


def rate_limited(message: str) -> RequestFailed:
    """Return the answer for too much at once."""
    return RequestFailed(message, kind="rate_limited", code=SYSTEM_ERROR)


def unavailable(message: str, *, outcome: str = "unchanged", request_id: UUID | None = None) -> RequestFailed:
    """Return the answer for what cannot be done now; `outcome` is `unchanged` or `unknown`."""
    data: dict[str, str] = {"outcome": outcome}
    if request_id is not None:
        data["request_id"] = str(request_id)
    return RequestFailed(message, kind="unavailable", code=SYSTEM_ERROR, data=data)


def invalid_params(message: str) -> RequestFailed:
    """Return the answer for params that are missing, of the wrong type or out of bounds."""
    return RequestFailed(message, kind="protocol", code=INVALID_PARAMS)
