"""The filter that a person types over the activity, read into terms.

Words must all stand in a changed key's name or in the note. `env:`, `ns:`, `who:`, `how:` and `note:` ask of one
thing each, `since:1h` of the time; `!` before a term turns it round, and quotes keep spaces.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from typing import TypeAlias

from setpoint_tui.answers import PastChangeSet
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.formatting import format_revision
from setpoint_tui.model.filter_words import FilterWord, check_prefix, read_span, read_words
from setpoint_tui.model.keys import key_path

__all__ = ["ActivityFilter", "parse_activity_filter"]

_EXAMPLES = {
    "env": "env:staging",
    "ns": "ns:payments",
    "who": "who:alice",
    "how": "how:rollback",
    "note": 'note:"black friday"',
    "rev": "rev:r1847",
    "since": "since:1h",
}

_Texts: TypeAlias = Callable[[PastChangeSet], tuple[str, ...]]

_FIELDS: dict[str, _Texts] = {
    "env": lambda done: (done.env,),
    "ns": lambda done: tuple({change.namespace: None for change in done.changes}),
    "who": lambda done: (done.by.name,),
    "how": lambda done: (done.how,),
    "note": lambda done: (done.note,),
    "rev": lambda done: (f"{format_revision(done.revision)}.",),
}


@dataclass(frozen=True, slots=True)
class _Contains:
    """One of some texts holds what was typed; `text` is casefolded."""

    texts: _Texts
    text: str
    negated: bool
    is_env: bool = False

    def holds(self, done: PastChangeSet) -> bool:
        return any(self.text in text.casefold() for text in self.texts(done)) is not self.negated

    def admits(self, env: str) -> bool:
        return not self.is_env or (self.text in env.casefold()) is not self.negated


@dataclass(frozen=True, slots=True)
class _Since:
    """It happened at most `span` ago."""

    span: timedelta
    negated: bool

    def holds(self, done: PastChangeSet, now: datetime) -> bool:
        return (now - done.at <= self.span) is not self.negated


@dataclass(frozen=True, slots=True)
class _Within:
    """It happened in this environment, to a key of this namespace; None: of any."""

    env: str
    namespace: str | None

    def holds(self, done: PastChangeSet) -> bool:
        named = self.namespace is None or any(change.namespace == self.namespace for change in done.changes)
        return done.env == self.env and named


@dataclass(frozen=True, slots=True)
class ActivityFilter:
    """Terms that must all hold; without any, everything matches."""

    terms: tuple[_Contains, ...] = ()
    times: tuple[_Since, ...] = ()
    place: _Within | None = None

    @property
    def depends_on_time(self) -> bool:
        """Whether what matches now may not match later."""
        return bool(self.times)

    def matches(self, done: PastChangeSet, now: datetime) -> bool:
        """Say whether a change set is shown. `now` is aware, as its time is."""
        return (
            (self.place is None or self.place.holds(done))
            and all(term.holds(done) for term in self.terms)
            and all(time.holds(done, now) for time in self.times)
        )

    def within(self, env: str, namespace: str | None) -> "ActivityFilter":
        """Return this filter for one environment, and one namespace of it, alone."""
        return replace(self, place=_Within(env, namespace))

    def admits_env(self, env: str) -> bool:
        """Say whether any change set of an environment can match."""
        return all(term.admits(env) for term in self.terms)


def parse_activity_filter(text: str) -> ActivityFilter:
    """Return the filter that `text` means. Raises InvalidFilter, saying what to write, when it means none."""
    terms: list[_Contains] = []
    times: list[_Since] = []
    for word in read_words(text):
        check_prefix(word, _EXAMPLES)
        if word.prefix == "since":
            times.append(_since(word))
        else:
            terms.append(_contains(word))
    return ActivityFilter(tuple(terms), tuple(times))


def _contains(word: FilterWord) -> _Contains:
    wanted = word.text.casefold()
    if word.prefix is None:
        if not wanted:
            raise InvalidFilter("write a word after !, as in !retry or !who:alice")
        return _Contains(_words_of, wanted, word.negated)
    if word.prefix == "rev":
        wanted = f"r{wanted.removeprefix('r')}."
    return _Contains(_FIELDS[word.prefix], wanted, word.negated, word.prefix == "env")


def _since(word: FilterWord) -> _Since:
    span = read_span(word.text)
    if span is None or span[0] == ">":
        raise InvalidFilter("write since:30m, since:1h or since:2d (s, m, h, d, w); !since:1h for longer ago")
    return _Since(span[1], word.negated)


def _words_of(done: PastChangeSet) -> tuple[str, ...]:
    return (*(key_path((change.namespace, change.key)) for change in done.changes), done.note)
