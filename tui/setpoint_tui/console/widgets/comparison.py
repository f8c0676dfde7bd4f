"""How a comparison of two environments is drawn: its rows, and what is said above and below them."""

from collections.abc import Iterator
from datetime import UTC, datetime

from textual.content import Content

from setpoint_tui.comparison_answers import ComparedEnvironment, ComparedKey, ComparedValue
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.formatting import NO_VALUE, counted, format_age, format_revision, format_value
from setpoint_tui.model.comparing import Comparing
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.model.link_state import not_there_because
from setpoint_tui.model.model import Model
from setpoint_tui.model.promoting import effect_of
from setpoint_tui.text_safety import safe_text

__all__ = ["compared_cells", "compared_glyph", "difference_head", "sides_line", "status_words", "why_empty"]

_CELL = 200
_QUIET = ("adds", "changes")
"""Effects that need no second look."""


def compared_cells(comparing: Comparing, key: KeyId) -> list[str | Content]:
    """Return name, both values and what promoting the row does. Raises KeyError when it is gone."""
    row = comparing.rows[key]
    name = row.key if comparing.namespace is not None else key_path(key)
    words = "changed since mark" if key in comparing.changed else effect_of(row).words
    style = "" if words in _QUIET else "bold $text-warning"
    return [name, _value(row, row.source), _value(row, row.target), Content.styled(safe_text(words), style)]


def compared_glyph(comparing: Comparing, key: KeyId) -> str:
    """Return the one cell that tells what promoting the row does. Raises KeyError when it is gone."""
    return "Δ" if key in comparing.changed else effect_of(comparing.rows[key]).glyph


def sides_line(model: Model, comparing: Comparing) -> Content:
    """Say which two environments are compared, as of when, and how much of them differs."""
    pair, found = comparing.pair, comparing.found
    if pair is None:
        return Content.styled("two environments are compared here", "$text-muted")
    counts = "" if found is None else f"   {found.different:,} differ, {found.same:,} same"
    return Content.assemble(
        *_side(model, pair[0], None if found is None else found.source),
        (" → ", "bold"),
        *_side(model, pair[1], None if found is None else found.target),
        (counts, "$text-muted"),
    )


def difference_head(row: ComparedKey, source: str, target: str, *, changed: bool) -> Iterator[Content]:
    """Yield who set either side, and what to mind before promoting."""
    width = max(len(source), len(target))
    for env, side in ((target, row.target), (source, row.source)):
        yield Content.assemble((f"{safe_text(env):<{width}}  ", "bold"), (_told(side), "$text-muted"))
    if changed:
        yield Content.styled("Δ changed since you marked it: look again, then mark it again", "bold $text-warning")
    if not row.valid:
        yield Content.styled(f"✗ cannot be promoted: {safe_text(row.problem or 'it does not fit')}", "bold $text-error")
    if row.newer_in_target:
        words = f"! {safe_text(target)} was changed later than {safe_text(source)}: promoting takes that back"
        yield Content.styled(words, "bold $text-warning")


def status_words(comparing: Comparing, shown_marks: int, trouble: str | None) -> Iterator[str]:
    """Yield what the line below the rows says, a part at a time."""
    if comparing.filter_text:
        yield f"/ {safe_text(comparing.filter_text)}  esc clears"
    if comparing.found is not None:
        yield f"{len(comparing.order):,} of {counted(comparing.found.different, 'row')}"
        missing = comparing.found.different - len(comparing.rows)
        if missing > 0:
            yield f"{missing:,} not fetched: choose a namespace with o"
    marked = len(comparing.marked)
    if marked:
        yield f"{marked:,} marked" + (f", {marked - shown_marks:,} of them hidden" if marked > shown_marks else "")
    if comparing.changed:
        yield f"Δ {len(comparing.changed):,} changed since marked"
    if trouble is not None and comparing.rows:
        yield safe_text(trouble)


def why_empty(model: Model, comparing: Comparing, trouble: str | None) -> Content:
    """Say why no row is listed, and what to do about it."""
    pair, found = comparing.pair, comparing.found
    if pair is None:
        if not model.environments:
            return Content(not_there_because(model.link))
        return Content("there is one environment only · setpoint env create makes another")
    if trouble is not None:
        return Content(safe_text(trouble))
    if found is None:
        return Content("comparing…" if model.is_live else not_there_because(model.link))
    if comparing.filter_text and comparing.rows:
        return Content.assemble("nothing matches ", (safe_text(comparing.filter_text), "bold"), " · esc clears")
    source, target = safe_text(pair[0]), safe_text(pair[1])
    return Content(f"{target} has all that {source} has, {counted(found.same, 'key')} · w turns them round")


def _side(model: Model, env: str, seen: ComparedEnvironment | None) -> Iterator[Content | tuple[str, str]]:
    yield environment_badge(model, env)
    yield ("" if seen is None else f" {format_revision(seen.revision)}", "$text-muted")


def _value(row: ComparedKey, side: ComparedValue | None) -> str | Content:
    if side is None:
        return Content.styled(NO_VALUE, "$text-muted")
    return format_value(row.type, side.value, limit=_CELL)


def _told(side: ComparedValue | None) -> str:
    if side is None:
        return f"{NO_VALUE} there"
    note = f"  “{safe_text(side.note, limit=80)}”" if side.note else ""
    age = format_age(side.at, datetime.now(UTC))
    return f"{format_revision(side.revision)} by {safe_text(side.by.name, limit=40)}, {age} ago{note}"
