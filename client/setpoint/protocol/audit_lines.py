"""The lines of an exported audit: one JSON object for each link of a chain, and for the heads at the end. Pure.

They hold no values: a value's digest stands for it. (What version 1 recorded cannot be verified without the values
themselves, which its lines therefore hold; there were no secrets then.)
"""

from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal
from uuid import UUID

from pydantic import AwareDatetime, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, ValidationError

from setpoint.errors import NotJson, ProtocolError
from setpoint.protocol.chain import ChainedChange, ChainedChangeSet, ChainedEvent, Link, Origin
from setpoint.protocol.strict_json import AmbiguousObject, dumps, loads
from setpoint.protocol.validation import explain
from setpoint.protocol.verification import Head

__all__ = ["ChainHead", "HeadLine", "InvalidLine", "head_line", "line_of", "read_line"]


class InvalidLine(ProtocolError):
    """A line that is none of an exported audit."""


def _hex(found: object) -> object:
    # What fromhex allows beyond the digits, spaces above all, would be another text for the same bytes.
    if not isinstance(found, str) or not set(found) <= set("0123456789abcdef"):
        raise ValueError("a hash in hexadecimal is expected")  # what pydantic turns into an error
    return bytes.fromhex(found)


def _uuid(found: object) -> object:
    if not isinstance(found, str) or str(UUID(found)) != found:
        raise ValueError("a UUID is expected")
    return UUID(found)


def _time(found: object) -> object:
    moment = datetime.fromisoformat(found if isinstance(found, str) else "")
    if _moment(moment) != found:
        raise ValueError("a time in UTC with microseconds is expected")
    return moment


Bytes = Annotated[bytes, BeforeValidator(_hex)]
Id = Annotated[UUID, BeforeValidator(_uuid)]
Time = Annotated[AwareDatetime, BeforeValidator(_time)]
Number = Annotated[int, Field(gt=0, lt=2**62)]


class _Line(BaseModel):
    model_config = ConfigDict(strict=True, extra="forbid", frozen=True, hide_input_in_errors=True)


class _Origin(_Line):
    address: str
    tool: str


class _Change(_Line):
    namespace: str
    key: str
    type: str
    previous_version: Id | None
    version: Id | None
    content: str | None
    new: bool


class _ChangeSetLine(_Line):
    kind: Literal["change_set"]
    form: Annotated[int, Field(ge=1, le=2)]
    env: str
    revision: Number
    change_set: Id
    how: str
    by: int
    token: Id
    note: str
    at: Time
    origin: _Origin
    request: Id
    request_hash: Bytes
    changes: list[_Change]
    previous_hash: Bytes
    hash: Bytes


class _EventLine(_Line):
    kind: Literal["event"]
    sequence: Number
    event: str
    at: Time
    by: int | None
    token: Id | None
    origin: _Origin
    env: str | None
    namespace: str | None
    key: str | None
    about: str
    previous_hash: Bytes
    hash: Bytes


class ChainHead(_Line):
    """Where one chain stood: an environment's, or that of the events (`env` null)."""

    env: str | None
    revision: Annotated[int, Field(ge=0, lt=2**62)]
    hash: Bytes

    @property
    def head(self) -> Head:
        """The head, as a check takes it."""
        return Head(self.revision, self.hash)


class HeadLine(_Line):
    """The last line of an export: where every exported chain stood."""

    kind: Literal["head"]
    heads: list[ChainHead]


_LINE: Final[TypeAdapter[_ChangeSetLine | _EventLine | HeadLine]] = TypeAdapter(
    Annotated[_ChangeSetLine | _EventLine | HeadLine, Field(discriminator="kind")]
)


def line_of(found: Link) -> dict[str, Any]:
    """Return a link as the object of its line."""
    hashes = {"previous_hash": found.previous.hex(), "hash": found.hash.hex()}
    if isinstance(found.record, ChainedEvent):
        return {**_event_members(found.record), **hashes}
    return {**_change_set_members(found.record), **hashes}


