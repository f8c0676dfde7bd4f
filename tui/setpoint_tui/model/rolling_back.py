"""What a rollback would do, compared with what holds now, and why it cannot be done. Pure."""

from collections.abc import Callable
from dataclasses import dataclass

from setpoint_tui.answers import HistoryChange, PastChangeSet
from setpoint_tui.formatting import counted, format_revision
from setpoint_tui.model.diff_lines import ABSENT, Absent
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.keys import Held, KeyId, key_path
from setpoint_tui.model.proposals import Proposal, ProposedChange
from setpoint_tui.model.story import Story, value_after
from setpoint_tui.text_safety import safe_text

__all__ = ["ChangedSince", "changed_since", "propose_key", "propose_set", "why_not"]

Holds = Callable[[KeyId], Held | None]


@dataclass(frozen=True, slots=True)
class ChangedSince:
    """A key of a change set that was changed again: what it held after it, and what it holds (None: no value)."""

    key: KeyId
    type: str
    after: object | Absent
    held: Held | None


def why_not(story: Story, change: HistoryChange | None) -> str | None:
    """Return why a key cannot be rolled back to a change, or None when it can."""
    if change is None or story.present is None:
        return "there is no version under the cursor"
    if change.version is None:
        return f"{format_revision(change.revision)} took the value away: x on the key does that"
    if story.is_present_again(change):
        return "that version is the one that holds now"
    return None


def propose_key(story: Story, change: HistoryChange) -> Proposal:
    """Propose to make an earlier version hold again, based on the newest change that was seen."""
    assert story.present is not None
    namespace, key = story.key
    revision = format_revision(change.revision)
    params = {
        "env": story.env,
        "namespace": namespace,
        "key": key,
        "version": change.version,
        "expected_version": story.present.version,
    }
    path = safe_text(key_path(story.key))
    title = f"roll {path} back to {revision}"
    return Proposal(
        Intent("rollback", params, story.env, title, (story.key,)),
        title,
        (ProposedChange(story.key, story.type, value_after(story.present), value_after(change)),),
        based_on=f"{safe_text(story.env)} {format_revision(story.present.revision)}",
    )


def changed_since(done: PastChangeSet, holds: Holds) -> list[ChangedSince]:
    """Return the keys of a change set that hold something else now: undoing it would take that back, too."""
    found: list[ChangedSince] = []
    for change in done.changes:
        key = (change.namespace, change.key)
        held = holds(key)
        if (None if held is None else held.version) != change.version:
            after = ABSENT if change.version is None else change.new
            found.append(ChangedSince(key, change.type, after, held))
    return found


def propose_set(done: PastChangeSet, present_revision: int, holds: Holds) -> Proposal:
    """Propose to put every key of a change set back to what it held before it."""
    revision = format_revision(done.revision)
    title = f"roll back all of {revision}: {counted(len(done.changes), 'key')}"
    changes = tuple(
        ProposedChange(
            (change.namespace, change.key),
            change.type,
            ABSENT if (held := holds((change.namespace, change.key))) is None else held.value,
            ABSENT if change.previous_version is None else change.old,
        )
        for change in done.changes
    )
    return Proposal(
        Intent(
            "rollback",
            {"env": done.env, "change_set": done.revision},
            done.env,
            title,
            tuple(change.key for change in changes),
        ),
        title,
        changes,
        based_on=f"{safe_text(done.env)} {format_revision(present_revision)}",
    )
