"""Verifying a chain link by link, in the memory of one link: the first that is broken is named. Pure."""

from dataclasses import dataclass
from typing import Final

from setpoint.protocol.chain import ChainedEvent, Link, Record, link

__all__ = ["START", "Broken", "ChainCheck", "Head"]


@dataclass(frozen=True, slots=True)
class Head:
    """Where a chain stands, or stood: its last number (of a revision, or of an event) and that one's hash."""

    number: int
    hash: bytes


START: Final = Head(0, b"")
"""Where every chain begins."""


@dataclass(frozen=True, slots=True)
class Broken:
    """The first link that does not hold, and why, as a sentence."""

    number: int
    reason: str


class ChainCheck:
    """Takes the links of one chain in their order. `known` is a head that was exported earlier."""

    def __init__(self, *, known: Head | None = None) -> None:
        self.at = START
        """The last link that holds."""
        self._known = known
        self._what = "revision"

    def take(self, found: Link) -> Broken | None:
        """Take the next link; return what is wrong with it. After that the check is over."""
        number = found.record.number
        self._what = "event" if isinstance(found.record, ChainedEvent) else "revision"
        broken = self._misplaced(number) or self._altered(found)
        if broken is not None:
            return broken
        self.at = Head(number, found.hash)
        if self._known is not None and self._known.number == number and self._known.hash != found.hash:
            return Broken(number, f"{self._what} {number} is not the one that was exported: history was written anew")
        return None

    def finish(self, head: Head) -> Broken | None:
        """Compare with where the chain is said to stand, once every link was taken; return what is wrong."""
        last = self.at.number
        if head.number > last:
            return Broken(last + 1, f"{self._range(last + 1, head.number)} missing at the end")
        if head.number < last or head.hash != self.at.hash:
            return Broken(last, f"the chain ends with {self._what} {last}, and its stored head is another")
        if self._known is not None and self._known.number > last:
            cut = self._range(last + 1, self._known.number)
            return Broken(last + 1, f"{cut} missing: the head that was exported is above the end of the chain")
        return None

    def _misplaced(self, number: int) -> Broken | None:
        expected = self.at.number + 1
        if number > expected:
            return Broken(expected, f"{self._range(expected, number - 1)} missing")
        if number < expected:
            return Broken(number, f"{self._what} {number} stands again behind {self.at.number}")
        return None

    def _altered(self, found: Link) -> Broken | None:
        number = found.record.number
        if found.previous != self.at.hash:
            return Broken(number, f"{self._what} {number} does not follow the hash of the one before it")
        if link(found.previous, found.record) != found.hash:
            return Broken(number, f"{self._what} {number} is not what its hash was made of: {_edited(found.record)}")
        return None if found.flaw is None else Broken(number, found.flaw)

    def _range(self, first: int, last: int) -> str:
        return f"{self._what} {first} is" if first == last else f"{self._what}s {first} to {last} are"


def _edited(record: Record) -> str:
    if isinstance(record, ChainedEvent):
        return "the event was edited"
    return "the change set, or a version that it made active, was edited"
