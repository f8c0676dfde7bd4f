"""Which keys the middle pane lists, and in which order: scope, filter, sort, and a hold on the order."""

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import islice
from typing import Any, Literal

from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.filter_index import FilterIndex
from setpoint_tui.model.filtering import Filter, parse_filter
from setpoint_tui.model.keys import Facts, Held, KeyId, key_path
from setpoint_tui.model.model import Model

__all__ = ["SORTS", "KeyList", "Sort", "Which"]

Sort = Literal["key", "type", "value", "rev", "age"]
SORTS: tuple[Sort, ...] = ("key", "type", "value", "rev", "age")

Which = Literal["all", "set", "unset"]
"""All keys, those that have a value here, or those that have none: never set, or deleted."""


@dataclass(frozen=True, slots=True)
class _Row:
    """A key in one environment, as a filter looks at it."""

    facts: Facts
    held: Held | None

    @property
    def namespace(self) -> str:
        return self.facts.namespace

    @property
    def key(self) -> str:
        return self.facts.key

    @property
    def type(self) -> str:
        return self.facts.type

    @property
    def owner(self) -> str:
        return self.facts.owner

    @property
    def tags(self) -> tuple[str, ...]:
        return self.facts.tags

    @property
    def value_text(self) -> str:
        return "" if self.held is None else self.held.text

    @property
    def changed_at(self) -> datetime | None:
        return None if self.held is None else self.held.at


class KeyList:
    """The listed keys of the selected environment. `update` is cheap when nothing that the order depends on changed."""

    def __init__(self, model: Model) -> None:
        self._model = model
        self._index: FilterIndex[KeyId] = FilterIndex(self._row)
        self._indexed = 0
        """How many of the model's keys are indexed: keys are only ever added, so the new ones are the last ones."""
        self.order: list[KeyId] = []
        self.filter_text = ""
        self._filter = Filter()
        self.sort: Sort = "key"
        self.descending = False
        self.which: Which = "all"
        self.frozen = False
        self.in_scope = 0
        """Keys of the scope before the filter."""
        self._stale = True
        self._env: str | None = None
        self._history = model.history
        # What a filter finds comes in the order in which keys were heard of; a listing names them in order.
        self._in_order = True
        self._last_name: KeyId = ("", "")

    # -- what the person asks for

    def set_filter(self, text: str) -> None:
        """Filter by a text. Raises InvalidFilter and keeps the filter that there was."""
        self._filter = parse_filter(text)
        self.filter_text = text
        self._stale = True

    def sort_by(self, sort: Sort) -> None:
        """Sort by a column; the same one again turns it round. What is newest or latest comes first."""
        self.descending = not self.descending if sort == self.sort else sort in ("rev", "age")
        self.sort = sort
        self._stale = True

    def restore_sort(self, sort: object, descending: object) -> None:
        """Take a sort that was kept."""
        if sort in SORTS:
            self.sort, self.descending = sort, bool(descending)
            self._stale = True

    def show(self, which: Which) -> None:
        """List all keys, those with a value, or those without."""
        self.which = which
        self._stale = True

    def freeze(self) -> None:
        """Hold the order while values move, or let it go."""
        self.frozen = not self.frozen
        self._stale = True

    def mark_stale(self) -> None:
        """The scope is another one."""
        self._stale = True

    # -- keeping it current

    def depends_on_values(self) -> bool:
        """Whether a changed value can change which keys are listed, or their order."""
        terms = self._filter.terms
        by_value = any(getattr(term, "field", "") == "value" or hasattr(term, "span") for term in terms)
        return self.sort in ("value", "rev", "age") or by_value or self.which != "all"

    def note(self, dirty: Dirty) -> None:
        """Take note of what changed."""
        if dirty.has(Topic.KEYS):
            self._stale = True
        if dirty.has(Topic.VALUES) and not self.frozen and self.depends_on_values():
            self._stale = True
            for env, key in dirty.values:
                if env == self._env and key in self._model.facts:
                    self._index.put(key, key_path(key))

    @property
    def is_stale(self) -> bool:
        """Whether `update` would do anything."""
        return self._stale

    def update(self, now: datetime | None = None) -> None:
        """Bring `order` up to date."""
        if not self._stale:
            return
        self._stale = False
        self._env = self._model.selection.env
        self._take_new_keys()
        self.order = self._sorted(self._listed(now or datetime.now(UTC)))

    def _take_new_keys(self) -> None:
        facts = self._model.facts
        if self._history != self._model.history:
            self._history = self._model.history
            self._index = FilterIndex(self._row)
            self._indexed = 0
            self._last_name = ("", "")
            self._in_order = True
        for key in islice(facts, self._indexed, None):
            self._index.put(key, key_path(key))
            self._in_order = self._in_order and key > self._last_name
            self._last_name = key
        self._indexed = len(facts)

    def _listed(self, now: datetime) -> list[KeyId]:
        found: Iterable[KeyId] = self._index.search(self._filter, now)
        namespace = self._model.selection.namespace
        if namespace is None:
            self.in_scope = len(self._model.facts)
            scoped = list(found)
        else:
            self.in_scope = self._model.namespaces().get(namespace, 0)
            scoped = [key for key in found if key[0] == namespace]
        if self.which == "all":
            return scoped
        held = self._held_here()
        return [key for key in scoped if (key in held) == (self.which == "set")]

    def _held_here(self) -> dict[KeyId, Held]:
        place = self._model.places.get(self._env or "")
        return {} if place is None else place.held

    def _sorted(self, keys: list[KeyId]) -> list[KeyId]:
        if self.sort == "key":
            if self.descending or not self._in_order:
                keys.sort(reverse=self.descending)
            return keys
        # By name within equals, whichever way the column runs.
        keys.sort()
        keys.sort(key=self._sort_key(), reverse=self.descending)
        return keys

    def _sort_key(self) -> Callable[[KeyId], Any]:
        held, facts = self._held_here(), self._model.facts
        match self.sort:
            case "type":
                return lambda key: facts[key].type
            case "value":
                return lambda key: _comparable(held.get(key))
            case _:
                # An age and a revision rise together: the log is one order.
                return lambda key: held[key].revision if key in held else 0

    def _row(self, key: KeyId) -> _Row:
        return _Row(self._model.facts[key], self._held_here().get(key))


def _comparable(held: Held | None) -> tuple[int, float, str]:
    """Numbers by size, then texts, then what has no value."""
    if held is None:
        return (2, 0.0, "")
    if isinstance(held.value, int | float):
        return (0, float(held.value), "")
    return (1, 0.0, held.text)
