"""The params of every method of people and tools."""

import re
from datetime import UTC, datetime
from typing import Annotated, Any, Final, Literal, cast
from uuid import UUID

from pydantic import AfterValidator, BeforeValidator, Field

from setpoint.protocol.params import EnvironmentName, NamespaceName, WireModel

__all__ = [
    "LONGEST_EXPIRY_SECONDS",
    "ActivityParams",
    "AnyName",
    "ApplyParams",
    "ApproveParams",
    "ChangeParams",
    "ChangeSetParams",
    "CompareParams",
    "ConfirmParams",
    "CreateEnvironmentParams",
    "CreateKeyParams",
    "CreateReviewParams",
    "FleetParams",
    "HistoryParams",
    "Identifier",
    "KeyParams",
    "ListKeysParams",
    "ListReviewsParams",
    "NamespacesParams",
    "NoParams",
    "PromoteParams",
    "ProtectParams",
    "RequestStatusParams",
    "RevealParams",
    "ReviewParams",
    "ReviewTextParams",
    "Revision",
    "RollbackParams",
    "SetParams",
    "SnapshotParams",
    "StatedParams",
    "TemporaryParams",
    "UpdateKeyParams",
    "WriteParams",
    "read_time",
    "read_tuple",
]


LONGEST_EXPIRY_SECONDS: Final = 10 * 365 * 24 * 3600
"""What is meant to hold longer is meant to hold until it is revoked."""


def _uuid(found: object) -> object:
    if not isinstance(found, str):
        raise ValueError("a UUID is expected, as a string")  # noqa: TRY004  # what pydantic turns into an error
    try:
        return UUID(found)
    except ValueError as error:
        raise ValueError("that is no UUID") from error


def _moment(found: object) -> object:
    if found is None or (isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**62):
        return found
    try:
        given = datetime.fromisoformat(found if isinstance(found, str) else "")
        # Without a zone it is UTC; one that leaves the calendar on the way there is no time of ours.
        return (given if given.tzinfo else given.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError) as error:
        raise ValueError("a revision or a time in ISO 8601 is expected") from error


def _digest(found: object) -> object:
    if not isinstance(found, str) or re.fullmatch("[0-9a-f]{64}", found) is None:
        raise ValueError("64 hexadecimal digits are expected, as review.get gives them")
    return bytes.fromhex(found)


def read_tuple(found: object) -> object:
    """Return a list as a tuple, which a frozen model keeps."""
    return tuple(cast("list[object]", found)) if isinstance(found, list) else found


def read_time(found: object) -> object:
    """Return a time in ISO 8601 as a time of UTC; None stays None. Raises ValueError."""
    if found is None:
        return None
    moment = _moment(found if isinstance(found, str) else "")
    # A time that leaves the calendar on its way through the database is none of ours either.
    if not isinstance(moment, datetime) or not 1 < moment.year < 9999:
        raise ValueError("a time in ISO 8601 is expected")
    return moment


Tag = Annotated[str, Field(min_length=1, max_length=50)]
Identifier = Annotated[UUID, BeforeValidator(_uuid)]
Note = Annotated[str, Field(max_length=2000)]
Wait = Annotated[float, Field(ge=0, le=60, allow_inf_nan=False)]
Revision = Annotated[int, Field(ge=0, lt=2**62)]
Term = Annotated[float, Field(ge=1, le=90 * 86_400, allow_inf_nan=False)]
"""Seconds until a change takes itself back: 1 second to 90 days."""


def _text(found: str) -> str:
    if "\x00" in found or any("\ud800" <= character <= "\udfff" for character in found):
        raise ValueError("holds a character that no name can hold")
    return found


AnyName = Annotated[str, Field(max_length=1000), AfterValidator(_text)]
"""A name that is looked up: one that cannot exist is simply not found."""


Ticket = Annotated[str, Field(max_length=200), AfterValidator(_text)]
Text = Annotated[str, Field(max_length=2000), AfterValidator(_text)]
When = Annotated[datetime | None, BeforeValidator(read_time)]


class NoParams(WireModel):
    """Nothing is asked."""


class CreateEnvironmentParams(WireModel):
    """`environment.create`"""

    env: EnvironmentName
    protected: bool = False
    required_approvals: Annotated[int, Field(ge=0, le=10)] = 0
    after: AnyName | None = None


class ProtectParams(WireModel):
    """`environment.protect`"""

    env: AnyName
    protected: bool
    required_approvals: Annotated[int, Field(ge=0, le=10)] | None = None


class CreateKeyParams(WireModel):
    """`key.create`; the names and the type are checked by the method, which has a better answer."""

    namespace: str
    key: str
    type: str
    description: Note = ""
    owner: Annotated[str, Field(max_length=100)] = ""
    tags: Annotated[tuple[Tag, ...], BeforeValidator(read_tuple), Field(max_length=20)] = ()
    constraints: Any = None
    secret: bool = False


