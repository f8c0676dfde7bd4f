"""Counts the reads that ask for another type than a key has, and reports each once per key and revision."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from setpoint.content import Content
from setpoint.protocol.values import ValueType

__all__ = ["Mismatch", "Mismatches", "Misread", "OutOfBounds"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One key that was read by the wrong getter."""

    namespace: str
    key: str
    expected: ValueType
    found: ValueType

    def __str__(self) -> str:
        return (
            f"{self.namespace}/{self.key} is of type {self.found} but was read as {self.expected}: the default is given"
        )


@dataclass(frozen=True, slots=True)
class OutOfBounds:
    """One key whose value a declared setting does not take."""

    namespace: str
    key: str
    bound: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.key} does not keep {self.bound}: the last good value stays"


Misread = Mismatch | OutOfBounds


class Mismatches:
    """Works on the readers' threads, so without locks: the count may be one behind for a moment, never lose any.

    `report` is called by the reader's thread too; it must neither block nor raise.
    """

    def __init__(self, report: Callable[[Misread], None]) -> None:
        self._report = report
        self._counter = itertools.count(1)
        self._reported: dict[tuple[str, str, ValueType], tuple[str | None, int]] = {}
        self.count = 0

    def record(self, content: Content, namespace: str, key: str, expected: ValueType) -> None:
        """Count the read; report it if it is the first of this key and type at this revision."""
        self.count = next(self._counter)
        position = (content.held.epoch, content.held.revision)
        read = (namespace, key, expected)
        entry = content.entry(namespace, key)
        if entry is None or self._reported.get(read) == position:
            return
        self._reported[read] = position
        self._report(Mismatch(namespace, key, expected, entry.type))

    def count_one(self, misread: Misread) -> None:
        """Count and report one; for callers that see each value of a key once."""
        self.count = next(self._counter)
        self._report(misread)
