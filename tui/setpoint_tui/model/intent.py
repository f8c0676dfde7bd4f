"""A change that somebody wants, before it is sent."""

from dataclasses import dataclass
from typing import Any

from setpoint_tui.model.keys import KeyId

__all__ = ["Intent"]


@dataclass(frozen=True, slots=True)
class Intent:
    """A request that changes something: `set`, `rollback` or `promote`, without its request id."""

    method: str
    params: dict[str, Any]
    env: str
    """The environment that it changes."""
    title: str
    """What it does, in a few words, safe to show."""
    keys: tuple[KeyId, ...] = ()