class UpdateKeyParams(WireModel):
    """`key.update`; what is absent stays, so ask `model_fields_set`. Type and secret are there to be refused."""

    namespace: AnyName
    key: AnyName
    description: Note = ""
    owner: Annotated[str, Field(max_length=100)] = ""
    tags: Annotated[tuple[Tag, ...], BeforeValidator(read_tuple), Field(max_length=20)] = ()
    constraints: Any = None
    type: Any = None
    secret: Any = None
    force: bool = False


class RevealParams(WireModel):
    """`secret.reveal`"""

    env: AnyName
    namespace: AnyName
    key: AnyName


class ChangeParams(WireModel):
    """One change of a `set`; whether a member was there at all matters, so ask `model_fields_set`."""

    namespace: AnyName
    key: AnyName
    value: Any = None
    delete: bool = False
    expected_version: Identifier | None = None


class StatedParams(WireModel):
    """What is stated of every write; `ticket` is kept when it becomes a review."""

    note: Note = ""
    request_id: Identifier | None = None
    wait: Wait | None = None
    break_glass: bool = False
    ticket: Ticket = ""
    force: bool = False


class WriteParams(StatedParams):
    """A write to one environment."""

    env: AnyName


class SetParams(WriteParams):
    """`set`; too many changes have an answer of their own."""

    changes: Annotated[list[ChangeParams], Field(min_length=1)]
    expires_in: Term | None = None
    confirm_within: Term | None = None


class CreateReviewParams(SetParams):
    """`review.create`"""

    at: When = None


class RollbackParams(WriteParams):
    """`rollback`: of one version, or of a change set by its revision.

    Whether `expected_version` was there at all matters, as in `set`.
    """

    namespace: AnyName | None = None
    key: AnyName | None = None
    version: Identifier | None = None
    expected_version: Identifier | None = None
    change_set: Revision | None = None


class KeyParams(WireModel):
    """`key.get`, and a key named among others."""

    namespace: AnyName
    key: AnyName


After = Annotated[list[AnyName], Field(min_length=2, max_length=2)]
"""The namespace and the key behind which a list goes on."""


class CompareParams(WireModel):
    """`compare`; without revisions both environments are looked at as they are now."""

    source: AnyName
    target: AnyName
    source_revision: Revision | None = None
    target_revision: Revision | None = None
    namespaces: Annotated[list[AnyName], Field(min_length=1, max_length=1000)] | None = None
    keys: Annotated[list[KeyParams], Field(min_length=1)] | None = None
    all: bool = False
    limit: Annotated[int, Field(ge=1, le=5000)] = 1000
    after: After | None = None


class PromoteParams(StatedParams):
    """`promote`; the revisions are those that the person saw. Too many keys have an answer of their own."""

    source: AnyName
    target: AnyName
    source_revision: Revision | None = None
    target_revision: Revision | None = None
    keys: Annotated[list[KeyParams], Field(min_length=1)] | None = None
    deletions: bool = False


class ReviewParams(WireModel):
    """`review.get`"""

    review: Revision


class ReviewTextParams(ReviewParams):
    """`review.reject`, `review.comment`, `review.withdraw` and `review.rebase`"""

    text: Text = ""


class ApproveParams(ReviewTextParams):
    """`review.approve`; `diff_hash` is the diff that was looked at, to approve that one and no other."""

    diff_hash: Annotated[bytes | None, BeforeValidator(_digest)] = None


class ApplyParams(ReviewParams):
    """`review.apply`: now, or at a time"""

    at: When = None
    request_id: Identifier | None = None
    wait: Wait | None = None
    break_glass: bool = False
    note: Text = ""


class ListReviewsParams(WireModel):
    """`review.list`"""

    env: AnyName | None = None
    state: Literal["open", "approved", "stale", "applied", "rejected", "withdrawn"] | None = None
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    before: Revision | None = None


class ConfirmParams(WireModel):
    """`change.confirm`"""

    env: AnyName
    revision: Revision


class TemporaryParams(WireModel):
    """`temporary.list`"""

    env: AnyName | None = None


class RequestStatusParams(WireModel):
    """`request.status`"""

    request_id: Identifier


class NamespacesParams(WireModel):
    """`namespace.list`"""

    env: AnyName | None = None


class ListKeysParams(WireModel):
    """`key.list`"""

    namespace: AnyName | None = None
    env: AnyName | None = None
    limit: Annotated[int, Field(ge=1, le=5000)] = 1000
    after: After | None = None


class HistoryParams(KeyParams):
    """`history`"""

    env: AnyName
    limit: Annotated[int, Field(ge=1, le=500)] = 50
    before: Revision | None = None


class SnapshotParams(WireModel):
    """`snapshot`; `at` is a revision or a time."""

    env: AnyName
    namespaces: Annotated[list[NamespaceName], Field(max_length=1000)] | None = None
    at: Annotated[int | datetime | None, BeforeValidator(_moment)] = None


class ChangeSetParams(WireModel):
    """`change_set.get` and `receipt`"""

    env: AnyName
    revision: Revision


class FleetParams(WireModel):
    """`fleet.list`"""

    env: AnyName | None = None
    service: AnyName | None = None


class ActivityParams(WireModel):
    """`activity.watch`"""

    env: AnyName | None = None
