"""What a hub answers to a comparison of two environments."""

from datetime import datetime
from typing import Any

from setpoint_tui.answers import Answer, Person

__all__ = [
    "ComparedEnvironment",
    "ComparedKey",
    "ComparedValue",
    "Comparison",
]


class ComparedEnvironment(Answer):
    """One side of a comparison, and the revision at which it was looked at."""

    env: str
    revision: int
    protected: bool = False
    required_approvals: int = 0


class ComparedValue(Answer):
    """What a key holds on one side, since when and by whom."""

    value: Any
    version: str
    revision: int
    by: Person
    at: datetime
    note: str = ""


class ComparedKey(Answer):
    """A key of two environments; `state` is changed, only_source, only_target or same."""

    namespace: str
    key: str
    type: str
    secret: bool = False
    state: str
    source: ComparedValue | None
    target: ComparedValue | None
    newer_in_target: bool
    valid: bool
    problem: str | None = None


class Comparison(Answer):
    """What differs between two environments; `same` and `different` count all keys, those of other pages too."""

    source: ComparedEnvironment
    target: ComparedEnvironment
    rows: tuple[ComparedKey, ...]
    same: int
    different: int
    next: tuple[str, str] | None = None
