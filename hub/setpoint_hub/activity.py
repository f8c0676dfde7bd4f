"""Followers of activity: people and tools that see every change set as it happens."""

from typing import Any

from setpoint.protocol.jsonrpc import encode_call
from setpoint.protocol.names import Epoch
from setpoint_hub.errors import not_found
from setpoint_hub.follower import Follower
from setpoint_hub.outlet import Outlet
from setpoint_hub.replica import ChangeSet
from setpoint_hub.review import Review
from setpoint_hub.rpc import present
from setpoint_hub.rpc.params import ActivityParams
from setpoint_hub.rpc.registry import Method, Operation
from setpoint_hub.session import Session

__all__ = ["Activity"]


class Activity:
    """Who follows what. One that lags is told of the gap once it has drained."""

    def __init__(self) -> None:
        self._followers: dict[Outlet, str | None] = {}
        self._gaps: dict[Outlet, dict[str, int]] = {}
        self._late_reviews: dict[Outlet, dict[int, str]] = {}

    def methods(self, follower: Follower) -> list[Method[Any]]:
        """Return the method that begins to follow."""

        async def follow(session: Session, asked: ActivityParams) -> object:
            if asked.env is not None and asked.env not in follower.replicas:
                raise not_found(f"there is no environment {asked.env[:40]}")
            if not session.gone.is_set():
                self._followers[session.outlet] = asked.env
            replicas = follower.replicas.values()
            shown = {held.env: held.revision for held in replicas if asked.env in (None, held.env)}
            return {"environments": shown}

        return [Method("activity.watch", Operation.READ, ActivityParams, follow)]

    def leave(self, outlet: Outlet) -> None:
        """Forget a follower; harmless when it is none."""
        self._followers.pop(outlet, None)
        self._gaps.pop(outlet, None)
        self._late_reviews.pop(outlet, None)

    def tell(self, epoch: Epoch, change_set: ChangeSet) -> None:
        """Tell everyone who follows the change set's environment."""
        concerned = [outlet for outlet, env in self._followers.items() if env in (None, change_set.env)]
        if not concerned:
            return
        frame = encode_call(
            "activity",
            {
                "env": change_set.env,
                "epoch": epoch,
                **present.change_set_header(change_set),
                "changes": present.changes(change_set.changes),
            },
        )
        for outlet in concerned:
            if outlet.full:
                self._gaps.setdefault(outlet, {})[change_set.env] = change_set.revision
            else:
                outlet.write(frame)

    def tell_of_review(self, review: Review) -> None:
        """Tell everyone who follows the review's environment where it stands; who lags is told the last of it later."""
        frame = encode_call("review", {"review": review.id, "env": review.env, "state": review.state})
        for outlet, env in self._followers.items():
            if env not in (None, review.env):
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
