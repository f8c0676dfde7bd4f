"""Followers of activity: people and tools that see every change set as it happens."""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from setpoint.protocol.jsonrpc import encode_call
from setpoint.protocol.names import Epoch
from setpoint_hub.errors import not_found
from setpoint_hub.follower import Follower
from setpoint_hub.outlet import Outlet
from setpoint_hub.replica import ChangeSet
from setpoint_hub.review import Review
from setpoint_hub.roles import Operation
from setpoint_hub.rpc import reaches
from setpoint_hub.rpc.params import ActivityParams
from setpoint_hub.rpc.registry import Method
from setpoint_hub.rpc.visible import shown_change_set
from setpoint_hub.scopes import Scope
from setpoint_hub.session import Session

__all__ = ["Activity"]


@dataclass(frozen=True, slots=True)
class _Following:
    """What a follower asked for, and what its token reaches."""

    env: str | None
    environments: Scope
    namespaces: Scope

    def concerns(self, env: str) -> bool:
        return self.env in (None, env) and self.environments.covers(env)


class Activity:
    """Who follows what. One that lags is told of the gap once it has drained."""

    def __init__(self) -> None:
        self._followers: dict[Outlet, _Following] = {}
        self._gaps: dict[Outlet, dict[str, int]] = {}
        self._late_reviews: dict[Outlet, dict[int, str]] = {}

    def methods(self, follower: Follower) -> list[Method[Any]]:
        """Return the method that begins to follow."""

        async def follow(session: Session, asked: ActivityParams) -> object:
            if asked.env is not None and asked.env not in follower.replicas:
                raise not_found(f"there is no environment {asked.env[:40]}")
            principal = session.principal
            following = _Following(asked.env, principal.environments, principal.namespaces)
            if not session.gone.is_set():
                self._followers[session.outlet] = following
            replicas = follower.replicas.values()
            return {"environments": {held.env: held.revision for held in replicas if following.concerns(held.env)}}

        return [Method("activity.watch", Operation.READ, ActivityParams, follow, reach=reaches.environment)]

    def leave(self, outlet: Outlet) -> None:
        """Forget a follower; harmless when it is none."""
        self._followers.pop(outlet, None)
        self._gaps.pop(outlet, None)
        self._late_reviews.pop(outlet, None)

    def tell(self, epoch: Epoch, change_set: ChangeSet) -> None:
        """Tell everyone who follows the change set's environment: one encoding for all who may see the same."""
        audiences: dict[Scope, list[Outlet]] = {}
        for outlet, following in self._followers.items():
            if following.concerns(change_set.env):
                audiences.setdefault(following.namespaces, []).append(outlet)
        for namespaces, outlets in audiences.items():
            shown = shown_change_set(change_set, namespaces)
            self._write(outlets, encode_call("activity", {**shown, "epoch": epoch}), change_set)

    def _write(self, outlets: Iterable[Outlet], frame: str, change_set: ChangeSet) -> None:
        for outlet in outlets:
            if outlet.full:
                self._gaps.setdefault(outlet, {})[change_set.env] = change_set.revision
            else:
                outlet.write(frame)

    def tell_of_review(self, review: Review) -> None:
        """Tell who follows its environment, and reaches all of it, where a review stands; who lags is told later."""
        frame = encode_call("review", {"review": review.id, "env": review.env, "state": review.state})
        for outlet, following in self._followers.items():
            if not following.concerns(review.env) or not following.namespaces.covers_all(review.namespaces):
                continue
            if outlet.full:
                self._late_reviews.setdefault(outlet, {})[review.id] = frame
            else:
                outlet.write(frame)

    def tell_of_gaps(self) -> None:
        """Tell those that have drained what they have missed."""
        for outlet, frames in list(self._late_reviews.items()):
            if outlet.drained:
                del self._late_reviews[outlet]
                for frame in frames.values():
                    outlet.write(frame)
        for outlet, missed in list(self._gaps.items()):
            if outlet.drained:
                del self._gaps[outlet]
                for env, revision in missed.items():
                    outlet.write(encode_call("activity.gap", {"env": env, "revision": revision}))
