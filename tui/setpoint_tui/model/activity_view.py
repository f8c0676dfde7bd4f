"""Which rows the activity shows, newest first, and the gaps between them. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from setpoint_tui.answers import PastChangeSet
from setpoint_tui.formatting import counted, format_change, format_revision
from setpoint_tui.model.activity_filter import ActivityFilter
from setpoint_tui.model.activity_log import ActivityLog, Gap
from setpoint_tui.model.keys import key_path
from setpoint_tui.text_safety import safe_text

__all__ = ["ActivityRow", "activity_rows", "gap_words", "headline", "oldest_gap"]

ActivityRow: TypeAlias = tuple[str, int] | Gap
"""A change set by its environment and revision, or what is missing."""

_LONGEST_HEADLINE = 400


def activity_rows(
    log: ActivityLog, heads: Mapping[str, int], wanted: ActivityFilter, now: datetime, *, mine: int | None = None
) -> list[ActivityRow]:
    """Return the rows. `heads` has where each environment stands; `mine`: only what that person changed.

    A gap stands below the change set that follows it in its environment, also when a filter hides that one:
    what is missing may match.
    """
    gaps = {env: _by_anchor(log, env, head) for env, head in heads.items() if wanted.admits_env(env)}
    rows: list[ActivityRow] = [gap for below in gaps.values() for gap in below.get(0, ())]
    for done in reversed(log):
        if (mine is None or done.by.id == mine) and wanted.matches(done, now):
            rows.append((done.env, done.revision))
        rows += gaps.get(done.env, {}).get(done.revision, ())
    return rows


def oldest_gap(rows: Iterable[ActivityRow]) -> Gap | None:
    """Return what is to be fetched for the list to go on: the missing beginning of a log that is nearest to the top."""
    return next((row for row in rows if isinstance(row, Gap) and row.first == 1 and not row.reason), None)


def headline(done: PastChangeSet) -> str:
    """Say what a change set did in one line: the first key with its values, and how many more."""
    if not done.changes:
        return "nothing that this token may see"
    first = done.changes[0]
    old, new = format_change(first, first.type)
    said = f"{safe_text(key_path((first.namespace, first.key)))} {old} → {new}"
    more = len(done.changes) - 1
    return safe_text(said, limit=_LONGEST_HEADLINE) + (f", +{more:,} more" if more else "")


def gap_words(gap: Gap, *, is_full: bool) -> str:
    """Say what is missing, and what to do about it."""
    number = gap.last - gap.first + 1
    span = format_revision(gap.last)
    if number > 1:
        span = f"{format_revision(gap.first)} to {span}"
    if gap.reason:
        return f"{span} could not be fetched: {safe_text(gap.reason, limit=200)} · enter tries again"
    if is_full:
        return f"{span}: more than is kept here; v on a key shows all of its versions"
    return f"{span}: {counted(number, 'change set')} not loaded · enter loads them"


def _by_anchor(log: ActivityLog, env: str, head: int) -> dict[int, list[Gap]]:
    """Return the gaps of an environment by the revision that they stand below; 0: nothing newer is here."""
    found: dict[int, list[Gap]] = {}
    anchor, before = 0, head + 1
    for gap in log.gaps(env, head):
        if gap.last + 1 != before:
            anchor = gap.last + 1
        before = gap.first
        found.setdefault(anchor, []).append(gap)
    return found
