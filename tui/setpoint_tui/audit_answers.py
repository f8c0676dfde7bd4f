"""What a hub answers about the audit, read into frozen objects."""

from datetime import datetime
from typing import Any

from pydantic import Field

from setpoint_tui.answers import Answer, Person

__all__ = ["AuditChain", "AuditEntry", "AuditExport", "AuditHead", "AuditPage", "AuditVerdict"]


class AuditOrigin(Answer):
    """From where somebody acted."""

    address: str
    tool: str


class AuditKey(Answer):
    """A key that an entry is about."""

    namespace: str
    key: str


class AuditEntry(Answer):
    """A change set (of the kind `change`), or an event of another kind. There are no values in it."""

    kind: str
    at: datetime
    by: Person | None
    origin: AuditOrigin = Field(alias="from")
    env: str | None = None
    revision: int | None = None
    how: str | None = None
    note: str = ""
    keys: tuple[AuditKey, ...] = ()
    changes: int = 0
    namespace: str | None = None
    key: str | None = None
    about: dict[str, Any] = Field(default_factory=dict[str, Any])


class AuditPage(Answer):
    """Entries of the audit, newest first; `next` asks for older ones."""

    entries: tuple[AuditEntry, ...]
    next: tuple[str, str, int] | None = None


class AuditHead(Answer):
    """Where a chain stands."""

    revision: int
    hash: str


class AuditBroken(Answer):
    """The first link of a chain that does not hold."""

    revision: int
    reason: str


class AuditChain(Answer):
    """What became of one chain: an environment's, or that of the events (`env` is None)."""

    env: str | None
    ok: bool
    revisions: int
    head: AuditHead
    broken: AuditBroken | None = None


class AuditVerdict(Answer):
    """What became of every chain."""

    ok: bool
    chains: tuple[AuditChain, ...]


class AuditExport(Answer):
    """A page of the lines of one chain."""

    lines: tuple[dict[str, Any], ...]
    next: int | None = None
    head: AuditHead
