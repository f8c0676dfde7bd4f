"""The names of all rows, kept ready for filters that are typed letter by letter."""

from collections.abc import Callable, Hashable, Iterable
from datetime import datetime
from typing import Generic, TypeVar

from setpoint_tui.model.filter_terms import Contains, Filter, Filterable, Term, holds

__all__ = ["FilterIndex"]

R = TypeVar("R", bound=Hashable)


class FilterIndex(Generic[R]):
    """One name per row id, searched without touching the rows as long as only words are asked for.

    `row` returns what a row holds now. Whoever changes a row says so with `put`, or later searches may
    miss it; the index remembers its last result and searches only that when a filter narrows it.
    """

    def __init__(self, row: Callable[[R], Filterable]) -> None:
        self._row = row
        self._names: dict[R, str] = {}
        self._last: tuple[Filter, list[R]] | None = None
        self._touched: set[R] = set()

    def __len__(self) -> int:
        """Return how many rows are indexed."""
        return len(self._names)

    def put(self, row_id: R, text: str) -> None:
        """Take a new row, or one that changed in any way; `text` is its `namespace/key`."""
        self._names[row_id] = text.casefold()
        self._touched.add(row_id)

    def remove(self, row_id: R) -> None:
        """Forget a row; one that is not there is no matter."""
        self._names.pop(row_id, None)
        self._touched.add(row_id)

    def search(self, wanted: Filter, now: datetime) -> list[R]:
        """Return the ids of the rows that match, in the order in which they were first put."""
        found: Iterable[R] = self._candidates(wanted)
        # Words first: they are cheapest and leave least for the others.
        for term in sorted(wanted.terms, key=_needs_row):
            found = self._passing(term, found, now)
        result = list(found)
        self._last = (wanted, result)
        self._touched.clear()
        return list(result)

    def _candidates(self, wanted: Filter) -> Iterable[R]:
        if self._last is None or not wanted.narrows(self._last[0]):
            return self._names
        if not self._touched:
            return self._last[1]
        if not any(_needs_row(term) for term in wanted.terms):
            # Looking through all names takes less time than telling those apart that changed.
            return self._names
        pool = self._touched.union(self._last[1])
        return [row_id for row_id in self._names if row_id in pool]

    def _passing(self, term: Term, candidates: Iterable[R], now: datetime) -> list[R]:
        if isinstance(term, Contains) and term.field == "name":
            word, names, negated = term.text, self._names, term.negated
            if candidates is names:
                return [row_id for row_id, name in names.items() if (word in name) is not negated]
            return [row_id for row_id in candidates if (word in names[row_id]) is not negated]
        row = self._row
        return [row_id for row_id in candidates if holds(term, row(row_id), now)]


def _needs_row(term: Term) -> bool:
    return not (isinstance(term, Contains) and term.field == "name")
