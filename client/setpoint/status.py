"""How a client is doing: the facts that its parts note down, and the one state they add up to."""

from dataclasses import dataclass
from typing import Literal

__all__ = ["Links", "Source", "State", "Status", "state_of"]

State = Literal["new", "starting", "live", "polling", "stale", "denied", "closed"]
"""`new`: not started. `starting`: started, no data yet. `live`: a hub pushes changes. `polling`: push is down; hubs are
asked from time to time. `stale`: no hub has answered for `stale_after` seconds. `denied`: the token is refused.
`closed`: closed. What is held is served in every state."""

Source = Literal["push", "poll", "defaults"]
"""Where the values that reads give come from."""


@dataclass(frozen=True, slots=True)
class Status:
    """A client's condition at one moment."""

    state: State
    source: Source
    epoch: str | None
    """None before there is data."""
    revision: int
    age_seconds: float | None
    """Seconds since a hub last confirmed what is held: 0 while live, None before there is data."""
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
    connections: int = 0
    """How often push came up."""
    trouble: str | None = None
    """What last went wrong with a way; None while push is live."""

    def age(self, now: float) -> float | None:
        """Return the seconds since a hub confirmed what is held."""
        if self.contact is None:
            return None
        return 0.0 if self.push == "live" else max(0.0, now - self.contact)


def state_of(links: Links, *, has_data: bool, stale_after: float, now: float) -> State:
    """Return the state of a client that is started and not closed."""
    if links.push == "live":
        return "live"
    if links.poll == "denied":
        return "denied"
    # A refused upgrade says little before the first poll: what is on the way may refuse upgrades only.
    if links.push == "denied" and (links.poll == "failed" or (links.poll == "idle" and has_data)):
        return "denied"
    age = links.age(now)
    if not has_data or age is None:
        return "starting"
    return "stale" if age > stale_after else "polling"
