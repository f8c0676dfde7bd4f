"""Two changes of one value that did not know of each other: what each touched, and both together."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from setpoint_tui.model.alignment import align
from setpoint_tui.model.diff_lines import ABSENT, Absent
from setpoint_tui.model.json_diff import child, is_object, same_json

__all__ = ["WHOLE", "ThreeWay", "three_way"]

WHOLE = "the whole value"
"""The path of a value that has no parts."""


@dataclass(frozen=True, slots=True)
class ThreeWay:
    """What mine and theirs made of a base.

    Paths are those of JSON members, `line 3` of a text, or WHOLE; they are not escaped for a screen. Both
    may have made the same of a path: that is no overlap.
    """

    mine: tuple[str, ...]
    theirs: tuple[str, ...]
    overlap: tuple[str, ...]
    # A JSON object that holds both changes; None when they overlap, or when the values are no objects.
    merged: dict[str, Any] | None = None


def three_way(base: object | Absent, mine: object | Absent, theirs: object | Absent, value_type: str) -> ThreeWay:
    """Compare two values that were made from `base`; any of the three may be ABSENT."""
    if is_object(base) and is_object(mine) and is_object(theirs):
        found = _Members()
        merged = found.merge(base, mine, theirs, "")
        return ThreeWay(tuple(found.mine), tuple(found.theirs), tuple(found.overlap), None if found.overlap else merged)
    if value_type == "string" and isinstance(base, str) and isinstance(mine, str) and isinstance(theirs, str):
        return _compared_lines(base, mine, theirs)
    return _compared_whole(base, mine, theirs)


@dataclass(slots=True)
class _Members:
    mine: list[str] = field(default_factory=list[str])
    theirs: list[str] = field(default_factory=list[str])
    overlap: list[str] = field(default_factory=list[str])

    def merge(self, base: dict[str, Any], mine: dict[str, Any], theirs: dict[str, Any], path: str) -> dict[str, Any]:
        """Return both changes in one object, noting what each touched; overlaps are left as mine has them."""
        merged: dict[str, Any] = {}
        for key in mine | theirs | base:
            parts = (base.get(key, ABSENT), mine.get(key, ABSENT), theirs.get(key, ABSENT))
            value = self._member(*parts, child(path, key))
            if value is not ABSENT:
                merged[key] = value
        return merged

    def _member(self, base: Any, mine: Any, theirs: Any, path: str) -> Any:
        if is_object(base) and is_object(mine) and is_object(theirs):
            return self.merge(base, mine, theirs, path)
        if same_json(mine, base):
            if not same_json(theirs, base):
                self.theirs.append(path)
            return theirs
        self.mine.append(path)
        if not same_json(theirs, base):
            self.theirs.append(path)
            if not same_json(mine, theirs):
                self.overlap.append(path)
        return mine


def _compared_whole(base: object, mine: object, theirs: object) -> ThreeWay:
    my_paths = () if same_json(mine, base) else (WHOLE,)
    their_paths = () if same_json(theirs, base) else (WHOLE,)
    overlap = (WHOLE,) if my_paths and their_paths and not same_json(mine, theirs) else ()
    return ThreeWay(my_paths, their_paths, overlap)


def _compared_lines(base: str, mine: str, theirs: str) -> ThreeWay:
    my_lines, their_lines = set(_touched(base, mine)), set(_touched(base, theirs))
    both = set[int]() if mine == theirs else my_lines & their_lines
    return ThreeWay(_named(my_lines), _named(their_lines), _named(both))


def _named(lines: set[int]) -> tuple[str, ...]:
    return tuple(f"line {number + 1}" for number in sorted(lines))


def _touched(base: str, changed: str) -> Iterator[int]:
    """Yield the lines of `base` that `changed` replaced, or before which it added some."""
    for stretch in align(base.split("\n"), changed.split("\n")):
        if not stretch.same:
            yield from stretch.old or (stretch.old.start,)
