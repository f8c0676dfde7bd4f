"""What we wrote ourselves: what became of it, how far it has reached, and what can still be taken back."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import Enum, auto

from setpoint_tui.answers import Receipt
from setpoint_tui.model.keys import KeyId

__all__ = ["UNDO_SECONDS", "OwnWrite", "OwnWrites", "WriteState"]

UNDO_SECONDS = 30.0
"""How long after a write `u` takes it back."""

_KEPT = 50


class WriteState(Enum):
    """What became of a write."""

    PENDING = auto()
    """It was sent, and no answer has come."""
    DONE = auto()
    UNKNOWN = auto()
    """Its answer was lost; the hub is asked by its request id, and it is never sent again."""
    NOT_DONE = auto()
    """The hub has no record of it, or refused it."""
    IN_REVIEW = auto()
    """The environment is protected: it waits for approval."""


@dataclass(frozen=True, slots=True)
class OwnWrite:
    """One write. `at` is a moment of the monotonic clock."""

    request_id: str
    env: str
    title: str
    at: float
    state: WriteState = WriteState.PENDING
    keys: tuple[KeyId, ...] = ()
    revision: int | None = None
    receipt: Receipt | None = None
    remark: str = ""
    undone: bool = False
    review: int | None = None

    def can_be_undone(self, now: float) -> bool:
        """Whether it is recent enough to take back by one key."""
        return self.state is WriteState.DONE and not self.undone and now - self.at <= UNDO_SECONDS

    @property
    def is_reaching(self) -> bool:
        """Whether instances may still be on their way to it."""
        return self.state is WriteState.DONE and (self.receipt is None or not self.receipt.complete)


@dataclass(slots=True)
class OwnWrites:
    """The last writes, newest last."""

    _writes: dict[str, OwnWrite] = field(default_factory=dict[str, OwnWrite])

    def __iter__(self) -> Iterator[OwnWrite]:
        return iter(list(self._writes.values()))

    def add(self, write: OwnWrite) -> None:
        """Remember a write that is about to be sent; the oldest that is settled is forgotten."""
        self._writes[write.request_id] = write
        settled = [one.request_id for one in self if one.state not in (WriteState.PENDING, WriteState.UNKNOWN)]
        for request_id in settled[: max(0, len(self._writes) - _KEPT)]:
            del self._writes[request_id]

    def put(self, write: OwnWrite) -> None:
        """Record what became of a write that was added."""
        if write.request_id in self._writes:
            self._writes[write.request_id] = write

    def get(self, request_id: str) -> OwnWrite | None:
        """Return a write as it is now, or None when it has been forgotten."""
        return self._writes.get(request_id)

    @property
    def last_undoable(self) -> OwnWrite | None:
        """The newest write that stands and was not taken back; its age is for the caller to judge."""
        done = [write for write in self if write.state is WriteState.DONE and not write.undone]
        return done[-1] if done else None

    @property
    def unsettled(self) -> list[OwnWrite]:
        """Writes of which nobody knows what became of them."""
        return [write for write in self if write.state is WriteState.UNKNOWN]

    @property
    def newest(self) -> OwnWrite | None:
        """The last write of all."""
        return next(reversed(self._writes.values()), None)
