"""Methods of changes that take themselves back: which there are, and keeping one."""

from typing import Any

from setpoint_hub.database import Row
from setpoint_hub.errors import not_found
from setpoint_hub.rpc.params import ConfirmParams, TemporaryParams
from setpoint_hub.rpc.present import person, time_text
from setpoint_hub.rpc.registry import Method, Operation
from setpoint_hub.session import Session
from setpoint_hub.store.deadlines import Deadlines
from setpoint_hub.store.history import History

__all__ = ["TemporaryMethods"]


class TemporaryMethods:
    """What people ask of temporary changes."""

    def __init__(self, deadlines: Deadlines, history: History) -> None:
        self._deadlines = deadlines
        self._history = history

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        return [
            Method("temporary.list", Operation.READ, TemporaryParams, self._list),
            Method("change.confirm", Operation.WRITE, ConfirmParams, self._confirm),
        ]

    async def _list(self, _: Session, asked: TemporaryParams) -> object:
        if asked.env is not None and await self._history.position(asked.env) is None:
            raise not_found(f"there is no environment {asked.env[:40]}")
        return {"changes": [_pending(row) for row in await self._deadlines.pending(asked.env)]}

    async def _confirm(self, _: Session, asked: ConfirmParams) -> object:
        at = await self._deadlines.confirm(asked.env, asked.revision)
        return {"env": asked.env, "revision": asked.revision, "confirmed_at": time_text(at)}


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
