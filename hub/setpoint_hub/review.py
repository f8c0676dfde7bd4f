"""Reviews: where one stands, whose approvals count, and who may do what. Pure."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final, Literal
from uuid import UUID

from setpoint.errors import RequestFailed
from setpoint.protocol.strict_json import dumps
from setpoint_hub.errors import conflict, forbidden, review_required
from setpoint_hub.plan import Active, Step
from setpoint_hub.store.keys import Key

__all__ = [
    "ACTIONS",
    "NO_TERMS",
    "Action",
    "Asker",
    "Base",
    "Edits",
    "Review",
    "Schedule",
    "State",
    "Stored",
    "Terms",
    "approvals_needed",
    "checks_of",
    "diff_hash",
    "plan_application",
    "refusal",
    "refuse_nothing_left",
]

Stored = Literal["open", "applied", "rejected", "withdrawn"]
State = Literal["open", "approved", "stale", "applied", "rejected", "withdrawn"]
Action = Literal["approve", "reject", "comment", "withdraw", "rebase", "schedule", "apply", "break_glass"]

ACTIONS: Final[tuple[Action, ...]] = (
    "approve",
    "reject",
    "comment",
    "withdraw",
    "rebase",
    "schedule",
    "apply",
    "break_glass",
)
APPROVING_ROLES: Final = frozenset({"approver", "admin"})


@dataclass(frozen=True, slots=True)
class Asker:
    """Who wants to do something: a person, whichever of their tokens they use, in that token's role."""

    user_id: int
    role: str

    @property
    def approves(self) -> bool:
        return self.role in APPROVING_ROLES


@dataclass(frozen=True, slots=True)
class Terms:
    """When a change takes itself back, in seconds after it: at a time, or unless it is confirmed by then."""

    expires_in: float | None = None
    confirm_within: float | None = None


NO_TERMS: Final = Terms()


@dataclass(frozen=True, slots=True)
class Base:
    """What an edit of a review was based on, and what is active now."""

    namespace: str
    key: str
    version: UUID | None
    now: UUID | None

    @property
    def moved(self) -> bool:
        return self.version != self.now


@dataclass(frozen=True, slots=True)
class Schedule:
    """When a hub is to apply a review, on whose account."""

    at: datetime
    user_id: int
    user_name: str
    token_id: UUID


@dataclass(frozen=True, slots=True)
class Review:
    """A proposed change, as of one moment."""

    id: int
    env: str
    how: str
    author_id: int
    author_name: str
    reason: str
    ticket: str
    created_at: datetime
    terms: Terms
    base_revision: int
    diff_hash: bytes
    checks: list[dict[str, Any]]
    stored: Stored
    applied_revision: int | None
    undoes: int | None
    """The change that it takes back, when that was the newest as the review was made."""
    schedule: Schedule | None
    needed: int
    approvers: frozenset[int]
    """Who approved this very diff, its author left out; while it is open, by tokens that were not revoked since."""
    bases: tuple[Base, ...]

    @property
    def namespaces(self) -> frozenset[str]:
        """Every namespace that it touches: a review is seen whole, by who reaches all of them, or not at all."""
        return frozenset(base.namespace for base in self.bases)

    @property
    def moved(self) -> tuple[Base, ...]:
        """The keys that changed since the base was read."""
        return tuple(base for base in self.bases if base.moved)

    @property
    def state(self) -> State:
        if self.stored != "open":
            return self.stored
        if self.moved:
            return "stale"
        return "approved" if len(self.approvers) >= self.needed else "open"


Edits = Sequence[tuple[Step, UUID | None]]
"""What a review does to each key, each with the version that it is based on."""


def approvals_needed(*, protected: bool, required: int, takes_back_newest: bool) -> int:
    """Return how many approvals a change needs: taking back the newest change never needs more than one."""
    if not protected:
        return 0
    return min(1, required) if takes_back_newest else required


def refusal(action: Action, review: Review, asker: Asker, *, needed: int | None = None) -> RequestFailed | None:
    """Return why somebody may not do something with a review as it stands, or None when they may.

    `needed` approvals replace those that the review was read with.
    """
    return _by_person(action, review, asker) or _by_state(action, review, review.needed if needed is None else needed)


def _by_person(action: Action, review: Review, asker: Asker) -> RequestFailed | None:
    is_author = asker.user_id == review.author_id
    name, why = f"review {review.id}", ""
    match action:
        case "approve" | "reject" if not asker.approves:
            why = f"the role {asker.role} does not {action} reviews: an approver or an admin does"
        case "approve" if is_author:
            why = f"{name} is your own: somebody else has to approve it"
        case "reject" if is_author:
            why = f"{name} is your own: withdraw it instead"
        case "withdraw" | "rebase" if not is_author:
            why = f"{name} is {review.author_name}'s: only its author can {action} it"
        case "apply" | "schedule" if not is_author and not asker.approves:
            why = f"{name} is applied by its author, an approver or an admin"
        case "break_glass" if asker.role != "admin":
            why = f"the role {asker.role} does not break the glass: an admin does"
        case _ if asker.role == "reader":
            why = "the role reader only reads: use a token of another role"
        case _:
            pass
    return forbidden(why) if why else None


