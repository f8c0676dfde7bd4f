"""Params of the methods of the audit."""

from datetime import datetime
from typing import Annotated

from pydantic import BeforeValidator, Field

from setpoint.protocol.params import WireModel
from setpoint_hub.rpc.params import AnyName, Revision, read_time, read_tuple

__all__ = [
    "AuditExportParams",
    "AuditLogParams",
    "AuditVerifyParams",
    "KnownHead",
    "Place",
    "Time",
]


def _bytes(found: object) -> object:
    try:
        return bytes.fromhex(found if isinstance(found, str) else "?")
    except ValueError as error:
        raise ValueError("a hash in hexadecimal is expected") from error


Time = Annotated[datetime, BeforeValidator(read_time)]

Place = Annotated[tuple[Time, AnyName, Revision], BeforeValidator(read_tuple)]
"""Where a page of the audit log ended, as it said itself."""


class AuditLogParams(WireModel):
    """`audit.log`; `who` is a user's name or a token's id, `kind` the beginning of one."""

    env: AnyName | None = None
    since: Time | None = None
    until: Time | None = None
    who: AnyName | None = None
    kind: AnyName | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 100
    before: Place | None = None


class KnownHead(WireModel):
    """A head that was exported: of an environment's chain, or of the events' when it names none."""

    env: AnyName | None = None
    revision: Revision
    hash: Annotated[bytes, BeforeValidator(_bytes)]


class AuditVerifyParams(WireModel):
    """`audit.verify`: one environment, with the head of it that is known, or everything, with the heads of each."""

    env: AnyName | None = None
    head: KnownHead | None = None
    heads: Annotated[list[KnownHead], Field(max_length=1000, default_factory=list)]


class AuditExportParams(WireModel):
    """`audit.export`: the links of an environment's chain after a revision; without one, of the events."""

    env: AnyName | None = None
    after: Revision = 0
    limit: Annotated[int, Field(ge=1, le=1000)] = 500
