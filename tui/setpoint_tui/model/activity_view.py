"""Which rows the activity shows, newest first, and the gaps between them. Pure."""

from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import TypeAlias

from setpoint_tui.answers import PastChangeSet
from setpoint_tui.formatting import format_change, format_revision
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
    """Say what a change set did in one line: the first key, how many more, and the first one's values."""
    if not done.changes:
        return "nothing that this token may see"
    first, more = done.changes[0], len(done.changes) - 1
    old, new = format_change(first, first.type)
    # How many more comes before the values: these may be long, and the end of a line is cropped.
    name = safe_text(key_path((first.namespace, first.key))) + (f" +{more:,} more " if more else "")
    return safe_text(f"{name} {old} → {new}", limit=_LONGEST_HEADLINE)


def gap_words(gap: Gap, *, is_full: bool) -> str:
    """Say what is missing, and what to do about it."""
    span = format_revision(gap.last)
    if gap.first < gap.last:
        span = f"{format_revision(gap.first)}-{span}"
    if gap.reason:
        return f"{span} refused: {safe_text(gap.reason, limit=200)} · enter tries again"
    if is_full:
        return f"{span}: more than is kept here; v on a key shows all of its versions"
    return f"{span} not loaded · enter loads it"


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
