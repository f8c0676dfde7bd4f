"""How an instance, and a fleet in numbers, are drawn."""

from collections.abc import Iterator, Sequence

from textual.content import Content

from setpoint_tui.answers import Instance
from setpoint_tui.console.widgets.big_table import Cell
from setpoint_tui.formatting import format_duration, format_milliseconds, format_revision
from setpoint_tui.model.fleet_view import RevisionCount, ServiceCount, Summary, behind_by
from setpoint_tui.text_safety import safe_text

__all__ = ["STATE_GLYPHS", "header_cells", "instance_cells", "state_words", "summary_lines"]

STATE_GLYPHS = {"current": "●", "behind": "◔", "refused": "✗", "silent": "○", "unknown": "?"}
"""States are told by these first, by colour second."""

_STYLES = {
    "current": "$text-success",
    "behind": "$text-warning",
    "refused": "bold $text-error",
    "silent": "$text-error",
}
_LONGEST_BAR = 40
_SERVICE_CELLS = 24


def state_words(instance: Instance) -> Content:
    """Say how an instance stands, with its own reason if it gave one."""
    style = _STYLES.get(instance.state, "$text-warning")
    said = f"{STATE_GLYPHS.get(instance.state, '?')} {safe_text(instance.state, limit=20)}"
    if not instance.error:
        return Content.styled(said, style)
    return Content.assemble((said, style), f": {safe_text(instance.error, limit=200)}")


def instance_cells(instance: Instance, *, since: float, grouped: bool) -> Sequence[Cell]:
    """Return the cells of an instance that was asked about `since` seconds ago."""
    behind = behind_by(instance)
    by = "?" if behind is None else str(behind) if behind else "-"
    applied = "" if instance.applied_ms is None else format_milliseconds(instance.applied_ms)
    return (
        "" if grouped else safe_text(instance.service, limit=60),
        safe_text(instance.client_id, limit=120),
        format_revision(instance.revision),
        format_revision(instance.target),
        Content.styled(by, "bold $text-warning" if by != "-" else "$text-muted"),
        format_duration(instance.last_seen_seconds + since),
        safe_text(instance.source, limit=20),
        applied,
        state_words(instance),
    )


def header_cells(counted: ServiceCount) -> Sequence[Cell]:
    """Return the cells of the row above a service's instances; its name stands where theirs do."""
    name = Content.styled(f"{safe_text(counted.service, limit=60)} ", "bold underline")
    return ("", name + _service_count(counted))


def summary_lines(summary: Summary, width: int, most: int) -> Iterator[Content]:
    """Yield at most `most` lines: the whole, the services, and a bar per revision."""
    if most <= 0:
        return
    yield _whole(summary)
    if most == 1:
        return
    yield _services(summary.services, width)
    yield from _bars(summary, width, most - 2)


def _whole(summary: Summary) -> Content:
    fine = summary.current == summary.instances
    style = "bold $text-success" if fine else "bold $text-warning"
    parts: list[tuple[str, str]] = [
        (f"{'✓' if fine else '!'} {summary.current:,} of {summary.instances:,} run what they should", style)
    ]
    for state, number in summary.states:
        if state != "current":
            glyph = STATE_GLYPHS.get(state, "?")
            parts.append((f"   {glyph} {number:,} {safe_text(state, limit=20)}", _STYLES.get(state, "$text-warning")))
    return Content.assemble(*parts)


def _services(services: Sequence[ServiceCount], width: int) -> Content:
    shown: list[Content] = []
    used = 0
    for place, counted in enumerate(services):
        one = Content.assemble(f"{safe_text(counted.service, limit=_SERVICE_CELLS)} ", _service_count(counted), "   ")
        more = f"and {len(services) - place:,} more"
        if used + one.cell_length + len(more) > width and place:
            shown.append(Content.styled(more, "$text-muted"))
            break
        shown.append(one)
        used += one.cell_length
    return Content("").join(shown)


def _service_count(counted: ServiceCount) -> Content:
    style = "$text-success" if counted.current == counted.instances else "bold $text-warning"
    return Content.styled(f"{counted.current:,}/{counted.instances:,}", style)


def _bars(summary: Summary, width: int, most: int) -> Iterator[Content]:
    """Yield a bar for each of the newest revisions; those that do not fit are one bar."""
    if most <= 0 or not summary.revisions:
        return
    shown = summary.revisions if len(summary.revisions) <= most else summary.revisions[: most - 1]
    older = summary.revisions[len(shown) :]
    head = max(8, *(len(format_revision(one.revision)) for one in shown)) if shown else 8
    longest = max(4, min(_LONGEST_BAR, width - head - 24))
    for one in shown:
        yield _bar(format_revision(one.revision), one, summary.instances, head, longest)
    if older:
        together = RevisionCount(0, sum(one.instances for one in older), sum(one.not_current for one in older))
        yield _bar("older" if shown else "runs", together, summary.instances, head, longest)


def _bar(name: str, one: RevisionCount, all_of_them: int, head: int, longest: int) -> Content:
    filled = max(1, round(longest * one.instances / max(1, all_of_them)))
    style = "$text-success" if not one.not_current else "$text-warning"
    remark = "" if not one.not_current else f"  {one.not_current:,} not current"
    return Content.assemble(
        (f"{name:>{head}} ", "$text-muted"), ("█" * filled, style), (f" {one.instances:,}", "bold"), (remark, style)
    )
