"""How reviews are drawn: a row of the queue, and one of them whole, with its diff."""

from collections.abc import Iterator, Sequence
from datetime import UTC, datetime

from textual.content import Content

from setpoint_tui.console.widgets.big_table import Column
from setpoint_tui.console.widgets.diff_view import diff_content
from setpoint_tui.console.widgets.expiring import GLYPH
from setpoint_tui.formatting import (
    counted,
    format_age,
    format_countdown,
    format_revision,
    format_span,
    format_value,
)
from setpoint_tui.model.conflicts import last_change
from setpoint_tui.model.diff_lines import ABSENT
from setpoint_tui.model.diffing import diff_values
from setpoint_tui.model.keys import key_path
from setpoint_tui.model.link_state import not_there_because
from setpoint_tui.model.model import Model
from setpoint_tui.model.proposals import ProposedChange
from setpoint_tui.model.reviews import Which, due_at, said_with, why_lapsed
from setpoint_tui.moments import moment_words
from setpoint_tui.review_answers import Review, ReviewChange, ReviewDecision
from setpoint_tui.text_safety import safe_text

__all__ = [
    "COLUMNS", "diff_lines", "proposed_changes", "review_cells", "review_glyph", "review_lines", "status_words",
    "why_no_review",
]  # fmt: skip

COLUMNS = (
    Column("ID", 4, align="right", priority=10),
    Column("STATE", 9, priority=9),
    Column("ENV", 10, priority=8),
    Column("AUTHOR", 7, priority=6),
    Column("AGE", 3, align="right", priority=5),
    Column("REASON", None, priority=7, least=12),
)

_STYLES = {"open": "$text-warning", "approved": "$text-success", "stale": "bold $text-error"}
_GLYPHS = {"open": "?", "approved": "✓", "stale": "!", "applied": "●", "rejected": "✗", "withdrawn": "-"}
_MOST_KEYS = 100
_LINES_OF_EACH = 40
_EMPTY = {
    "open": "nothing waits for review · t shows the others",
    "mine": "you proposed nothing yet · t shows the others",
    "all": "no change was proposed yet: a write to a protected environment becomes a review",
}


def review_cells(review: Review) -> Sequence[str | Content]:
    """Return the cells of a row of the queue."""
    now = datetime.now(UTC)
    return (
        str(review.id),
        Content.styled(_state_in_short(review), _STYLES.get(review.state, "$text-muted")),
        safe_text(review.env, limit=60),
        safe_text(review.author.name, limit=40),
        format_age(review.created_at, now),
        Content.assemble(*_due_in_short(review, now), safe_text(f"{review.ticket} {review.reason}".strip(), limit=200)),
    )


def review_glyph(review: Review) -> str:
    """Return the one cell that tells its state."""
    return _GLYPHS.get(review.state, "")


def status_words(model: Model, which: Which, text: str, listed: int) -> Content:
    """Return the line below the queue."""
    words = [f"/ {safe_text(text)}  esc clears"] if text else []
    words += [f"{listed:,} of {counted(len(model.reviews.known), 'review')}"]
    words += [{"open": "those that wait", "mine": "those that I proposed", "all": "all"}[which] + " (t)"]
    if model.reviews.trouble is not None and model.reviews.known:
        words.append(safe_text(model.reviews.trouble, limit=200))
    return Content.styled(" · ".join(words), "$text-muted")


def why_no_review(model: Model, which: Which, text: str) -> Content:
    """Say why none is listed, and what to press."""
    reviews = model.reviews
    if reviews.trouble is not None:
        return Content(safe_text(reviews.trouble, limit=300))
    if not reviews.loaded:
        return Content(not_there_because(model.link))
    if text:
        return Content.assemble("nothing matches ", (safe_text(text), "bold"), " · esc clears")
    return Content(_EMPTY[which])


def proposed_changes(review: Review, *, rebased: bool = False) -> tuple[ProposedChange, ...]:
    """Return what a review does to each key, against its base, or against what holds now."""
    return tuple(
        ProposedChange(
            (change.namespace, change.key),
            change.type,
            _now(change) if rebased and change.moved else _base_of(change),
            ABSENT if change.version is None else change.new,
        )
        for change in review.changes
    )


def review_lines(model: Model, review: Review) -> Iterator[Content]:
    """Yield everything that is to be known before deciding: where it stands, why, its exact diff, what was said."""
    yield from _standing(review)
    yield from _base(model, review)
    yield from _terms(review)
    yield Content("")
    yield from diff_lines(review)
    yield Content("")
    for check in review.checks:
        mark = ("✓ ", "$text-success") if check.ok else ("✗ ", "bold $text-error")
        yield Content.assemble(mark, (f"{safe_text(check.name)}: {safe_text(check.detail, limit=300)}", "$text-muted"))
    for decision in review.decisions:
        yield _decision(review, decision)


