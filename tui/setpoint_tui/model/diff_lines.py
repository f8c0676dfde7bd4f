"""Lines of a diff, as a screen shows them; their text is safe to print."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from enum import Enum
from itertools import islice
from typing import Any, Final, Literal, TypeAlias

from setpoint_tui.text_safety import safe_text

__all__ = [
    "ABSENT",
    "Absent",
    "DiffLine",
    "DiffSpan",
    "SpanKind",
    "arrow",
    "bounded",
    "plain_line",
    "relative_size",
    "span",
]

SpanKind: TypeAlias = Literal["same", "added", "removed", "context", "path"]

_LONGEST_SPAN = 500
_MOST_LINES = 400
_LONGEST_SIDE = 160
_LEAD = 24
"""Characters before the first difference that are shown of a long value."""


class Absent(Enum):
    """That a key holds no value, which differs from holding null."""

    ABSENT = "absent"


ABSENT: Final = Absent.ABSENT


@dataclass(frozen=True, slots=True)
class DiffSpan:
    """A piece of a line and what became of it; `context` is what the diff itself says."""

    text: str
    kind: SpanKind


@dataclass(frozen=True, slots=True)
class DiffLine:
    """One line. `sign` tells without colour: `+` new, `-` old, `~` changed within, a space for the rest."""

    spans: tuple[DiffSpan, ...]
    sign: Literal["+", "-", "~", " "] = " "

    @property
    def text(self) -> str:
        """The line without its sign."""
        return "".join(piece.text for piece in self.spans)


def span(text: str, kind: SpanKind) -> DiffSpan:
    """Return a span whose text is safe and not too long."""
    return DiffSpan(safe_text(text, limit=_LONGEST_SPAN), kind)


def plain_line(text: str, kind: SpanKind) -> DiffLine:
    """Return a line that is of one kind throughout."""
    match kind:
        case "added":
            return DiffLine((span(text, kind),), "+")
        case "removed":
            return DiffLine((span(text, kind),), "-")
        case _:
            return DiffLine((span(text, kind),))


def bounded(lines: Iterable[DiffLine]) -> list[DiffLine]:
    """Return the lines, or as many as a screen can use and one that says so; the rest is not even made."""
    first = list(islice(lines, _MOST_LINES + 1))
    if len(first) > _MOST_LINES:
        first[-1] = plain_line(f"… only the first {_MOST_LINES} lines of this diff are shown", "context")
    return first


def arrow(before: str, after: str, relative: str = "") -> Iterator[DiffSpan]:
    """Yield `3 → 5` and what is said of it; of two long texts, the stretch around their first difference."""
    before, after = _around_difference(before, after)
    yield span(before, "removed")
    yield span(" → ", "context")
    yield span(after, "added")
    if relative:
        yield span(f"  {relative}", "context")


def relative_size(old: Any, new: Any) -> str:
    """Return by how much a number grew or shrank, or nothing where that has no meaning."""
    if not (_is_number(old) and _is_number(new)) or old in (0, new) or (old < 0) != (new < 0):
        return ""
    try:
        ratio = new / old
        percent = (new - old) / abs(old) * 100
    except OverflowError:
        return ""
    share = f"{percent:+,.0f}" if abs(percent) >= 9.95 else f"{percent:+.2g}"
    return f"\N{MULTIPLICATION SIGN}{_ratio(ratio)}, {share} %" if _ratio(ratio) not in ("1", "0") else f"{share} %"


def _ratio(ratio: float) -> str:
    return f"{ratio:,.0f}" if ratio >= 99.5 else f"{ratio:.3g}"


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _around_difference(old: str, new: str) -> tuple[str, str]:
    if max(len(old), len(new)) <= _LONGEST_SIDE:
        return old, new
    shorter = min(len(old), len(new))
    first = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    start = max(0, first - _LEAD)
    return _cut(old, start), _cut(new, start)


def _cut(text: str, start: int) -> str:
    head = "…" if start else ""
    return head + text[start : start + _LONGEST_SIDE] + ("…" if len(text) > start + _LONGEST_SIDE else "")
