"""Reviews out of the database, as they stand: what they are based on and who approved them is read with them."""

from collections.abc import Iterable
from typing import Final, cast
from uuid import UUID

from setpoint.errors import RequestFailed
from setpoint.protocol.values import decode_value
from setpoint_hub.database import Connection, Row
from setpoint_hub.errors import not_found
from setpoint_hub.plan import Active, Step
from setpoint_hub.review import Base, Review, Schedule, Terms, approvals_needed
from setpoint_hub.store.keyrings import wrapped_in
from setpoint_hub.store.keys import Key

__all__ = ["find_review", "lock_review", "no_review", "read_reviews", "step_of"]

_FIND: Final = """
    SELECT r.*, a.name AS author_name, p.name AS scheduled_by_name,
           e.revision AS head, e.protected, e.required_approvals,
           ARRAY (
               SELECT d.decided_by FROM ReviewDecision d JOIN Token t ON t.token_id = d.token_id
               WHERE d.review_id = r.review_id AND d.kind = 'approve' AND d.diff_hash = r.diff_hash
                 AND d.decided_by <> r.author AND (r.state <> 'open' OR t.revoked_at IS NULL)
           ) AS approvers
    FROM Review r
    JOIN Account a ON a.user_id = r.author
    JOIN Environment e ON e.env = r.env
    LEFT JOIN Account p ON p.user_id = r.scheduled_by
    WHERE r.review_id = ANY ($1::bigint[])
    ORDER BY r.review_id DESC
"""

_BASES: Final = """
    SELECT x.review_id, k.namespace, k.key, x.base_version_id, v.version_id AS now
    FROM ReviewEdit x
    JOIN Review r ON r.review_id = x.review_id
    JOIN ConfigKey k ON k.key_id = x.key_id
    LEFT JOIN ConfigVersion v ON v.env = r.env AND v.key_id = x.key_id AND v.is_active
    WHERE x.review_id = ANY ($1::bigint[])
    ORDER BY x.review_id, k.namespace, k.key
"""

_LOCK: Final = "SELECT FROM Review WHERE review_id = $1 FOR UPDATE"


async def lock_review(connection: Connection, review_id: int) -> Review:
    """Lock a review until the transaction's end, and return it as it stands. Raises `not_found`."""
    await connection.row(_LOCK, review_id)
    return await find_review(connection, review_id)


async def find_review(connection: Connection, review_id: int) -> Review:
    """Return a review as it stands. Raises `not_found`."""
    found = await read_reviews(connection, [review_id])
    if not found:
        raise no_review(review_id)
    return found[0]


def no_review(review_id: int) -> RequestFailed:
    """Return the answer for a review that does not exist, or not for who asks."""
    return not_found(f"there is no review {review_id}: see the list of reviews")


async def read_reviews(connection: Connection, ids: Iterable[int]) -> list[Review]:
    """Return the reviews with these ids, the newest first; one that there is not is left out."""
    asked = list(ids)
    bases: dict[int, list[Base]] = {}
    for row in await connection.rows(_BASES, asked):
        base = Base(row["namespace"], row["key"], row["base_version_id"], row["now"])
        bases.setdefault(row["review_id"], []).append(base)
    rows = await connection.rows(_FIND, asked)
    return [_review(row, tuple(bases.get(row["review_id"], ()))) for row in rows]


def _review(row: Row, bases: tuple[Base, ...]) -> Review:
    return Review(
        id=row["review_id"],
        env=row["env"],
        how=row["how"],
        author_id=row["author"],
        author_name=row["author_name"],
        reason=row["reason"],
        ticket=row["ticket"],
        created_at=row["created_at"],
        terms=Terms(row["expires_in"], row["confirm_within"]),
        base_revision=row["base_revision"],
        diff_hash=bytes(row["diff_hash"]),
        checks=cast("list[dict[str, object]]", decode_value(row["checks"])),
        stored=row["state"],
        applied_revision=row["applied_revision"],
        undoes=row["undoes"],
        schedule=_schedule(row),
        needed=approvals_needed(
            protected=row["protected"],
            required=row["required_approvals"],
            takes_back_newest=row["undoes"] is not None and row["undoes"] == row["head"],
        ),
        approvers=frozenset(row["approvers"]),
        bases=bases,
    )


def _schedule(row: Row) -> Schedule | None:
    if row["apply_at"] is None:
        return None
    return Schedule(row["apply_at"], row["scheduled_by"], row["scheduled_by_name"], UUID(str(row["scheduled_token"])))


def step_of(row: Row) -> Step:
    """Return the step of an edit, on top of what is active now."""
    key = Key(row["key_id"], row["namespace"], row["key"], row["value_type"], row["secret"])
    before = None if row["now"] is None else Active(row["now"], row["now_value"])
    after = None if row["version_id"] is None else Active(row["version_id"], row["value"], wrapped_in(row))
    return Step(key, before, after, is_new=row["is_new"])
