"""Watches and heartbeats of services: what a client is told when it begins, and what it tells."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from pydantic import ValidationError

from setpoint.protocol.close_codes import CloseCode
from setpoint.protocol.jsonrpc import Call
from setpoint.protocol.names import Revision
from setpoint.protocol.params import HeartbeatParams, WatchParams
from setpoint.protocol.strict_json import dumps
from setpoint_hub.errors import forbidden, invalid_params, not_found, unavailable
from setpoint_hub.fanout import FanOut, Watcher
from setpoint_hub.fleet import Fleet
from setpoint_hub.follower import Follower
from setpoint_hub.instance import Instance, Poll
from setpoint_hub.reach import Reach, check_operation, check_reach
from setpoint_hub.replica import Replica
from setpoint_hub.roles import Operation
from setpoint_hub.rpc.registry import read_params
from setpoint_hub.session import Session

__all__ = ["Watching", "watch_answer"]


class Watching:
    """Takes watches and heartbeats. Nothing here touches the database or waits."""

    def __init__(
        self,
        follower: Follower,
        fanout: FanOut,
        fleet: Fleet,
        *,
        heartbeat_seconds: float,
        clock: Callable[[], float],
    ) -> None:
        self._follower = follower
        self._fanout = fanout
        self._fleet = fleet
        self._heartbeat_seconds = heartbeat_seconds
        self._clock = clock
        self._sessions: dict[str, Session] = {}
        self._closing: set[asyncio.Task[None]] = set()
        fleet.on_superseded = self._supersede

    def watch(self, session: Session, call: Call) -> None:
        """Begin, or begin anew, to tell a client of changes.

        What it is told of the present and its joining are one step of the loop: no change falls between.
        """
        asked = read_params(WatchParams, call)
        check_operation(session.principal, Operation.READ)
        check_reach(session.principal, Reach((asked.env,), tuple(asked.namespaces)))
        if not self._follower.loaded:
            raise unavailable(f"this hub is not ready ({self._follower.trouble}): try again soon")
        replica = self._follower.replicas.get(asked.env)
        if replica is None:
            raise not_found(f"there is no environment {asked.env[:40]}")
        if session.instance is not None and session.instance.client_id != asked.client_id:
            raise invalid_params(f"this connection watches as {session.instance.client_id}: one client a connection")
        self._check_name_is_free(session, asked.client_id)
        self._replace(session, asked.client_id)
        namespaces = tuple(dict.fromkeys(asked.namespaces))
        session.outlet.write(watch_answer(call, asked, replica, namespaces, self._heartbeat_seconds))
        session.watcher = Watcher(session.outlet, asked.env, namespaces, replica.epoch, replica.revision)
        self._fanout.join(session.watcher)
        session.instance = self._instance(asked, replica, session.principal.user_id)
        self._fleet.join(session.instance)

    def notify(self, session: Session, call: Call) -> None:
        """Take a heartbeat; anything else, or one that is not understood, is ignored."""
        if call.method != "heartbeat" or session.instance is None:
            return
        try:
            beat = HeartbeatParams.model_validate(call.params)
        except ValidationError:
            return
        # A client cannot run what has not happened: a revision of another history is not taken for ours.
        if session.watcher is not None and beat.revision <= self._head(session.watcher.env):
            self._fleet.hear(session.instance, beat)

    def poll(self, poll: Poll) -> None:
        """Take that an instance fetched a snapshot over HTTP, running `poll.revision` until then."""
        client_id, env, revision = poll.client_id, poll.env, poll.revision
        known = self._fleet.find(client_id)
        if known is not None and known.connected:
            return
        now, watched = self._clock(), frozenset(poll.namespaces)
        same = (poll.user_id, env, watched)
        if known is None or known.left or (known.user_id, known.env, known.namespaces) != same:
            known = Instance(
                client_id=client_id,
                user_id=poll.user_id,
                service=poll.service,
                env=env,
                namespaces=watched,
                sdk="",
                labels={},
                epoch=self._follower.replicas[env].epoch,
                revision=revision,
                status="applied",
                source="poll",
                since=datetime.now(UTC),
                heard=now,
                connected=False,
            )
            self._fleet.join(known)
        known.epoch = self._follower.replicas[env].epoch
        self._fleet.hear(known, HeartbeatParams(revision=revision, status="applied", source="poll"))

    def end(self, session: Session) -> None:
        """Take that a connection has ended."""
        if session.watcher is not None:
            self._fanout.leave(session.watcher)
        if session.instance is not None:
            if self._sessions.get(session.instance.client_id) is session:
                del self._sessions[session.instance.client_id]
            self._fleet.leave(session.instance, goodbye=session.said_goodbye)

    def _check_name_is_free(self, session: Session, client_id: str) -> None:
        """Refuse a client id that somebody else's instance has: taking it over would end that one's connection."""
        holder = self._sessions.get(client_id)
        if holder is not None and holder.principal.user_id != session.principal.user_id:
            raise forbidden(f"another user's instance is connected as {client_id}: choose another client id")

    def _replace(self, session: Session, client_id: str) -> None:
        """End what this connection, or another of the same client, watched before."""
        if session.watcher is not None:
            self._fanout.leave(session.watcher)
        if self._sessions.get(client_id) is not session:
            self._supersede(client_id)
        self._sessions[client_id] = session

    def _supersede(self, client_id: str) -> None:
        older = self._sessions.pop(client_id, None)
        if older is None:
            return
        if older.watcher is not None:
            self._fanout.leave(older.watcher)
        closing = older.outlet.close(CloseCode.SUPERSEDED, "the same client_id connected anew")
        task = asyncio.create_task(closing)
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _instance(self, asked: WatchParams, replica: Replica, user_id: int) -> Instance:
        # Until it acknowledges, an instance runs what it said that it holds; one of another history runs nothing.
        holds = asked.revision if asked.epoch == replica.epoch and asked.revision is not None else 0
        return Instance(
            client_id=asked.client_id,
            user_id=user_id,
            service=asked.service,
            env=asked.env,
            namespaces=frozenset(asked.namespaces),
            sdk=asked.sdk or "",
            labels=asked.labels,
            epoch=replica.epoch,
            revision=Revision(min(holds, replica.revision)),
            status="applied",
            source="push",
            since=datetime.now(UTC),
            heard=self._clock(),
        )

    def _head(self, env: str) -> int:
        replica = self._follower.replicas.get(env)
        return 0 if replica is None else replica.revision


def watch_answer(
    call: Call, asked: WatchParams, replica: Replica, namespaces: tuple[str, ...], heartbeat_seconds: float
) -> str:
    """Encode the answer to a watch: nothing new, what changed, or everything. Pure."""
    position = f'"env":"{replica.env}","epoch":"{replica.epoch}","revision":{replica.revision}'
    held = asked.revision if asked.epoch == replica.epoch else None
    if held is None or held > replica.revision:
        body = f'"mode":"snapshot",{position},"namespaces":{replica.full(namespaces)}'
    elif held >= replica.touched(namespaces):
        body = f'"mode":"current",{position}'
    else:
        changed = replica.since(Revision(held), namespaces)
        body = f'"mode":"changes",{position},"previous":{held},"namespaces":{changed}'
    return f'{{"jsonrpc":"2.0","id":{dumps(call.id)},"result":{{{body},"heartbeat_seconds":{heartbeat_seconds:g}}}}}'
