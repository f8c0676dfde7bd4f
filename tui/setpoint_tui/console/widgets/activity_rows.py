"""How a change set is drawn: as a row, and in full below the list."""

from collections.abc import Iterator, Sequence
from datetime import datetime

from textual.content import Content

from setpoint_tui.answers import PastChangeSet
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.console.widgets.big_table import Cell
from setpoint_tui.console.widgets.change_lines import change_lines
from setpoint_tui.formatting import counted, format_revision
from setpoint_tui.model.activity_log import Gap
from setpoint_tui.model.activity_view import gap_words, headline
from setpoint_tui.model.model import Model
from setpoint_tui.text_safety import safe_text

__all__ = ["change_set_cells", "change_set_lines", "gap_cells", "gap_lines"]


def change_set_cells(done: PastChangeSet, model: Model, now: datetime) -> Sequence[Cell]:
    """Return the cells of a change set."""
    mine = model.whoami is not None and model.whoami.user.id == done.by.id
    return (
        _when(done.at, now),
        _env_cell(done.env, model),
        format_revision(done.revision),
        Content.styled(safe_text(done.by.name, limit=60), "bold" if mine else ""),
        safe_text(done.how, limit=40),
        headline(done),
        Content.styled(safe_text(done.note, limit=200), "$text-muted"),
    )


def gap_cells(gap: Gap, model: Model, *, is_loading: bool) -> Sequence[Cell]:
    """Return the cells of the row that stands for what is missing."""
    said = "loading…" if is_loading else gap_words(gap, is_full=model.activity.is_full)
    style = "$text-error" if gap.reason else "$text-muted italic"
    return ("", _env_cell(gap.env, model), "", "", "", Content.styled(f"⋯ {said}", style), "")


def change_set_lines(done: PastChangeSet, model: Model) -> Iterator[Content]:
    """Yield everything about a change set."""
    yield Content.assemble(
        environment_badge(model, done.env),
        (f"  {format_revision(done.revision)} ", "bold"),
        f"{safe_text(done.how)} by {safe_text(done.by.name)}, {done.at.astimezone():%Y-%m-%d %H:%M:%S}, ",
        f"{counted(len(done.changes), 'key')}",
    )
    if done.note:
        yield Content.styled(f"“{safe_text(done.note)}”", "italic")
    yield from change_lines(done.changes)


def gap_lines(gap: Gap, model: Model) -> Iterator[Content]:
    """Yield what there is to say of what is missing."""
    yield Content.assemble(environment_badge(model, gap.env), f"  {gap_words(gap, is_full=model.activity.is_full)}")


def _when(at: datetime, now: datetime) -> str:
    local, today = at.astimezone(), now.astimezone()
    if local.date() == today.date():
        return f"{local:%H:%M:%S}"
    return f"{local:%m-%d %H:%M}" if local.year == today.year else f"{local:%Y-%m-%d}"


def _env_cell(env: str, model: Model) -> Content:
    if model.is_protected(env):
        return Content.styled(f"▓ {safe_text(env, limit=40)}", "bold $text-error")
    return Content(safe_text(env, limit=40))