def _by_state(action: Action, review: Review, needed: int) -> RequestFailed | None:
    if action == "comment":
        return None
    if review.stored != "open":
        return conflict(f"review {review.id} is {review.stored} already{_as_revision(review)}")
    if action in ("approve", "apply", "break_glass") and review.moved:
        return _moved(review)
    if action == "apply" and len(review.approvers) < needed:
        given = len(review.approvers)
        return review_required(
            f"review {review.id} has {given} of {needed} approvals: it cannot be applied yet",
            review=review.id,
            env=review.env,
            required_approvals=needed,
        )
    return None


def _as_revision(review: Review) -> str:
    return "" if review.applied_revision is None else f", as revision {review.applied_revision} of {review.env}"


def _moved(review: Review) -> RequestFailed:
    moved = review.moved
    names = ", ".join(f"{base.namespace}/{base.key}" for base in moved[:5]) + (" and more" if len(moved) > 5 else "")
    return conflict(
        f"{names} changed in {review.env} since review {review.id} was based on it: "
        f"{review.author_name} has to rebase it, and it has to be approved anew",
        [
            {
                "namespace": base.namespace,
                "key": base.key,
                "expected_version": _id(base.version),
                "active_version": _id(base.now),
            }
            for base in moved
        ],
    )


def plan_application(review: Review, edits: Edits, active: Mapping[UUID, Active]) -> list[Step]:
    """Plan what a review does, from what is active now. Raises `conflict` when a base has moved."""
    steps = [Step(step.key, active.get(step.key.id), step.after, is_new=step.is_new) for step, _ in edits]
    for step, (_, base) in zip(steps, edits, strict=True):
        if (step.before.version if step.before else None) != base:
            raise conflict(f"{_name(step.key)} changed in {review.env} just now: review {review.id} has to be rebased")
    return steps


def refuse_nothing_left(review: Review, edits: Edits) -> None:
    """Raise `conflict` when a key already is what a review would make of it: it cannot be based on that."""
    done = [step for step, base in edits if (step.after.version if step.after else None) == base]
    if done:
        names = ", ".join(_name(step.key) for step in done[:5])
        raise conflict(
            f"{names}: {review.env} is already as review {review.id} wants it; withdraw it, and propose what is left"
        )


def diff_hash(env: str, edits: Edits, terms: Terms) -> bytes:
    """Return the SHA-256 of what an approval is given to: every edit, what it is based on, and for how long."""
    content = {
        "env": env,
        "expires_in": terms.expires_in,
        "confirm_within": terms.confirm_within,
        "edits": [
            [step.key.namespace, step.key.key, step.key.type, *_after(step), _id(base)]
            for step, base in sorted(edits, key=lambda edit: (edit[0].key.namespace, edit[0].key.key))
        ],
    }
    return hashlib.sha256(dumps(content).encode()).digest()


def checks_of(env: str, edits: Edits, revision: int, *, warnings: Sequence[str], forced: str) -> list[dict[str, Any]]:
    """Return the checks that a change passed to become a review: what it is based on is read with them.

    `warnings` are constraints that it breaks as the values before did; `forced` is such as `40 of 100 keys`, of a
    change that is larger than changes usually may be.
    """
    broken = f"broken as before, and no more: {'; '.join(warnings)[:1000]}" if warnings else "none is broken"
    keys = "1 key" if len(edits) == 1 else f"{len(edits)} keys"
    values = sum(1 for step, _ in edits if step.after is not None)
    typed = f"{values} of {keys} {'gets' if len(edits) == 1 else 'get'} a value"
    return [
        {
            "name": "type",
            "ok": True,
            "detail": f"{typed}, and each fits its key's type" if values else "values are taken away alone",
        },
        {"name": "constraints", "ok": True, "detail": broken},
        {"name": "size", "ok": True, "detail": f"{forced} at once: forced by its author" if forced else keys},
        {"name": "base", "ok": True, "detail": f"based on {env} at revision {revision}"},
    ]


def _after(step: Step) -> tuple[str | None, str | None, bool]:
    return (None, None, step.is_new) if step.after is None else (_id(step.after.version), step.after.text, step.is_new)


def _id(version: UUID | None) -> str | None:
    return None if version is None else str(version)


def _name(key: Key) -> str:
    return f"{key.namespace}/{key.key}"
