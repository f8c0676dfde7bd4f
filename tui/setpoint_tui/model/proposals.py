"""A write that is proposed to the person, with everything that a dialog shows before it is made."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime

from setpoint_tui.model.diff_lines import Absent
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.keys import KeyId

__all__ = ["Proposal", "ProposedChange"]


@dataclass(frozen=True, slots=True)
class ProposedChange:
    """What a key holds now and what it would hold; ABSENT: no value."""

    key: KeyId
    type: str
    old: object | Absent
    new: object | Absent


@dataclass(frozen=True, slots=True)
class Proposal:
    """One intent, and what it would do."""

    intent: Intent
    title: str
    changes: tuple[ProposedChange, ...]
    left_out: tuple[str, ...] = ()
    """What is not part of it, and why: a sentence each, safe to show."""
    based_on: str = ""
    asks_note: bool = True
    needs_glass: str = ""
    """Why it cannot be made now but by breaking the glass, safe to show; empty: it can."""
    may_wait: bool = False
    """Whether a hub can be told to make it at a time."""
    terms: Mapping[str, float | None] = field(default_factory=dict[str, float | None])
    """When it takes itself back, as was said when it was proposed: `expires_in` and `confirm_within`."""
    due: datetime | None = None
    """When a hub is to make it already."""
