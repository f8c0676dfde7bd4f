"""How reviews look on the wire. Pure."""

from collections.abc import Iterable
from typing import Any, Final
from uuid import UUID

from setpoint_hub.database import Row
from setpoint_hub.review import ACTIONS, Asker, Review, Schedule, refusal
from setpoint_hub.rpc.present import person, shown_value, time_text

__all__ = ["header", "whole"]

MOST_NAMED: Final = 20
"""Keys that a list names of one review; the review itself has all."""


def header(review: Review) -> dict[str, Any]:
    """Return a review as a list shows it."""
    schedule = _schedule(review)
    return {
        "id": review.id,
        "env": review.env,
        "state": review.state,
        "how": review.how,
        "author": person(review.author_id, review.author_name),
        "reason": review.reason,
        "ticket": review.ticket,
        "created_at": time_text(review.created_at),
        "key_count": len(review.bases),
        "keys": [{"namespace": base.namespace, "key": base.key} for base in review.bases[:MOST_NAMED]],
        "approvals": {"needed": review.needed, "given": len(review.approvers)},
        "base_revision": review.base_revision,
        "diff_hash": review.diff_hash.hex(),
        "expires_in": review.terms.expires_in,
        "confirm_within": review.terms.confirm_within,
        "apply_at": None if schedule is None else time_text(schedule.at),
        "applied_revision": review.applied_revision,
    }


def whole(review: Review, edits: Iterable[Row], decisions: Iterable[Row], asker: Asker) -> dict[str, Any]:
    """Return a review with its diff, the checks that ran, what was decided, and what the asker may do."""
    schedule = _schedule(review)
    return {
        **header(review),
        "checks": review.checks,
        "changes": [_edit(row, is_waiting=review.stored == "open") for row in edits],
        "decisions": [_decision(row, review) for row in decisions],
        "scheduled_by": None if schedule is None else person(schedule.user_id, schedule.user_name),
        "may": {action: _may(refusal(action, review, asker)) for action in ACTIONS},
    }


def _may(why: Exception | None) -> dict[str, Any]:
    return {"allowed": why is None, "why": None if why is None else str(why)}


def _schedule(review: Review) -> Schedule | None:
    """Return when it will be applied; of what is settled that is nothing any more."""
    return review.schedule if review.stored == "open" else None


def _edit(row: Row, *, is_waiting: bool) -> dict[str, Any]:
    shown: dict[str, Any] = {"namespace": row["namespace"], "key": row["key"], "type": row["value_type"]}
    secret: bool = row["secret"]
    if secret:
        shown["secret"] = True
    if row["base_value"] is not None:
        shown["old"] = shown_value(row["base_value"], secret=secret)
    if row["value"] is not None:
        shown["new"] = shown_value(row["value"], secret=secret)
    shown["version"] = _id(row["version_id"])
    shown["previous_version"] = _id(row["base_version_id"])
    # What was applied moved its own base.
    shown["moved"] = is_waiting and row["base_version_id"] != row["now"]
    if shown["moved"]:
        shown["active_version"] = _id(row["now"])
        if row["now_value"] is not None:
            shown["now"] = shown_value(row["now_value"], secret=secret)
    return shown


def _decision(row: Row, review: Review) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "kind": row["kind"],
        "by": person(row["decided_by"], row["decided_by_name"]),
        "at": time_text(row["decided_at"]),
        "text": row["text"],
        "diff_hash": bytes(row["diff_hash"]).hex(),
    }
    if row["kind"] == "approve":
        stands = review.stored != "open" or not row["revoked"]
        shown["counts"] = (
            stands and bytes(row["diff_hash"]) == review.diff_hash and row["decided_by"] != review.author_id
        )
    return shown


def _id(version: UUID | None) -> str | None:
    return None if version is None else str(version)
