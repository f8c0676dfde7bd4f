"""A review, and a list of them, printed for people."""

from collections.abc import Sequence
from datetime import UTC, datetime

from setpoint_tui.cli.output import console, print_line
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.formatting import (
    NO_VALUE,
    counted,
    format_age,
    format_change,
    format_revision,
    format_span,
    format_value,
)
from setpoint_tui.model.reviews import due_at, said_with, why_lapsed
from setpoint_tui.moments import moment_words
from setpoint_tui.review_answers import Review, ReviewChange, ReviewDecision
from setpoint_tui.text_safety import safe_text

__all__ = ["print_review", "print_reviews"]

_STATES = {"open": "yellow", "approved": "green", "stale": "red", "applied": "", "rejected": "dim", "withdrawn": "dim"}

_COLUMNS = (
    Column("ID", right=True, style="bold"),
    Column("ENV"),
    Column("STATE"),
    Column("APPROVALS", right=True),
    Column("AGE", right=True),
    Column("AUTHOR", flexible=True, drop=2),
    Column("KEYS", flexible=True, least=16),
    Column("REASON", flexible=True, drop=1),
)


def print_reviews(reviews: Sequence[Review]) -> None:
    """Print a table, the newest first."""
    now = datetime.now(UTC)
    print_table(console(), _COLUMNS, [_row(review, now) for review in reviews])


def print_review(review: Review) -> None:
    """Print what a review will do, where it stands, and what the asker may do next."""
    state = (safe_text(review.state), _STATES.get(review.state, ""))
    print_line((f"review {review.id}", "bold"), f" · {safe_text(review.env)} · ", state, f" · {_approvals(review)}")
    ticket = f" ({safe_text(review.ticket)})" if review.ticket else ""
    print_line(("by      ", "dim"), f"{safe_text(review.author.name)}: {safe_text(review.reason)}{ticket}")
    print_line(("from    ", "dim"), f"{safe_text(review.how)}, based on {format_revision(review.base_revision)}")
    print_line(("diff    ", "dim"), safe_text(review.diff_hash[:12]))
    for line in _times(review):
        print_line(("time    ", "dim"), line)
    print_line()
    for change in review.changes:
        _print_change(change)
    _print_checks(review)
    for decision in review.decisions:
        _print_decision(review, decision)
    _print_what_next(review)


def _row(review: Review, now: datetime) -> list[Cell]:
    first = [safe_text(f"{key.namespace}/{key.key}") for key in review.keys[:1]]
    more = f" and {review.key_count - 1} more" if review.key_count > 1 else ""
    return [
        str(review.id),
        safe_text(review.env),
        (safe_text(review.state), _STATES.get(review.state, "")),
        f"{review.approvals.given}/{review.approvals.needed}",
        format_age(review.created_at, now),
        safe_text(review.author.name),
        "".join(first) + more,
        safe_text(review.reason),
    ]


def _approvals(review: Review) -> str:
    return f"{review.approvals.given} of {counted(review.approvals.needed, 'approval')}"


def _times(review: Review) -> list[str]:
    lines: list[str] = []
    due = due_at(review)
    if due is not None:
        lines.append(f"is applied at {moment_words(due, datetime.now(UTC))}, if it is approved by then")
    if review.expires_in is not None:
        lines.append(f"takes itself back {format_span(review.expires_in)} after it is applied")
    if review.confirm_within is not None:
        lines.append(f"takes itself back unless it is confirmed within {format_span(review.confirm_within)}")
    return lines


def _print_change(change: ReviewChange) -> None:
    old, new = format_change(change, change.type)
    print_line(safe_text(f"{change.namespace}/{change.key}"), "  ", (old, "dim"), " → ", (new, "bold"))
    if change.moved:
        now = NO_VALUE if change.active_version is None else format_value(change.type, change.now)
        print_line(("  changed since: it is ", "red"), (now, "bold"), (" now", "red"))


def _print_checks(review: Review) -> None:
    for check in review.checks:
        mark = ("✓ ", "green") if check.ok else ("✗ ", "red")
        print_line(mark, f"{safe_text(check.name)}: {safe_text(check.detail)}")


def _print_decision(review: Review, decision: ReviewDecision) -> None:
    said = f": {safe_text(said_with(decision))}" if decision.text else ""
    why = why_lapsed(review, decision)
    lapsed = "" if why is None else f" ({why}: it does not count any more)"
    at = f"{decision.at:%Y-%m-%d %H:%M}"
    print_line((f"{at} ", "dim"), f"{safe_text(decision.by.name)} · {safe_text(decision.kind)}{said}{lapsed}")


def _print_what_next(review: Review) -> None:
    if review.state in ("applied", "rejected", "withdrawn"):
        if review.applied_revision is not None:
            print_line(("applied as ", "dim"), f"{safe_text(review.env)} {format_revision(review.applied_revision)}")
        return
    offered = [word for word in ("approve", "reject", "rebase", "apply", "withdraw") if _may(review, word)]
    print_line()
    print_line(("you may: ", "dim"), ", ".join(f"setpoint review {word} {review.id}" for word in offered) or "look")


def _may(review: Review, action: str) -> bool:
    permission = review.may.get(action)
    return permission is not None and permission.allowed
