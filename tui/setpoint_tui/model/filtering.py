"""The filter that a person types over a table, read into terms.

Words must all stand in `namespace/key`, in any order. `re:PATTERN`, `type:int`, `owner:pay`, `tag:slow`,
`value:50`, `changed:<1h` and `changed:>2d` ask of other things, `!` before a term turns it round, and
quotes keep spaces: `value:"two words"`.
"""

from setpoint.protocol.values import VALUE_TYPES
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.model.filter_index import FilterIndex
from setpoint_tui.model.filter_patterns import bounded_pattern
from setpoint_tui.model.filter_terms import Changed, Contains, Filter, Filterable, Matches, OfType, Term
from setpoint_tui.model.filter_words import FilterWord, check_prefix, read_span, read_words

__all__ = ["Filter", "FilterIndex", "Filterable", "InvalidFilter", "parse_filter"]

_OTHER_NAMES = {"str": "string", "text": "string", "integer": "int", "boolean": "bool"}


def parse_filter(text: str) -> Filter:
    """Return the filter that `text` means; raise InvalidFilter, saying what to write, when it means none."""
    return Filter(tuple(_term(word) for word in read_words(text)))


def _term(word: FilterWord) -> Term:
    if word.prefix is not None:
        return _prefixed(word, word.prefix)
    if not word.text:
        raise InvalidFilter('write a word, as in retry or !retry, instead of ""' if word.quoted else _AFTER_NOT)
    if not word.quoted and ":" in word.text:
        raise InvalidFilter(f'names hold no colon: for a value write value:"{word.text}"')
    return Contains("name", word.text.casefold(), word.negated)


_AFTER_NOT = "write after ! what to leave out, as in !retry or !type:json"


def _prefixed(word: FilterWord, prefix: str) -> Term:
    check_prefix(word, _EXAMPLES)
    text, negated = word.text, word.negated
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
    span = read_span(text)
    if span is None:
        raise InvalidFilter("write changed:<1h for the last hour, changed:>2d for longer ago (s, m, h, d, w)")
    return Changed(span[1], span[0] == ">", negated)
