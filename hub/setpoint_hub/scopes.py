"""Which names a token reaches: exact names, `team.*`, or `*` for all. Pure."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Final

from setpoint.errors import InvalidName
from setpoint.protocol.names import check_namespace

__all__ = ["EVERYTHING", "Scope", "check_pattern"]

EVERYTHING: Final = "*"
"""The pattern of every name, also of those that come to be later."""

_BELOW: Final = ".*"


@dataclass(frozen=True, slots=True)
class Scope:
    """A set of names. Equal sets of patterns are equal scopes, so that readers can be grouped by theirs.

    `names` are covered as they stand, and every name that starts with one of `prefixes`: `team.*` has the prefix
    `team.`, so it covers `team.a` and `team.a.b`, and neither `team` nor `teamx`.
    """

    names: frozenset[str]
    prefixes: frozenset[str]

    @classmethod
    def of(cls, patterns: Iterable[str]) -> "Scope":
        """Return the scope of these patterns; what is no pattern covers nothing, since no name holds a star."""
        given = frozenset(patterns)
        open_ended = frozenset(pattern for pattern in given if pattern == EVERYTHING or pattern.endswith(_BELOW))
        return cls(given - open_ended, frozenset(pattern[:-1] for pattern in open_ended))

    @property
    def patterns(self) -> list[str]:
        """The patterns, in order."""
        return sorted([*self.names, *(prefix + EVERYTHING for prefix in self.prefixes)])

    @property
    def everything(self) -> bool:
        """Whether every name is covered."""
        return "" in self.prefixes

    def covers(self, name: str) -> bool:
        """Say whether a name is in this scope."""
        return name in self.names or any(name.startswith(prefix) for prefix in self.prefixes)

    def covers_all(self, names: Iterable[str]) -> bool:
        """Say whether every one of the names is in this scope."""
        return self.everything or all(self.covers(name) for name in names)

    def includes(self, pattern: str) -> bool:
        """Say whether all that a pattern covers is covered here; a name is the pattern of itself alone."""
        if pattern == EVERYTHING or pattern.endswith(_BELOW):
            return any(pattern[:-1].startswith(prefix) for prefix in self.prefixes)
        return self.covers(pattern)


def check_pattern(pattern: str, check_name: Callable[[str], str] = check_namespace) -> str:
    """Return a pattern that can be given to a token, or raise InvalidName; what is no star has to be a name."""
    if pattern == EVERYTHING:
        return pattern
    if EVERYTHING in pattern and not pattern.endswith(_BELOW):
        raise InvalidName("pattern", pattern, "is none: write a name, NAME.* for the names below it, or * for all")
    check_name(pattern.removesuffix(_BELOW))
    return pattern
