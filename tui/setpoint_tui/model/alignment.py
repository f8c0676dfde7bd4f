"""Which parts of two sequences belong together, in a time that no input can stretch."""

from collections.abc import Hashable, Iterator, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import pairwise
from typing import TypeVar

__all__ = ["Stretch", "align"]

T = TypeVar("T", bound=Hashable)


@dataclass(frozen=True, slots=True)
class Stretch:
    """Items `old` of one sequence against items `new` of the other: the same, or one replaced by the other."""

    same: bool
    old: range
    new: range


def align(old: Sequence[T], new: Sequence[T], *, most: int = 200) -> list[Stretch]:
    """Return stretches that cover both sequences in order; none is empty on both sides.

    When more than `most` items of a side lie between the common head and tail, these count as replaced whole.
    """
    shorter = min(len(old), len(new))
    head = next((place for place in range(shorter) if old[place] != new[place]), shorter)
    tail = next((back for back in range(shorter - head) if old[-1 - back] != new[-1 - back]), shorter - head)
    ends = (len(old) - tail, len(new) - tail)
    cuts = [(0, 0), (head, head), *_middle(old, new, head, ends, most), ends, (len(old), len(new))]
    return list(_stretches(cuts, old, new))


def _middle(
    old: Sequence[T], new: Sequence[T], head: int, ends: tuple[int, int], most: int
) -> Iterator[tuple[int, int]]:
    if max(ends[0] - head, ends[1] - head) > most:
        return
    matcher = SequenceMatcher(None, old[head : ends[0]], new[head : ends[1]], autojunk=False)
    for block in matcher.get_matching_blocks():
        yield head + block.a, head + block.b
        yield head + block.a + block.size, head + block.b + block.size


def _stretches(cuts: Sequence[tuple[int, int]], old: Sequence[T], new: Sequence[T]) -> Iterator[Stretch]:
    for (old_from, new_from), (old_to, new_to) in pairwise(cuts):
        if (old_from, new_from) != (old_to, new_to):
            # Between two cuts both sides are either equal throughout or have nothing in common at their heads.
            same = old_to - old_from == new_to - new_from and old[old_from] == new[new_from]
            yield Stretch(same, range(old_from, old_to), range(new_from, new_to))
