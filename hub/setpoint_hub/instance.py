"""One instance of a service, as this hub hears of it; and the state that its word amounts to. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Final, Literal

from setpoint.protocol.messages import Source, Status
from setpoint.protocol.names import Epoch, Revision

__all__ = ["GONE_AFTER_HEARTBEATS", "SILENT_AFTER_HEARTBEATS", "Instance", "InstanceState", "Poll", "Told", "judge"]

SILENT_AFTER_HEARTBEATS: Final = 3
"""Heartbeats missed until nobody knows any more what an instance runs."""
GONE_AFTER_HEARTBEATS: Final = 12
"""Heartbeats missed until an instance that did not say goodbye counts as gone."""

InstanceState = Literal["current", "behind", "refused", "silent", "unknown"]


@dataclass(slots=True)
class Instance:
    """An instance that talks to this hub. `heard` and `written` are moments of the hub's own clock, in seconds."""

    client_id: str
    user_id: int
    """By whose token it connected: nobody else takes its client id over while it is connected."""
    service: str
    env: str
    namespaces: frozenset[str]
    sdk: str
    labels: Mapping[str, str]
    epoch: Epoch
    revision: Revision
    status: Status
    source: Source
    since: datetime
    heard: float
    error: str | None = None
    applied_ms: float | None = None
    connected: bool = True
    left: bool = False
    written: float | None = None

    def told(self, hub: str, now: float) -> "Told":
        """Return what the instance said, as of now."""
        return Told(
            client_id=self.client_id,
            service=self.service,
            env=self.env,
            namespaces=self.namespaces,
            sdk=self.sdk,
            labels=self.labels,
            epoch=self.epoch,
            revision=self.revision,
            status=self.status,
            source=self.source,
            error=self.error,
            applied_ms=self.applied_ms,
            connected=self.connected,
            silent_seconds=now - self.heard,
            hub=hub,
        )


@dataclass(frozen=True, slots=True)
class Poll:
    """An instance fetched a snapshot over HTTP and said who it is; `revision` is what it ran until then."""

    client_id: str
    user_id: int
    service: str
    env: str
    namespaces: tuple[str, ...]
    revision: Revision


@dataclass(frozen=True, slots=True)
class Told:
    """What an instance said last, to whichever hub."""

    client_id: str
    service: str
    env: str
    namespaces: frozenset[str]
    sdk: str
    labels: Mapping[str, str]
    epoch: str
    revision: int
    status: str
    source: str
    error: str | None
    applied_ms: float | None
    connected: bool
    silent_seconds: float
    hub: str


def judge(told: Told, *, epoch: str, target: int, silent_after: float) -> InstanceState:
    """Say what is known of an instance against the revision that it should run.

    Nothing is ever called current that did not say so, and recently.
    """
    if told.silent_seconds > silent_after:
        return "silent"
    if told.epoch != epoch:
        return "unknown"
    if told.status == "refused":
        return "refused"
    return "current" if told.revision >= target else "behind"
