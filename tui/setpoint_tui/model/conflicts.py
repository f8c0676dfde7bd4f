"""Somebody changed the key that one edits: who, when, what, and what can be done about it."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from setpoint_tui.answers import PastChangeSet
from setpoint_tui.formatting import format_age, format_revision
from setpoint_tui.model.diff_lines import ABSENT, Absent
from setpoint_tui.model.editing import EditedText, text_of
from setpoint_tui.model.keys import Held, KeyId
from setpoint_tui.model.merging import ThreeWay, three_way
from setpoint_tui.model.model import Model
from setpoint_tui.text_safety import safe_text

__all__ = ["Base", "Meanwhile", "base_of", "first_text", "last_change", "meanwhile", "overlap_sentence", "who_sentence"]


@dataclass(frozen=True, slots=True)
class Base:
    """The version that an edit began from: its value, or ABSENT when there was none.

    `is_known` is False for a draft whose base could not be fetched: then the version alone is known.
    """

    version: str | None
    value: Any
    revision: int | None = None
    at: datetime | None = None
    is_known: bool = True


@dataclass(frozen=True, slots=True)
class Meanwhile:
    """What holds now instead of the base, who made it so (None: not known here), and both changes together."""

    theirs: Base
    change: PastChangeSet | None
    together: ThreeWay | None


def base_of(held: Held | None) -> Base:
    """Return what a key holds as the base of an edit."""
    if held is None:
        return Base(None, ABSENT)
    return Base(held.version, held.value, held.revision, held.at)


def first_text(value_type: str, base: Base) -> EditedText:
    """Return what an editor begins with on top of a base."""
    if base.value is not ABSENT:
        return text_of(value_type, base.value)
    return EditedText({"bool": "false", "json": "{}"}.get(value_type, ""))


def last_change(model: Model, env: str, key: KeyId) -> PastChangeSet | None:
    """Return the newest change set of a key among those that were heard of."""
    for change_set in reversed(model.activity):
        if change_set.env == env and any((one.namespace, one.key) == key for one in change_set.changes):
            return change_set
    return None


def meanwhile(
    model: Model, env: str, key: KeyId, base: Base, mine: object | Absent, value_type: str
) -> Meanwhile | None:
    """Compare what a key holds now with the base of an edit; None: nobody changed it.

    `mine` is the value in the editor, or ABSENT while it cannot be read.
    """
    theirs = base_of(model.held(env, key))
    if theirs.version == base.version:
        return None
    can_compare = base.is_known and mine is not ABSENT
    together = three_way(base.value, mine, theirs.value, value_type) if can_compare else None
    return Meanwhile(theirs, last_change(model, env, key), together)


def who_sentence(found: Meanwhile, now: datetime) -> str:
    """Say who changed it and when, safe to show."""
    change = found.change
    did = "deleted it" if found.theirs.value is ABSENT else "changed it"
    if change is None or (found.theirs.revision not in (None, change.revision)):
        since = "" if found.theirs.revision is None else f" ({format_revision(found.theirs.revision)})"
        return f"somebody {did} meanwhile{since}"
    note = f": {safe_text(change.note, limit=80)}" if change.note else ""
    when = format_age(change.at, now)
    return f"{safe_text(change.by.name, limit=40)} {did} {when} ago ({format_revision(change.revision)}){note}"


def overlap_sentence(together: ThreeWay | None) -> str:
    """Say whether both changes can stand together."""
    if together is None:
        return "the two cannot be compared now"
    if together.merged is not None:
        return "you changed other parts of it: both can stand together"
    if together.overlap:
        return "you both changed " + ", ".join(safe_text(path, limit=60) for path in together.overlap[:4])
    if not together.mine:
        return "you changed nothing yet"
    if together.mine == together.theirs:
        return "you made the same change"
    return "you changed other parts of it"
