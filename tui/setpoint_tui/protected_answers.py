"""What a hub answers about changes that take themselves back, and about a secret that somebody may see."""

from typing import Any

from pydantic import Field

from setpoint_tui.answers import Answer, Person
from setpoint_tui.review_answers import KeyReference

__all__ = ["RevealedSecret", "TemporaryChange", "TemporaryList"]


class RevealedSecret(Answer):
    """The active value of a secret, in the clear; never in a representation."""

    version: str
    type: str
    value: Any = Field(repr=False)


class TemporaryChange(Answer):
    """A change that is taken back when its time is over; `kind` is expiry, or confirmation: unless it is confirmed."""

    env: str
    revision: int
    kind: str
    due_in_seconds: float
    by: Person
    note: str = ""
    keys: tuple[KeyReference, ...] = ()


class TemporaryList(Answer):
    """All of them, the soonest first."""

    changes: tuple[TemporaryChange, ...]
