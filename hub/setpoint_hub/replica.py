"""One environment at one revision, as the hub holds it in memory. Pure: no I/O, no clock.

Per namespace the keys stand in the order of their last change, deleted ones included, so what changed since any
revision is the tail of that order: a watcher resumes from wherever it was, however long ago. Values stay the text
that the database holds: the hub never parses what it relays.
"""

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from typing import NamedTuple
from uuid import UUID

from setpoint.protocol.names import Epoch, Revision
from setpoint_hub.errors import LogGap

__all__ = ["Cell", "ChangeSet", "KeyChange", "Replica", "Row"]

_START = Revision(0)


@dataclass(frozen=True, slots=True)
class KeyChange:
    """What one change set did to one key; the texts are what is stored, None where there is no value."""

    namespace: str
    key: str
    type: str
    version: UUID | None
    text: str | None
    previous_version: UUID | None = None
    previous_text: str | None = None
    secret: bool = False
    """Whether the texts are sealed ones."""
    clear: str | None = field(default=None, repr=False)
    """A secret's value in the clear, for services alone; None where nobody needs it."""

    @property
    def entry(self) -> str | None:
        """The key's entry as the wire shows it to services; None when it has no value any more."""
        if not self.secret:
            return encode_entry(self.type, self.version, self.text)
        assert self.version is None or self.clear is not None
        return encode_entry(self.type, self.version, self.clear, secret=True)


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """One revision of one environment, as the log has it."""

    env: str
    revision: Revision
    id: UUID
    how: str
    by_id: int
    by_name: str
    note: str
    at: datetime
    hash: bytes
    """The link of the chain: see `chain.link`."""
    changes: tuple[KeyChange, ...]


class Row(NamedTuple):
    """The last change of one key, as loaded."""

    namespace: str
    key: str
    type: str
    revision: Revision
    version: UUID | None
    text: str | None
    """What the replica shows: of a secret its value in the clear, or the mark that stands for it."""
    secret: bool = False


class Cell(NamedTuple):
    """One key: where it last changed, and its encoded entry; None when it has no value."""

    revision: Revision
    entry: str | None


@dataclass(slots=True)
class _Space:
    """One namespace: its keys in the order of their last change, and its encoded object until the next change."""

    cells: dict[str, Cell] = field(default_factory=dict[str, Cell])
    touched: Revision = _START
    encoded: str | None = None

    def put(self, key: str, cell: Cell) -> None:
        self.cells.pop(key, None)
        self.cells[key] = cell
        self.touched = cell.revision
        self.encoded = None

    def full(self) -> str:
        if self.encoded is None:
            entries = (f'"{key}":{cell.entry}' for key, cell in self.cells.items() if cell.entry is not None)
            self.encoded = "{" + ",".join(entries) + "}"
        return self.encoded

    def since(self, revision: Revision) -> str:
        changed: list[str] = []
        for key, cell in reversed(self.cells.items()):
            if cell.revision <= revision:
                break
            changed.append(f'"{key}":{cell.entry or "null"}')
        return "{" + ",".join(changed) + "}"


class Replica:
    """The values of one environment. The namespaces' names and keys are of a charset that JSON never escapes."""

    def __init__(self, env: str, epoch: Epoch, revision: Revision, rows: Iterable[Row] = ()) -> None:
        self.env = env
        self.epoch = epoch
        self.revision = revision
        self._spaces: dict[str, _Space] = {}
        for row in sorted(rows, key=lambda row: row.revision):
            entry = encode_entry(row.type, row.version, row.text, secret=row.secret)
            self._put(row.namespace, row.key, row.revision, entry)

    def apply(self, change_set: ChangeSet) -> dict[str, Revision]:
        """Move to the next revision. Raises LogGap when the change set is not the next one.

        Returns the touched namespaces, each with the revision that had touched it before.
        """
        if change_set.revision != self.revision + 1:
            raise LogGap(f"{self.env}: revision {change_set.revision} does not follow {self.revision}")
        touched = {change.namespace: self.touched((change.namespace,)) for change in change_set.changes}
        for change in change_set.changes:
            self._put(change.namespace, change.key, change_set.revision, change.entry)
        self.revision = change_set.revision
        return touched

    def touched(self, namespaces: Iterable[str]) -> Revision:
        """Return the last revision that touched any of the namespaces; 0 when none was ever touched."""
        spaces = (self._spaces.get(namespace) for namespace in namespaces)
        return max((space.touched for space in spaces if space is not None), default=_START)

    def full(self, namespaces: Iterable[str]) -> str:
        """Return the JSON object of all values by namespace and key."""
        return self._join((namespace, self._space(namespace).full()) for namespace in namespaces)

    def since(self, revision: Revision, namespaces: Iterable[str]) -> str:
        """Return the JSON object of what changed after a revision, null for a key without a value now."""
        spaces = ((namespace, self._space(namespace)) for namespace in namespaces)
        return self._join((name, space.since(revision)) for name, space in spaces if space.touched > revision)

    def namespaces(self) -> list[str]:
        """Return every namespace that was ever touched here."""
        return sorted(self._spaces)

    def _space(self, namespace: str) -> _Space:
        return self._spaces.get(namespace) or _Space()

    def _put(self, namespace: str, key: str, revision: Revision, entry: str | None) -> None:
        self._spaces.setdefault(namespace, _Space()).put(key, Cell(revision, entry))

    @staticmethod
    def _join(parts: Iterable[tuple[str, str]]) -> str:
        return "{" + ",".join(f'"{name}":{body}' for name, body in parts) + "}"


def encode_entry(value_type: str, version: UUID | None, text: str | None, *, secret: bool = False) -> str | None:
    """Encode a key's entry around the value's own text; None when there is no value."""
    mark = ',"secret":true' if secret else ""
    return None if version is None else f'{{"type":"{value_type}","value":{text},"version":"{version}"{mark}}}'
