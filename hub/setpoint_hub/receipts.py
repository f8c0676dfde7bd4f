"""Receipts: which instances run a change set, which do not, and how long it took. Pure."""

import math
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from typing import Any, Final

from setpoint_hub.instance import InstanceState, Told, judge

__all__ = ["Receipt", "make_receipt"]

MOST_NAMED: Final = 50
"""Instances that are not current and are named, at most."""


@dataclass(frozen=True, slots=True)
class Receipt:
    """What the live watchers of a change set's namespaces say of it."""

    env: str
    revision: int
    states: dict[InstanceState, int]
    polling: int
    applied_ms: list[float]
    not_current: list[tuple[Told, InstanceState]]

    @property
    def instances(self) -> int:
        return sum(self.states.values())

    @property
    def complete(self) -> bool:
        return not self.not_current

    @property
    def settled(self) -> bool:
        """Whether waiting longer cannot bring news: nobody is merely behind."""
        return self.states.get("behind", 0) == 0

    def as_json(self) -> dict[str, Any]:
        """Return the receipt as the protocol shows it."""
        return {
            "env": self.env,
            "revision": self.revision,
            "complete": self.complete,
            "instances": self.instances,
            "current": self.states.get("current", 0),
            "behind": self.states.get("behind", 0) + self.states.get("unknown", 0),
            "refused": self.states.get("refused", 0),
            "silent": self.states.get("silent", 0),
            "polling": self.polling,
            "applied_ms": _spread(self.applied_ms),
            "behind_instances": [
                {
                    "client_id": told.client_id,
                    "service": told.service,
                    "state": state,
                    "revision": told.revision,
                    "error": told.error,
                }
                for told, state in self.not_current[:MOST_NAMED]
            ],
        }


def make_receipt(
    env: str,
    revision: int,
    epoch: str,
    namespaces: Collection[str],
    fleet: Sequence[Told],
    *,
    silent_after: float,
) -> Receipt:
    """Judge the fleet against one change set; instances that watch none of its namespaces do not count."""
    concerned = [told for told in fleet if told.env == env and not told.namespaces.isdisjoint(namespaces)]
    states: dict[InstanceState, int] = {}
    not_current: list[tuple[Told, InstanceState]] = []
    for told in concerned:
        state = judge(told, epoch=epoch, target=revision, silent_after=silent_after)
        states[state] = states.get(state, 0) + 1
        if state != "current":
            not_current.append((told, state))
    applied = [told.applied_ms for told in concerned if told.revision == revision and told.applied_ms is not None]
    polling = sum(1 for told in concerned if told.source == "poll")
    return Receipt(env, revision, states, polling, applied, not_current)


def _spread(milliseconds: list[float]) -> dict[str, float] | None:
    if not milliseconds:
        return None
    ordered = sorted(milliseconds)

    def at(share: float) -> float:
        return round(ordered[max(0, math.ceil(share * len(ordered)) - 1)], 1)

    return {"p50": at(0.5), "p95": at(0.95), "max": at(1.0)}
