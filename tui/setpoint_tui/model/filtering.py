"""The filter that a person types over a table, read into terms.

Words must all stand in `namespace/key`, in any order. `re:PATTERN`, `type:int`, `owner:pay`, `tag:slow`,
`value:50`, `changed:<1h` and `changed:>2d` ask of other things, `!` before a term turns it round, and
quotes keep spaces: `value:"two words"`.
"""

import re
from datetime import timedelta

from setpoint.protocol.values import VALUE_TYPES
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.model.filter_index import FilterIndex
from setpoint_tui.model.filter_patterns import bounded_pattern
from setpoint_tui.model.filter_terms import Changed, Contains, Filter, Filterable, Matches, OfType, Term

__all__ = ["Filter", "FilterIndex", "Filterable", "InvalidFilter", "parse_filter"]

_TERM = re.compile(r'\s*(?P<no>!?)(?:(?P<prefix>[A-Za-z]+):)?(?:"(?P<quoted>[^"]*)(?P<end>"?)|(?P<bare>\S*))')
_SPAN = re.compile(r"([<>]?)\s*([0-9]{1,6})\s*([smhdw])")
_SECONDS = {"s": 1, "m": 60, "h": 3_600, "d": 86_400, "w": 604_800}
_OTHER_NAMES = {"str": "string", "text": "string", "integer": "int", "boolean": "bool"}
_LONGEST = 1_000


def parse_filter(text: str) -> Filter:
    """Return the filter that `text` means; raise InvalidFilter, saying what to write, when it means none."""
    if len(text) > _LONGEST:
        raise InvalidFilter(f"the filter is longer than {_LONGEST} characters: write a shorter one")
    terms: list[Term] = []
    left = text.strip()
    while left:
        found = _TERM.match(left)
        assert found is not None
        terms.append(_term(found))
        left = left[found.end() :].lstrip()
    return Filter(tuple(terms))


def _term(found: re.Match[str]) -> Term:
    prefix, quoted, negated = found["prefix"], found["quoted"], bool(found["no"])
    if quoted is not None and not found["end"]:
        raise InvalidFilter('a quote is open: close it with "')
    text = found["bare"] if quoted is None else quoted
    if prefix is None:
        if not text:
            raise InvalidFilter('write a word, as in retry or !retry, instead of ""' if quoted == "" else _AFTER_NOT)
        if quoted is None and ":" in text:
            raise InvalidFilter(f'names hold no colon: for a value write value:"{text}"')
        return Contains("name", text.casefold(), negated)
    return _prefixed(prefix.lower(), text, negated)


_AFTER_NOT = "write after ! what to leave out, as in !retry or !type:json"


def _prefixed(prefix: str, text: str, negated: bool) -> Term:
    example = _EXAMPLES.get(prefix)
    if example is None:
        raise InvalidFilter(f"there is no filter {prefix}: (there are {', '.join(f'{name}:' for name in _EXAMPLES)})")
    if not text:
        raise InvalidFilter(f"write after {prefix}: what to look for, as in {example}")
    match prefix:
        case "re":
            return Matches(bounded_pattern(text), negated)
        case "type":
            return OfType(_type(text), negated)
        case "changed":
            return _changed(text, negated)
        case "owner" | "tag" | "value":
            return Contains(prefix, text.casefold(), negated)
        case _:
            raise AssertionError(prefix)


_EXAMPLES = {
    "re": "re:^payments/.*max$",
    "type": "type:int",
    "owner": "owner:team-payments",
    "tag": "tag:slow",
    "changed": "changed:<1h",
    "value": 'value:"two words"',
}


def _type(text: str) -> str:
    named = _OTHER_NAMES.get(text.casefold(), text.casefold())
    if named not in VALUE_TYPES:
        raise InvalidFilter(f"there is no such type: write {', '.join(f'type:{name}' for name in VALUE_TYPES)}")
    return named


def _changed(text: str, negated: bool) -> Changed:
    found = _SPAN.fullmatch(text.strip().lower())
    if found is None:
        raise InvalidFilter("write changed:<1h for the last hour, changed:>2d for longer ago (s, m, h, d, w)")
    sign, number, unit = found.groups()
    return Changed(timedelta(seconds=int(number) * _SECONDS[unit]), sign == ">", negated)
