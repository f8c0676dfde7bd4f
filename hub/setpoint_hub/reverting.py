"""Taking a change back when its time has come: a new revision, of what nobody has changed since."""

from collections.abc import Sequence
from typing import Final
from uuid import UUID

from setpoint_hub.chain import request_fingerprint
from setpoint_hub.database import Connection
from setpoint_hub.plan import Active, Step
from setpoint_hub.store.deadlines import Deadlines, Due, changed_since, held_before, how_of, lock, settle
from setpoint_hub.store.intents import Admitted, Held, Intent, Locked
from setpoint_hub.store.keys import Key, Keys
from setpoint_hub.store.log import Log
from setpoint_hub.store.writer import Committed, Writer

__all__ = ["Reverting", "reversal_note"]

LONGEST_NOTE: Final = 2000


class _Settled(Exception):
    """Another hub, or a confirmation, was first."""


class _NothingLeft(Exception):
    """Every key has been changed since, or has nothing to go back to."""


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
        fingerprint = request_fingerprint(due.kind, due.env, due.revision)
        intent = Intent(due.env, how_of(due), due.note, due.by, None, fingerprint, force=True)
        try:
            return await self._writer.write(
                intent,
                [key.id for key in keys],
                lambda active: [
                    Step(key, active.get(key.id), gate.targets[key.id], is_new=False)
                    for key in keys
                    if key.id in gate.targets
                ],
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
        self.targets: dict[UUID, Active | None] = {}
        """What each key goes back to that nobody has changed since, once this is admitted."""

    async def admit(self, connection: Connection, intent: Intent, locked: Locked) -> Admitted | Held:  # noqa: ARG002  # the protocol's
        """Lock the deadline, and find what has been changed since."""
        if not await lock(connection, self._due):
            raise _Settled
        changed = await changed_since(connection, self._due)
        before = await held_before(connection, self._due)
        self.targets = {key_id: target for key_id, target in before.items() if key_id not in changed}
        if not self.targets:
            raise _NothingLeft
        left = [key for key in self._keys if key.id in changed]
        return Admitted(note=reversal_note(intent.note, left))

    async def record(self, connection: Connection, revision: int) -> None:  # noqa: ARG002  # the protocol's
        """Settle the deadline with the change set that takes the change back."""
        await settle(connection, self._due)


def reversal_note(note: str, left: Sequence[Key]) -> str:
    """Return why a change is taken back: the reason that it was made for, and the keys that are left alone. Pure."""
    names = ", ".join(f"{key.namespace}/{key.key}" for key in left[:20]) + (" and more" if len(left) > 20 else "")
    remark = f"left as changed since: {names}" if left else ""
    return "; ".join(filter(None, (note[: LONGEST_NOTE - len(remark) - 2], remark)))[:LONGEST_NOTE]
