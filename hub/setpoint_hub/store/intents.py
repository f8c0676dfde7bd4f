"""What a write is asked to be, and what may stand in its way: the gate that every write passes."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Final, Protocol
from uuid import UUID

from setpoint.protocol.chain import Origin
from setpoint_hub.audit import Actor
from setpoint_hub.database import Connection, Row
from setpoint_hub.origin import FROM_HUB
from setpoint_hub.review import NO_TERMS, Asker, Terms

__all__ = [
    "BY_REVIEW",
    "Admitted",
    "Author",
    "BreakGlass",
    "ByReview",
    "Gate",
    "Held",
    "Intent",
    "Locked",
    "NewestRollback",
    "Propose",
    "SeenBefore",
]


@dataclass(frozen=True, slots=True)
class Author:
    """Who writes, by which token, and from where."""

    user_id: int
    token_id: UUID
    origin: Origin = FROM_HUB

    @property
    def actor(self) -> Actor:
        """The same, as the audit names it."""
        return Actor(self.user_id, self.token_id, self.origin)


@dataclass(frozen=True, slots=True)
class Intent:
    """A write as it was asked for. `request_id` is None when the caller gave none.

    `ticket` and `apply_at` matter when it becomes a review; `terms` say when the change takes itself back.
    """

    env: str
    how: str
    note: str
    author: Author
    request_id: UUID | None
    fingerprint: bytes
    ticket: str = ""
    apply_at: datetime | None = None
    terms: Terms = field(default=NO_TERMS)
    force: bool = False
    """Whether it may change more of the environment at once than a change set usually may."""


@dataclass(frozen=True, slots=True)
class Locked:
    """An environment under its writer's lock; `head` is its newest change so far."""

    env: str
    head: int
    protected: bool
    required_approvals: int


@dataclass(frozen=True, slots=True)
class Admitted:
    """The write may happen at once, and is recorded as done this way and for this reason; None: as asked for."""

    how: str | None = None
    note: str | None = None


@dataclass(frozen=True, slots=True)
class Held:
    """The write has to be reviewed first; `undoes` is the newest change when it takes that back."""

    undoes: int | None = None


class SeenBefore(Exception):
    """What is asked for was done before, by the change set (or as the review) of this row: nothing happens."""

    def __init__(self, row: Row) -> None:
        super().__init__()
        self.row = row


class Gate(Protocol):
    """What decides, under the environment's lock, whether a write happens at once."""

    async def admit(self, connection: Connection, intent: Intent, locked: Locked) -> Admitted | Held:
        """Decide; or raise SeenBefore, or the answer that refuses the write altogether."""
        ...

    async def record(self, connection: Connection, revision: int) -> None:
        """Write down what belongs to the write, in its own transaction."""
        ...


class ByReview:
    """Writes to a protected environment are reviewed first. What every write passes unless told otherwise."""

    async def admit(self, connection: Connection, intent: Intent, locked: Locked) -> Admitted | Held:  # noqa: ARG002  # the protocol's
        """Hold what concerns a protected environment."""
        return Held() if locked.protected else Admitted()

    async def record(self, connection: Connection, revision: int) -> None:
        """There is nothing to record."""


BY_REVIEW: Final = ByReview()


class Propose(ByReview):
    """A proposal: reviewed first, whether the environment is protected or not."""

    async def admit(self, connection: Connection, intent: Intent, locked: Locked) -> Admitted | Held:  # noqa: ARG002  # the protocol's
        """Hold it."""
        return Held()


class BreakGlass(ByReview):
    """An admin's way around the review, which says of itself that it is one. Who may take it is checked before."""

    async def admit(self, connection: Connection, intent: Intent, locked: Locked) -> Admitted | Held:  # noqa: ARG002  # the protocol's
        """Admit it; where nothing is protected there is no glass to break."""
        return Admitted(f"break glass: {intent.how}") if locked.protected else Admitted()


# What was itself taken back is no way around a review: it may have been approved for a time only, or never. Nor is a
# value that was to end: it would stay, since what was put back on purpose is left.
_NEWEST: Final = """
    SELECT coalesce(r.author, s.changed_by) AS author,
           coalesce(r.how, s.how) ~ '^(break glass: )?(rollback|expiry of r|r[0-9]+ was not confirmed)' AS took_back,
           $3::uuid IS NULL OR EXISTS (
               SELECT FROM Change c
               WHERE c.env = s.env AND c.revision = s.revision AND c.key_id = $3 AND c.previous_version_id = $4
           ) AS takes_back,
           EXISTS (
               SELECT FROM Change c
               JOIN Change b ON b.env = c.env AND b.key_id = c.key_id AND b.version_id = c.previous_version_id
               JOIN Deadline d ON d.env = b.env AND d.revision = b.revision
               WHERE c.env = s.env AND c.revision = s.revision AND d.outcome IS DISTINCT FROM 'confirmed'
           ) AS was_to_end
    FROM ChangeSet s LEFT JOIN Review r ON r.env = s.env AND r.applied_revision = s.revision
    WHERE s.env = $1 AND s.revision = $2
"""


@dataclass(frozen=True, slots=True)
class NewestRollback:
    """A rollback, of a change set or of one key to a version: of the newest change it needs one approver only.

    Who may approve, and did not author that change, is the one; for anybody else it becomes a review that
    needs one approval.
    """

    asker: Asker
    change_set: int | None = None
    key_id: UUID | None = None
    version: UUID | None = None

    async def admit(self, connection: Connection, intent: Intent, locked: Locked) -> Admitted | Held:
        """Look whether it is the newest change that is taken back, and who made it."""
        if not locked.protected:
            return Admitted()
        if self.change_set not in (None, locked.head):
            return Held()
        newest = await connection.row(_NEWEST, intent.env, locked.head, self.key_id, self.version)
        if newest is None or newest["took_back"] or newest["was_to_end"] or not newest["takes_back"]:
            return Held()
        is_other = newest["author"] != self.asker.user_id
        return Admitted() if self.asker.approves and is_other else Held(undoes=locked.head)

    async def record(self, connection: Connection, revision: int) -> None:
        """There is nothing to record."""
