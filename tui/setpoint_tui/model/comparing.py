"""Two environments side by side: what differs, what is listed of it, and which rows are marked for promotion. Pure."""

from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import pairwise

from setpoint_tui.comparison_answers import ComparedKey, ComparedValue, Comparison
from setpoint_tui.formatting import format_value
from setpoint_tui.model.filter_terms import Filter
from setpoint_tui.model.filtering import parse_filter
from setpoint_tui.model.keys import Facts, KeyId

__all__ = ["Comparing", "Pair", "is_promotable", "next_pair", "pair_around"]

Pair = tuple[str, str]
"""Source and target."""

_Seen = tuple[str | None, str | None]
"""The versions that a row showed when it was marked."""


def pair_around(environments: Sequence[str], selected: str | None) -> Pair | None:
    """Return the selected environment and the one it is promoted to; before the last one comes its predecessor."""
    if len(environments) < 2:
        return None
    place = environments.index(selected) if selected in environments else 0
    place = min(place, len(environments) - 2)
    return environments[place], environments[place + 1]


def next_pair(environments: Sequence[str], pair: Pair | None, step: int) -> Pair | None:
    """Return the neighbours `step` places along the order of promotion, round its ends."""
    if len(environments) < 2:
        return None
    pairs = list(pairwise(environments))
    if pair not in pairs:
        return pair_around(environments, None if pair is None else pair[0])
    return pairs[(pairs.index(pair) + step) % len(pairs)]


def is_promotable(row: ComparedKey) -> bool:
    """Whether a row is promoted without being chosen by itself: it is valid, and takes nothing away."""
    return row.valid and row.source is not None and row.state != "same"


class Comparing:
    """One comparison on show. Marks hold as long as the marked row shows the versions that it was marked with."""

    def __init__(self, facts: Callable[[KeyId], Facts | None]) -> None:
        self._facts = facts
        self.pair: Pair | None = None
        self.namespace: str | None = None
        self.found: Comparison | None = None
        self.rows: dict[KeyId, ComparedKey] = {}
        self.order: list[KeyId] = []
        """The rows that the filter leaves, by name."""
        self.changed: set[KeyId] = set()
        """Rows that were marked and have other values since; a person marks them again, or not."""
        self.filter_text = ""
        self._filter = Filter()
        self._marks: dict[KeyId, _Seen] = {}

    # -- what the person asks for

    def look_at(self, pair: Pair | None, namespace: str | None) -> bool:
        """Go to a pair of environments and a namespace; return whether they are others than before."""
        if (pair, namespace) == (self.pair, self.namespace):
            return False
        if pair != self.pair:
            self.forget_marks()
        self.pair, self.namespace = pair, namespace
        self.found = None
        self.rows = {}
        self.order = []
        return True

    def set_filter(self, text: str, now: datetime | None = None) -> None:
        """Filter by a text. Raises InvalidFilter and keeps the filter that there was."""
        self._filter = parse_filter(text)
        self.filter_text = text
        self.list_rows(now)

    def set_marks(self, keys: Iterable[KeyId]) -> None:
        """Mark exactly these of the listed rows; marks of rows that a filter hides stay."""
        wanted = set(keys)
        listed = set(self.order)
        kept = {key: seen for key, seen in self._marks.items() if key not in listed}
        fresh = {
            key: self._marks.get(key, _seen(self.rows[key])) for key in self.order if key in wanted and key in self.rows
        }
        self._marks = kept | fresh
        self.changed -= wanted

    def mark_promotable(self) -> int:
        """Mark every listed row that can be promoted as it stands, besides those marked; return how many are new."""
        before = set(self._marks)
        self.set_marks(self.marked | {key for key in self.order if is_promotable(self.rows[key])})
        return len(self._marks.keys() - before)

    def forget_marks(self) -> None:
        """Take all marks away."""
        self._marks.clear()
        self.changed.clear()

    @property
    def marked(self) -> frozenset[KeyId]:
        """The marked rows, those that a filter hides as well."""
        return frozenset(self._marks)

    # -- keeping it current

    def is_behind(self, revision: Callable[[str], int]) -> bool:
        """Whether either environment has moved on since it was looked at."""
        if self.found is None:
            return self.pair is not None
        source, target = self.found.source, self.found.target
        return revision(source.env) > source.revision or revision(target.env) > target.revision

    def take(self, found: Comparison, now: datetime | None = None) -> set[KeyId]:
        """Take a comparison of the same pair; return the marked rows that lost their mark: their values changed."""
        self.found = found
        self.rows = {(row.namespace, row.key): row for row in found.rows}
        lost = {key for key, seen in self._marks.items() if key not in self.rows or _seen(self.rows[key]) != seen}
        for key in lost:
            del self._marks[key]
        self.changed = (self.changed | lost) & self.rows.keys()
        self.list_rows(now)
        return lost

    def list_rows(self, now: datetime | None = None) -> None:
        """Apply the filter anew: time has passed, or it is another one."""
        at = now or datetime.now(UTC)
        self.order = [key for key, row in self.rows.items() if self._filter.matches(_Row(row, self._facts(key)), at)]


def _seen(row: ComparedKey) -> _Seen:
    return (_version(row.source), _version(row.target))


def _version(side: ComparedValue | None) -> str | None:
    return None if side is None else side.version


@dataclass(frozen=True, slots=True)
class _Row:
    """A row as a filter looks at it: by either value, and by the later of two changes."""

    row: ComparedKey
    facts: Facts | None

    @property
    def namespace(self) -> str:
        return self.row.namespace

    @property
    def key(self) -> str:
        return self.row.key

    @property
    def type(self) -> str:
        return self.row.type

    @property
    def owner(self) -> str:
        return "" if self.facts is None else self.facts.owner

    @property
    def tags(self) -> tuple[str, ...]:
        return () if self.facts is None else self.facts.tags

    @property
    def value_text(self) -> str:
        return " ".join(format_value(self.row.type, side.value) for side in self._sides)

    @property
    def changed_at(self) -> datetime | None:
        return max((side.at for side in self._sides), default=None)

    @property
    def _sides(self) -> list[ComparedValue]:
        return [side for side in (self.row.source, self.row.target) if side is not None]
