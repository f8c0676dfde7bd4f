"""Diffs of text: whole lines first, words within the lines that changed."""

import re
from collections.abc import Iterator, Sequence
from itertools import zip_longest
from typing import Literal

from setpoint_tui.model.alignment import Stretch, align
from setpoint_tui.model.diff_lines import DiffLine, DiffSpan, plain_line, span
from setpoint_tui.text_safety import safe_text

__all__ = ["text_lines"]

_WORD = re.compile(r"\w+|\s+|[^\w\s]")
_CONTEXT = 2
"""Unchanged lines that are shown before and after a change."""
_MOST_WORDS = 80


def text_lines(old: str, new: str) -> Iterator[DiffLine]:
    """Yield the lines that differ, each old one before the new one, with a little of what surrounds them."""
    before, after = old.split("\n"), new.split("\n")
    stretches = align(before, after)
    for place, stretch in enumerate(stretches):
        if stretch.same:
            lines = [before[number] for number in stretch.old]
            yield from _unchanged(lines, first=place == 0, last=place == len(stretches) - 1)
        else:
            yield from _replaced(stretch, before, after)


def _unchanged(lines: Sequence[str], *, first: bool, last: bool) -> Iterator[DiffLine]:
    head = 0 if first else _CONTEXT
    tail = 0 if last else _CONTEXT
    left_out = len(lines) - head - tail
    if left_out <= 1:
        yield from (plain_line(line, "same") for line in lines)
        return
    yield from (plain_line(line, "same") for line in lines[:head])
    yield plain_line(f"⋯ {left_out:,} lines are the same", "context")
    yield from (plain_line(line, "same") for line in lines[len(lines) - tail :])


def _replaced(stretch: Stretch, before: Sequence[str], after: Sequence[str]) -> Iterator[DiffLine]:
    for old, new in zip_longest((before[n] for n in stretch.old), (after[n] for n in stretch.new)):
        if old is None:
            yield plain_line(new, "added")
        elif new is None:
            yield plain_line(old, "removed")
        else:
            yield from _changed_line(old, new)


def _changed_line(old: str, new: str) -> Iterator[DiffLine]:
    before: list[str] = _WORD.findall(old)
    after: list[str] = _WORD.findall(new)
    stretches = align(before, after, most=_MOST_WORDS)
    yield DiffLine(tuple(_spans(before, [(s.same, s.old) for s in stretches], "removed")), "-")
    yield DiffLine(tuple(_spans(after, [(s.same, s.new) for s in stretches], "added")), "+")


def _spans(
    words: Sequence[str], parts: Sequence[tuple[bool, range]], changed: Literal["added", "removed"]
) -> Iterator[DiffSpan]:
    for same, places in parts:
        if places:
            text = "".join(words[places.start : places.stop])
            yield span(text, "same") if same else DiffSpan(_visible(text), changed)


def _visible(text: str) -> str:
    """Return changed text so that white space alone can be seen without colour."""
    return span(text, "same").text if text.strip() else safe_text(text.replace(" ", "·"))
