"""What a hub answers about reviews."""

from datetime import datetime
from typing import Any

from pydantic import Field

from setpoint_tui.answers import Answer, Change, Person

__all__ = [
    "Approvals",
    "KeyReference",
    "Permission",
    "Review",
    "ReviewChange",
    "ReviewCheck",
    "ReviewDecision",
    "ReviewList",
]


class Approvals(Answer):
    """How many approvals a review needs, and has."""

    needed: int
    given: int


class KeyReference(Answer):
    """A key by its name."""

    namespace: str
    key: str


class ReviewChange(Change):
    """What a review will do to one key; `moved` when that has changed since it was based on it, to `now`."""

    moved: bool = False
    now: Any = None
    active_version: str | None = None


class ReviewDecision(Answer):
    """What somebody said or did about a review; `counts` tells of an approval whether it stands."""

    kind: str
    by: Person
    at: datetime
    text: str
    diff_hash: str = ""
    counts: bool | None = None


class ReviewCheck(Answer):
    """Something that was looked at when a review was based on its environment."""

    name: str
    ok: bool
    detail: str


class Permission(Answer):
    """Whether the asker may do something, and why not."""

    allowed: bool
    why: str | None = None


class Review(Answer):
    """A change that waits for others' consent; of a list, without changes, decisions, checks and permissions."""

    id: int
    env: str
    state: str
    how: str
    author: Person
    reason: str
    ticket: str = ""
    created_at: datetime
    key_count: int
    keys: tuple[KeyReference, ...] = ()
    approvals: Approvals
    base_revision: int
    diff_hash: str
    expires_in: float | None = None
    confirm_within: float | None = None
    apply_at: datetime | None = None
    scheduled_by: Person | None = None
    applied_revision: int | None = None
    checks: tuple[ReviewCheck, ...] = ()
    changes: tuple[ReviewChange, ...] = ()
    decisions: tuple[ReviewDecision, ...] = ()
    may: dict[str, Permission] = Field(default_factory=dict[str, Permission])


class ReviewList(Answer):
    """Some of the reviews, the newest first."""

    reviews: tuple[Review, ...]
    next: int | None = None
