"""The audit as people read it on a terminal."""

import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import cast

from setpoint.protocol.strict_json import dumps
from setpoint_tui.audit_answers import AuditEntry
from setpoint_tui.cli.output import console, print_line
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.formatting import counted, format_age, format_revision
from setpoint_tui.text_safety import safe_text

__all__ = ["EVENTS", "Checked", "print_checked", "print_entries"]

EVENTS = "events"
"""What the chain that belongs to no environment is called."""

_HASH = re.compile("[0-9a-f]{64}")
_NAMED = 3
"""Keys that a line names; it counts the rest."""

_COLUMNS = (
    Column("AGE", right=True),
    Column("WHO", style="bold", flexible=True),
    Column("FROM", drop=3),
    Column("ENV"),
    Column("REV", right=True, drop=1),
    Column("WHAT", flexible=True),
    Column("ABOUT", flexible=True, least=20),
    Column("NOTE", flexible=True, drop=2),
)


@dataclass(frozen=True, slots=True)
class Checked:
    """What became of one chain; `env` is None for the events, `broken` the first broken link and why."""

    env: str | None
    verified: int
    head: int
    hash: str
    broken: tuple[int, str] | None


def print_entries(entries: Iterable[AuditEntry]) -> None:
    """Print entries as a table."""
    now = datetime.now(UTC)
    print_table(console(), _COLUMNS, [_row(entry, now) for entry in entries])


def print_checked(chains: Sequence[Checked]) -> None:
    """Print a line for each chain: what holds, and the first link that does not."""
    for chain in chains:
        name = (safe_text(chain.env) if chain.env is not None else EVENTS, "bold")
        if chain.broken is None:
            what = "event" if chain.env is None else "revision"
            head = f", the last with the hash {safe_text(chain.hash[:16])}…" if chain.hash else ""
            print_line(name, ": ", ("holds", "green"), f", {counted(chain.verified, what)}{head}")
        else:
            number, reason = chain.broken
            what = f"event {number}" if chain.env is None else format_revision(number)
            print_line(name, ": ", ("broken", "bold red"), f" at {what}: {safe_text(reason, limit=None)}")


def _row(entry: AuditEntry, now: datetime) -> list[Cell]:
    return [
        format_age(entry.at, now),
        safe_text(entry.by.name if entry.by is not None else "-"),
        safe_text(entry.origin.address or "the hub"),
        safe_text(entry.env or "-"),
        "" if entry.revision is None else format_revision(entry.revision),
        (safe_text(entry.how or entry.kind), "red" if entry.kind == "refused" else ""),
        safe_text(_subject(entry)),
        safe_text(entry.note),
    ]


def _subject(entry: AuditEntry) -> str:
    if entry.revision is not None:
        named = ", ".join(f"{key.namespace}/{key.key}" for key in entry.keys[:_NAMED])
        more = entry.changes - min(len(entry.keys), _NAMED)
        return f"{named} and {more} more" if more > 0 else named
    name = "/".join(part for part in (entry.namespace, entry.key) if part)
    about = " ".join(f"{name}={_text(found)}" for name, found in entry.about.items() if found not in (None, ""))
    return " ".join(part for part in (name, about) if part)


def _text(found: object) -> str:
    if isinstance(found, str) and _HASH.fullmatch(found):
        return found[:12]
    if isinstance(found, list):
        return ",".join(str(item) for item in cast("list[object]", found))
    return found if isinstance(found, str) else dumps(found)