def head_line(heads: dict[str | None, Head]) -> dict[str, Any]:
    """Return the object of an export's last line, from the head of each chain."""
    listed = [{"env": env, "revision": head.number, "hash": head.hash.hex()} for env, head in heads.items()]
    return {"kind": "head", "heads": listed}


def read_line(text: str) -> Link | HeadLine:
    """Read a line of an export. Raises InvalidLine, saying what is wrong with it."""
    try:
        found = loads(text)
        # Half of a surrogate pair and a number beyond every type are JSON, and have no bytes to be hashed.
        dumps(found).encode()
    except (NotJson, ProtocolError, ValueError, RecursionError) as error:
        raise InvalidLine(str(error)) from error
    if isinstance(found, AmbiguousObject):
        raise InvalidLine(f"the member {found.repeated[:40]!r} stands twice")
    try:
        line = _LINE.validate_python(found)
    except ValidationError as error:
        raise InvalidLine(explain(error)) from error
    return line if isinstance(line, HeadLine) else _link(line)


def _link(line: _ChangeSetLine | _EventLine) -> Link:
    record = _event(line) if isinstance(line, _EventLine) else _change_set(line)
    return Link(record, line.previous_hash, line.hash)


def _change_set_members(record: ChainedChangeSet) -> dict[str, Any]:
    return {
        "kind": "change_set",
        "form": record.form,
        "env": record.env,
        "revision": record.revision,
        "change_set": str(record.id),
        "how": record.how,
        "by": record.by_id,
        "token": str(record.token_id),
        "note": record.note,
        "at": _moment(record.at),
        "origin": _origin_members(record.origin),
        "request": str(record.request_id),
        "request_hash": record.request_hash.hex(),
        "changes": [_change_members(change) for change in record.changes],
    }


def _change_members(change: ChainedChange) -> dict[str, Any]:
    return {
        "namespace": change.namespace,
        "key": change.key,
        "type": change.type,
        "previous_version": _id(change.previous_version),
        "version": _id(change.version),
        "content": change.content,
        "new": change.is_new,
    }


def _event_members(record: ChainedEvent) -> dict[str, Any]:
    return {
        "kind": "event",
        "sequence": record.sequence,
        "event": record.kind,
        "at": _moment(record.at),
        "by": record.user_id,
        "token": _id(record.token_id),
        "origin": _origin_members(record.origin),
        "env": record.env,
        "namespace": record.namespace,
        "key": record.key,
        "about": record.about,
    }


def _origin_members(origin: Origin) -> dict[str, str]:
    return {"address": origin.address, "tool": origin.tool}


def _change_set(line: _ChangeSetLine) -> ChainedChangeSet:
    if line.form == 1 and not _as_form_1(line):
        raise InvalidLine("form 1 covers no origin, no request_hash and no new: they are empty there")
    return ChainedChangeSet(
        form=line.form,
        id=line.change_set,
        env=line.env,
        revision=line.revision,
        how=line.how,
        by_id=line.by,
        token_id=line.token,
        note=line.note,
        at=line.at,
        origin=Origin(line.origin.address, line.origin.tool),
        request_id=line.request,
        request_hash=line.request_hash,
        changes=tuple(_change(change) for change in line.changes),
    )


def _as_form_1(line: _ChangeSetLine) -> bool:
    covered_later = (line.origin.address, line.origin.tool, line.request_hash, any(one.new for one in line.changes))
    return not any(covered_later)


def _change(found: _Change) -> ChainedChange:
    return ChainedChange(
        namespace=found.namespace,
        key=found.key,
        type=found.type,
        previous_version=found.previous_version,
        version=found.version,
        content=found.content,
        is_new=found.new,
    )


def _event(line: _EventLine) -> ChainedEvent:
    return ChainedEvent(
        sequence=line.sequence,
        kind=line.event,
        at=line.at,
        user_id=line.by,
        token_id=line.token,
        origin=Origin(line.origin.address, line.origin.tool),
        env=line.env,
        namespace=line.namespace,
        key=line.key,
        about=line.about,
    )


def _moment(at: datetime) -> str:
    return at.astimezone(UTC).isoformat(timespec="microseconds")


def _id(found: UUID | None) -> str | None:
    return None if found is None else str(found)