def diff_lines(review: Review, *, rebased: bool = False) -> Iterator[Content]:
    """Yield the exact diff against the base, or, `rebased`, against what holds now, key by key."""
    for change in proposed_changes(review, rebased=rebased)[:_MOST_KEYS]:
        yield Content.styled(safe_text(key_path(change.key), limit=300), "bold $text-accent")
        lines = diff_values(change.type, change.old, change.new)
        if not lines:
            yield Content.styled("  the same value as now, as a new version", "$text-muted")
        yield from diff_content(lines[:_LINES_OF_EACH])
        if len(lines) > _LINES_OF_EACH:
            yield Content.styled(f"  … {counted(len(lines) - _LINES_OF_EACH, 'more line')}", "$text-muted")
    if len(review.changes) > _MOST_KEYS:
        yield Content.styled(f"… and {counted(len(review.changes) - _MOST_KEYS, 'more key')}", "$text-muted")


def _state_in_short(review: Review) -> str:
    given = review.approvals
    return f"open {given.given}/{given.needed}" if review.state == "open" else safe_text(review.state, limit=20)


def _base_of(change: ReviewChange) -> object:
    return ABSENT if change.previous_version is None else change.old


def _now(change: ReviewChange) -> object:
    return ABSENT if change.active_version is None else change.now


def _due_in_short(review: Review, now: datetime) -> Iterator[tuple[str, str]]:
    """Yield how soon a hub is to apply it, and when: a list may have no room for all of that."""
    due = due_at(review)
    if due is not None:
        at, today = due.astimezone(UTC), now.date()
        when = f"{at:%H:%M}Z" if at.date() == today else f"{at:%m-%d %H:%M}Z"
        yield f"{GLYPH} {format_countdown((at - now).total_seconds())} {when} ", "bold $text-warning"


def _standing(review: Review) -> Iterator[Content]:
    state, given = safe_text(review.state), review.approvals
    said = f"  {given.given} of {counted(given.needed, 'approval')}"
    if review.applied_revision is not None:
        said += f", as {format_revision(review.applied_revision)}"
    yield Content.assemble((state, _STYLES.get(review.state, "bold")), (said, "bold"))
    how = "" if review.how == "set" else f" ({safe_text(review.how, limit=60)})"
    age = format_age(review.created_at, datetime.now(UTC))
    yield Content.assemble(
        (f"{safe_text(review.author.name, limit=60)}{how}, {age} ago: ", "$text-muted"), _why(review)
    )


def _why(review: Review) -> str:
    ticket = f"  [{safe_text(review.ticket, limit=200)}]" if review.ticket else ""
    return safe_text(review.reason, limit=2_000) + ticket


def _base(model: Model, review: Review) -> Iterator[Content]:
    based = f"based on {format_revision(review.base_revision)} · diff {safe_text(review.diff_hash[:12])}"
    moved = [change for change in review.changes if change.moved]
    yield Content.styled(based, "$text-muted")
    if review.state == "stale":
        yield Content.styled(f"the base has moved: {_author(model, review)} must rebase", "bold $text-error")
        yield from (_moved(model, review, change) for change in moved[:_MOST_KEYS])


def _author(model: Model, review: Review) -> str:
    who = model.whoami
    return "you" if who is not None and who.user.id == review.author.id else safe_text(review.author.name, limit=60)


def _moved(model: Model, review: Review, change: ReviewChange) -> Content:
    key = (change.namespace, change.key)
    last = last_change(model, review.env, key)
    by = "" if last is None else f"{format_revision(last.revision)} by {safe_text(last.by.name, limit=60)}"
    held = model.held(review.env, key)
    if not by and held is not None:
        by = format_revision(held.revision)
    now = "no value" if change.active_version is None else format_value(change.type, change.now, limit=80)
    return Content.styled(
        f"! {safe_text(key_path(key), limit=120)} is {now} now ({by or 'changed since'})", "$text-error"
    )


def _terms(review: Review) -> Iterator[Content]:
    due = due_at(review)
    if due is not None:
        by = "" if review.scheduled_by is None else f" ({safe_text(review.scheduled_by.name, limit=60)} said so)"
        condition = "" if review.state == "approved" else ", if it is approved by then"
        said = f"{GLYPH} a hub applies it at {moment_words(due, datetime.now(UTC))}{condition}{by}"
        yield Content.styled(said, "bold $text-warning")
    if review.expires_in is not None:
        yield Content(f"takes itself back {format_span(review.expires_in)} after it is applied")
    if review.confirm_within is not None:
        yield Content(f"takes itself back unless it is confirmed within {format_span(review.confirm_within)}")


def _decision(review: Review, decision: ReviewDecision) -> Content:
    said = f": {safe_text(said_with(decision), limit=2_000)}" if decision.text else ""
    why = why_lapsed(review, decision)
    lapsed = "" if why is None else f" ({why}: it does not count any more)"
    at = decision.at.astimezone()
    return Content.assemble(
        (f"{at:%m-%d %H:%M} ", "$text-muted"),
        (safe_text(decision.by.name, limit=60), "bold"),
        f" {safe_text(decision.kind, limit=20)}{said}",
        (lapsed, "$text-warning"),
    )
