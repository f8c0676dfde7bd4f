"""The words of a filter as they are typed: perhaps with a prefix, turned round by `!`, kept together by quotes."""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import timedelta

from setpoint_tui.errors import InvalidFilter

__all__ = ["FilterWord", "check_prefix", "read_span", "read_words"]

_WORD = re.compile(r'\s*(?P<no>!?)(?:(?P<prefix>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)(?P<end>"?)|(?P<bare>\S*))')
_SPAN = re.compile(r"([<>]?)\s*([0-9]{1,6})\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_LONGEST = 1_000


@dataclass(frozen=True, slots=True)
class FilterWord:
    """One term; `prefix` is what stands before its colon, in lower case."""

    prefix: str | None
    text: str
    negated: bool
    quoted: bool


def read_words(text: str) -> Iterator[FilterWord]:
    """Yield the terms of a filter. Raises InvalidFilter when it is too long, or a quote is not closed."""
    if len(text) > _LONGEST:
        raise InvalidFilter(f"the filter is longer than {_LONGEST} characters: write a shorter one")
    left = text.strip()
    while left:
        found = _WORD.match(left)
        assert found is not None
        quoted, prefix = found["quoted"], found["prefix"]
        if quoted is not None and not found["end"]:
            raise InvalidFilter('a quote is open: close it with "')
        yield FilterWord(
            None if prefix is None else prefix.lower(),
            found["bare"] if quoted is None else quoted,
            bool(found["no"]),
            quoted is not None,
        )
        left = left[found.end() :].lstrip()


def check_prefix(word: FilterWord, examples: Mapping[str, str]) -> None:
    """Raise InvalidFilter when there is no such prefix, or nothing after it. `examples` has one for each prefix."""
    if word.prefix is None:
        return
    if word.prefix not in examples:
        names = ", ".join(f"{name}:" for name in examples)
        raise InvalidFilter(f"there is no filter {word.prefix}: (there are {names})")
    if not word.text:
        raise InvalidFilter(f"write after {word.prefix}: what to look for, as in {examples[word.prefix]}")


def read_span(text: str) -> tuple[str, timedelta] | None:
    """Return the sign (`<`, `>` or none) and the length of a time such as 1h; None when it is no time."""
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        return None
    sign, number, unit = found.groups()
    return sign, timedelta(seconds=int(number) * _SECONDS[unit])
