"""How a client is doing: the facts that its parts note down, and the one state they add up to."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Links", "Source", "State", "Status", "state_of"]

State = Literal["new", "starting", "live", "polling", "stale", "denied", "closed"]
"""`new`: not started. `starting`: started, no hub has answered yet. `live`: a hub pushes changes. `polling`: push is
down; hubs are asked from time to time. `stale`: no hub has answered for `stale_after` seconds, or none at all since the
start and there is older data. `denied`: the token is refused. `closed`: closed. What is held is served in every
state."""

Source = Literal["push", "poll", "disk", "bootstrap", "defaults"]
"""Where the values that reads give come from; `disk` stays after a hub has confirmed them."""


@dataclass(frozen=True, slots=True)
class Status:
    """A client's condition at one moment."""

    state: State
    source: Source
    epoch: str | None
    """None before there is data."""
    revision: int
    age_seconds: float | None
    """Seconds since a hub last confirmed what is held, or since it was written to disk: 0 while live, None before."""
    reconnects: int
    """How often push came back after it was lost."""
    last_error: str | None
    """Why the client is not live, or why it refused the last change; None when all is well."""
    refusals: int
    """Changes that a validator refused."""
    mismatches: int
    """Reads of a key by another type than it has."""
    listener_errors: int
    """Exceptions that listeners raised."""


@dataclass(slots=True)
class Links:
    """What is known of the ways to a hub. Written by the feed alone; single assignments, read from anywhere."""

    push: Literal["trying", "live", "denied", "superseded"] = "trying"
    """How the last attempt went: `denied` stays until another outcome."""
    poll: Literal["idle", "answered", "failed", "denied"] = "idle"
    """How the last poll went since push was lost; `idle` when there was none."""
    contact: float | None = None
    """When a hub last confirmed what is held, on the monotonic clock."""
    written: float | None = None
    """When what the disk had was written, on the monotonic clock."""
    connections: int = 0
    """How often push came up."""
    trouble: str | None = None
    """What last went wrong with a way; None while push is live."""

    def age(self, now: float) -> float | None:
        """Return the seconds since a hub confirmed what is held."""
        known = self.written if self.contact is None else self.contact
        if known is None:
            return None
        return 0.0 if self.push == "live" else max(0.0, now - known)


def state_of(links: Links, *, has_data: bool, stale_after: float, now: float) -> State:
    """Return the state of a client that is started and not closed."""
    if links.push == "live":
        return "live"
    if links.poll == "denied":
        return "denied"
    # A refused upgrade says little before the first poll: what is on the way may refuse upgrades only.
    if links.push == "denied" and (links.poll == "failed" or (links.poll == "idle" and links.contact is not None)):
        return "denied"
    if not has_data or (links.contact is None and links.poll != "failed"):
        return "starting"
    if links.contact is None:
        return "stale"
    return "stale" if now - links.contact > stale_after else "polling"
