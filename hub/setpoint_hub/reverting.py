"""Taking a change back when its time has come: a new revision, of what nobody has changed since."""

from collections.abc import Mapping, Sequence
from typing import Final
from uuid import UUID

from setpoint_hub.chain import request_fingerprint
from setpoint_hub.database import Connection
from setpoint_hub.plan import Active, Step
from setpoint_hub.replica import ChangeSet
from setpoint_hub.store.deadlines import Deadlines, Due, Kind, changed_since, lock, settle
from setpoint_hub.store.intents import Admitted, Held, Intent, Locked
from setpoint_hub.store.keys import Key, Keys
from setpoint_hub.store.log import Log
from setpoint_hub.store.writer import Committed, Writer

__all__ = ["Reverting", "reversal_note"]

_HOW: Final[Mapping[Kind, str]] = {"expiry": "expiry of r{}", "confirmation": "r{} was not confirmed"}
LONGEST_NOTE: Final = 2000


class _Settled(Exception):
    """Another hub, or a confirmation, was first."""


class _NothingLeft(Exception):
    """Every key has been changed since."""


class Reverting:
    """Takes back what is due, once, whichever hub gets there first."""

    def __init__(self, deadlines: Deadlines, keys: Keys, log: Log, writer: Writer) -> None:
        self._deadlines = deadlines
        self._keys = keys
        self._log = log
        self._writer = writer

    async def revert(self, due: Due) -> Committed | None:
        """Take a change back, on the account of who made it; None when there is nothing to do, or left to do."""
        change_set = await self._log.change_set(due.env, due.revision)
        assert change_set is not None
        found = await self._keys.find([(change.namespace, change.key) for change in change_set.changes])
        keys = [found[change.namespace, change.key] for change in change_set.changes]
        gate = _Reversal(due, keys)
        how = _HOW[due.kind].format(due.revision)
        fingerprint = request_fingerprint(due.kind, due.env, due.revision)
        intent = Intent(due.env, how, due.note, due.by, None, fingerprint)
        try:
            return await self._writer.write(
                intent,
                [key.id for key in keys],
                lambda active: _plan(change_set, keys, gate.changed, active),
                gate,
            )
        except _Settled:
            return None
        except _NothingLeft:
            await self._deadlines.leave(due)
            return None


class _Reversal:
    """The gate of a deadline that is not settled. No review holds it: it was part of a change that was allowed."""

    def __init__(self, due: Due, keys: Sequence[Key]) -> None:
        self._due = due
        self._keys = keys
        self.changed: frozenset[UUID] = frozenset()

    async def admit(self, connection: Connection, intent: Intent, locked: Locked) -> Admitted | Held:  # noqa: ARG002  # the protocol's
        """Lock the deadline, and find what has been changed since."""
        if not await lock(connection, self._due):
            raise _Settled
        self.changed = await changed_since(connection, self._due, [key.id for key in self._keys])
        left = [key for key in self._keys if key.id in self.changed]
        if len(left) == len(self._keys):
            raise _NothingLeft
        return Admitted(note=reversal_note(intent.note, left))

    async def record(self, connection: Connection, revision: int) -> None:  # noqa: ARG002  # the protocol's
        """Settle the deadline with the change set that takes the change back."""
        await settle(connection, self._due)


def reversal_note(note: str, left: Sequence[Key]) -> str:
    """Return why a change is taken back: the reason that it was made for, and the keys that are left alone. Pure."""
    names = ", ".join(f"{key.namespace}/{key.key}" for key in left[:20]) + (" and more" if len(left) > 20 else "")
    remark = f"left as changed since: {names}" if left else ""
    return "; ".join(filter(None, (note[: LONGEST_NOTE - len(remark) - 2], remark)))[:LONGEST_NOTE]


def _plan(
    change_set: ChangeSet, keys: Sequence[Key], changed: frozenset[UUID], active: Mapping[UUID, Active]
) -> list[Step]:
    steps: list[Step] = []
    for change, key in zip(change_set.changes, keys, strict=True):
        if key.id not in changed:
            before = change.previous_version
            after = None if before is None or change.previous_text is None else Active(before, change.previous_text)
            steps.append(Step(key, active.get(key.id), after, is_new=False))
    return steps
