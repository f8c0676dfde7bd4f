"""Methods of changes that take themselves back: which there are, and keeping one."""

from typing import Any

from setpoint_hub.access import Principal
from setpoint_hub.database import Row
from setpoint_hub.errors import forbidden, not_found
from setpoint_hub.refusals import actor_of
from setpoint_hub.roles import Operation
from setpoint_hub.rpc import reaches
from setpoint_hub.rpc.params import ConfirmParams, TemporaryParams
from setpoint_hub.rpc.present import person, time_text
from setpoint_hub.rpc.registry import Method
from setpoint_hub.session import Session
from setpoint_hub.store.deadlines import Deadlines
from setpoint_hub.store.history import History
from setpoint_hub.store.log import Log

__all__ = ["TemporaryMethods"]


class TemporaryMethods:
    """What people ask of temporary changes."""

    def __init__(self, deadlines: Deadlines, history: History, log: Log) -> None:
        self._deadlines = deadlines
        self._history = history
        self._log = log

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        return [
            Method("temporary.list", Operation.READ, TemporaryParams, self._list, reach=reaches.environment),
            Method("change.confirm", Operation.WRITE, ConfirmParams, self._confirm, reach=reaches.environment),
        ]

    async def _list(self, session: Session, asked: TemporaryParams) -> object:
        if asked.env is not None and await self._history.position(asked.env) is None:
            raise not_found(f"there is no environment {asked.env[:40]}")
        rows = await self._deadlines.pending(asked.env, lambda row: _reaches(session.principal, row))
        return {"changes": [_pending(row) for row in rows]}

    async def _confirm(self, session: Session, asked: ConfirmParams) -> object:
        change_set = await self._log.change_set(asked.env, asked.revision)
        if change_set is not None and not session.principal.namespaces.covers_all(
            change.namespace for change in change_set.changes
        ):
            raise forbidden(
                f"revision {asked.revision} of {asked.env} also changed what this token does not reach: "
                "who reaches all of it confirms it"
            )
        at = await self._deadlines.confirm(asked.env, asked.revision, actor=actor_of(session))
        return {"env": asked.env, "revision": asked.revision, "confirmed_at": time_text(at)}


def _reaches(principal: Principal, row: Row) -> bool:
    return principal.environments.covers(row["env"]) and principal.namespaces.covers_all(row["namespaces"])


def _pending(row: Row) -> dict[str, Any]:
    return {
        "env": row["env"],
        "revision": row["revision"],
        "kind": row["kind"],
        "due_at": time_text(row["due_at"]),
        "due_in_seconds": round(max(0.0, row["seconds"]), 1),
        "how": row["how"],
        "by": person(row["changed_by"], row["changed_by_name"]),
        "note": row["note"],
        "keys": [
            {"namespace": namespace, "key": key} for namespace, key in zip(row["namespaces"], row["keys"], strict=True)
        ],
    }
