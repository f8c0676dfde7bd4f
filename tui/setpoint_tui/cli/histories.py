"""A key's history as a table."""

from datetime import UTC, datetime

from setpoint_tui.answers import History, HistoryChange
from setpoint_tui.cli.output import console
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.formatting import format_age, format_change, format_revision
from setpoint_tui.text_safety import safe_text

__all__ = ["print_history"]

_COLUMNS = (
    Column("REV", right=True),
    Column("AGE", right=True),
    Column("WHO", flexible=True),
    Column("CHANGE", flexible=True, style="bold"),
    Column("HOW", flexible=True, drop=1),
    Column("NOTE", flexible=True, drop=2),
)


def print_history(found: History) -> None:
    """Print the changes, newest first."""
    now = datetime.now(UTC)
    print_table(console(), _COLUMNS, [_row(change, found, now) for change in found.changes])


def _row(change: HistoryChange, found: History, now: datetime) -> list[Cell]:
    return [
        format_revision(change.revision),
        format_age(change.at, now),
        safe_text(change.by.name),
        " → ".join(format_change(change, found.type, secret=found.secret)),
        safe_text(change.how),
        safe_text(change.note),
    ]
