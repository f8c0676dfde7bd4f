"""Where a row is found again after the rows around it have moved."""

from collections.abc import Hashable, Iterator, Sequence
from contextlib import suppress
from itertools import chain
from typing import TypeVar

__all__ = ["find_again"]

R = TypeVar("R", bound=Hashable)


def find_again(old: Sequence[R], place: int, new: Sequence[R]) -> int | None:
    """Return the place in `new` of the row that stood at `place` in `old`.

    If it is gone: of the nearest row after it that is left, else of the nearest before it; if none of the old
    rows is left, the same place or the last. None when `new` is empty. The rows of each are distinct.
    """
    if not new:
        return None
    row = old[place]
    if place < len(new) and new[place] == row:
        return place
    try:
        return new.index(row)
    except ValueError:
        return _nearest(old, place, new)


def _nearest(old: Sequence[R], place: int, new: Sequence[R]) -> int:
    if place + 1 < len(old):
        # One row deleted is the usual case, and hashing a hundred thousand rows for it would be felt.
        with suppress(ValueError):
            return new.index(old[place + 1])
    places = {row: at for at, row in enumerate(new)}
    neighbours: Iterator[int] = chain(range(place + 1, len(old)), range(place - 1, -1, -1))
    return next((places[old[at]] for at in neighbours if old[at] in places), min(place, len(new) - 1))
