"""What differs between two values of a key, as lines to show."""

from collections.abc import Iterator

from setpoint_tui.formatting import format_value
from setpoint_tui.model.diff_lines import (
    ABSENT,
    Absent,
    DiffLine,
    DiffSpan,
    SpanKind,
    arrow,
    bounded,
    plain_line,
)
from setpoint_tui.model.json_diff import is_object, json_lines
from setpoint_tui.model.merging import ThreeWay, three_way
from setpoint_tui.model.text_diff import text_lines

__all__ = ["ABSENT", "Absent", "DiffLine", "DiffSpan", "SpanKind", "ThreeWay", "diff_values", "three_way"]

_SHORT = 40
"""Characters of a text that stands beside its successor on one line when they share no word."""


def diff_values(value_type: str, old: object | Absent, new: object | Absent) -> list[DiffLine]:
    """Return the lines that tell two values of a type apart; none when they are the same.

    Text is compared by lines and words, JSON by paths, other values stand beside each other. At most 401
    lines, the last of which then says that there are more; the time is linear in the values' size.
    """
    return bounded(_lines(value_type, old, new))


def _lines(value_type: str, old: object | Absent, new: object | Absent) -> Iterator[DiffLine]:
    if isinstance(old, str) and isinstance(new, str) and value_type == "string":
        if old != new:
            yield from _text(old, new)
    elif old is ABSENT or new is ABSENT:
        yield from _one_sided(value_type, old, new)
    else:
        yield from json_lines(old, new)


def _text(old: str, new: str) -> Iterator[DiffLine]:
    short = max(len(old), len(new)) <= _SHORT and "\n" not in old + new
    if short and not set(old.split()) & set(new.split()):
        yield DiffLine(tuple(arrow(format_value("string", old), format_value("string", new))), "~")
    else:
        yield from text_lines(old, new)


def _one_sided(value_type: str, old: object | Absent, new: object | Absent) -> Iterator[DiffLine]:
    value = new if old is ABSENT else old
    kind: SpanKind = "added" if old is ABSENT else "removed"
    if is_object(value) and value:
        yield from json_lines(*(({}, value) if old is ABSENT else (value, {})))
    elif isinstance(value, str) and "\n" in value:
        yield from (plain_line(line, kind) for line in value.split("\n"))
    elif value is not ABSENT:
        yield plain_line(format_value(value_type, value), kind)
