"""Counts the reads that ask for another type than a key has, and reports each once per key and revision."""

import itertools
from collections.abc import Callable
from dataclasses import dataclass

from setpoint.content import Content
from setpoint.protocol.values import ValueType

__all__ = ["Mismatch", "Mismatches"]


@dataclass(frozen=True, slots=True)
class Mismatch:
    """One key that was read by the wrong getter."""

    namespace: str
    key: str
    expected: ValueType
    found: ValueType


class Mismatches:
    """Works on the readers' threads, so without locks: the count may be one behind for a moment, never lose any.

    `report` is called by the reader's thread too; it must neither block nor raise.
    """

    def __init__(self, report: Callable[[Mismatch], None]) -> None:
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
