"""What one term of a filter asks of a row, and what all of them together do."""

import re
from collections.abc import Collection
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Literal, Protocol, TypeAlias, assert_never

from setpoint_tui.model.filter_patterns import LONGEST_SUBJECT

__all__ = ["Changed", "Contains", "Filter", "Filterable", "Matches", "OfType", "Term", "haystack"]


class Filterable(Protocol):
    """A row as filters see it: one key in one environment."""

    @property
    def namespace(self) -> str: ...
    @property
    def key(self) -> str: ...
    @property
    def type(self) -> str: ...
    @property
    def owner(self) -> str: ...
    @property
    def tags(self) -> Collection[str]: ...
    @property
    def value_text(self) -> str: ...
    @property
    def changed_at(self) -> datetime | None: ...


Field: TypeAlias = Literal["name", "value", "owner", "tag"]


@dataclass(frozen=True, slots=True)
class Contains:
    """A field holds the text; `text` is casefolded."""

    field: Field
    text: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class OfType:
    """The key has this type."""

    type: str
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Matches:
    """The pattern is found in `namespace/key`."""

    pattern: re.Pattern[str]
    negated: bool = False


@dataclass(frozen=True, slots=True)
class Changed:
    """The last change is at most `span` ago, or longer; what never changed is neither."""

    span: timedelta
    longer: bool
    negated: bool = False


Term: TypeAlias = Contains | OfType | Matches | Changed


@dataclass(frozen=True, slots=True)
class Filter:
    """Terms that must all hold; without any, every row matches."""

    terms: tuple[Term, ...] = ()

    def matches(self, row: Filterable, now: datetime) -> bool:
        """Say whether the row is shown. `now` is aware, as the row's times are."""
        return all(holds(term, row, now) for term in self.terms)

    def narrows(self, earlier: "Filter") -> bool:
        """Say whether whatever matches this filter matched `earlier` too, the rows being the same."""
        return all(any(_implies(mine, theirs) for mine in self.terms) for theirs in earlier.terms)

    def describe(self) -> str:
        """Say in words what is shown: `name contains “retry” and type is not int`."""
        return " and ".join(_described(term) for term in self.terms) or "everything"


def haystack(namespace: str, key: str) -> str:
    """Return the text that words are looked for in."""
    return f"{namespace}/{key}".casefold()


def holds(term: Term, row: Filterable, now: datetime) -> bool:
    """Say whether one term, negated or not, holds of the row."""
    match term:
        case Contains():
            found = _contains(term, row)
        case OfType():
            found = row.type == term.type
        case Matches():
            found = term.pattern.search(f"{row.namespace}/{row.key}"[:LONGEST_SUBJECT]) is not None
        case Changed():
            found = row.changed_at is not None and (now - row.changed_at > term.span) is term.longer
        case _:
            assert_never(term)
    return found is not term.negated


def _contains(term: Contains, row: Filterable) -> bool:
    match term.field:
        case "name":
            return term.text in haystack(row.namespace, row.key)
        case "value":
            return term.text in row.value_text.casefold()
        case "owner":
            return term.text in row.owner.casefold()
        case "tag":
            return any(term.text in tag.casefold() for tag in row.tags)
        case _:
            assert_never(term.field)


def _implies(mine: Term, theirs: Term) -> bool:
    if isinstance(mine, Changed):
        # Time passes between the two: what was too young then may be old enough now.
        return False
    if isinstance(mine, Contains) and isinstance(theirs, Contains):
        same = mine.field == theirs.field and mine.negated == theirs.negated
        return same and (mine.text in theirs.text if mine.negated else theirs.text in mine.text)
    return mine == theirs


def _described(term: Term) -> str:
    no = "not " if term.negated else ""
    match term:
        case Contains():
            verb = "does not contain" if term.negated else "contains"
            return f"{term.field} {verb} “{term.text}”"
        case OfType():
            return f"type is {no}{term.type}"
        case Matches():
            return f"name {'does not match' if term.negated else 'matches'} {term.pattern.pattern}"
        case Changed():
            return f"{no}changed {'more than' if term.longer else 'within'} {_span(term.span)}"
        case _:
            assert_never(term)


def _span(span: timedelta) -> str:
    seconds = int(span.total_seconds())
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if seconds and seconds % length == 0:
            return f"{seconds // length}{unit}"
    return f"{seconds}s"
