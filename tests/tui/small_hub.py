"""A scripted hub with two environments and a few keys, whose log a test writes itself."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any

from setpoint.errors import RequestFailed
from tui.scripted_hub import ScriptedHub, scripted_hub

__all__ = ["SmallHub", "change", "change_set", "small_hub"]


def change(key: str, new: object, *, revision: int, namespace: str = "payments") -> dict[str, Any]:
    """Return a change of an int key to a value, or to none."""
    version = None if new is None else f"v{revision}-{key}"
    return {
        "namespace": namespace, "key": key, "type": "int", "old": None, "new": new,
        "version": version, "previous_version": None,
    }  # fmt: skip


def change_set(revision: int, *changes: dict[str, Any], env: str = "staging", **others: Any) -> dict[str, Any]:
    """Return a change set as `activity` tells it."""
    return {
        "env": env, "epoch": "e1", "revision": revision, "change_set": f"c{revision}", "how": "set",
        "by": {"id": 1, "name": "alice"}, "note": "", "at": f"2026-02-03T04:{revision // 60:02d}:{revision % 60:02d}Z",
        "changes": list(changes), **others,
    }  # fmt: skip


class SmallHub:
    """What it holds; `commit` writes its log, and tells of it or not."""

    def __init__(self, hub: ScriptedHub) -> None:
        self.hub = hub
        self.epoch = "e1"
        self.logs: dict[str, list[dict[str, Any]]] = {"development": [], "staging": []}
        self.known: dict[str, int] = {}
        """Keys of `payments`, by the order in which they were made."""
        hub.answers |= {
            "activity.watch": lambda _: {"environments": {env: len(log) for env, log in self.logs.items()}},
            "whoami": lambda _: {"user": {"id": 1, "name": "alice"}, "role": "admin", "hub": "h", "version": "1"},
            "hub.status": lambda _: self._status(),
            "environment.list": lambda _: {"environments": self._environments()},
            "namespace.list": lambda _: {"namespaces": [{"namespace": "payments", "keys": len(self.known)}]},
            "key.list": lambda params: self._keys(params["env"]),
            "key.get": lambda params: {"namespace": params["namespace"], "key": params["key"], "type": "int"},
            "change_set.get": self._change_set,
            "fleet.list": lambda _: {"instances": []},
        }

    def values(self, env: str = "staging") -> dict[str, Any]:
        """Return what holds, from the log."""
        held: dict[str, Any] = {}
        for entry in self.logs[env]:
            for one in entry["changes"]:
                held.pop(one["key"], None)
                if one["new"] is not None:
                    held[one["key"]] = (one["new"], one["version"], entry["revision"])
        return held

    def commit(self, key: str, new: object, env: str = "staging") -> dict[str, Any]:
        """Write a change into the log without telling; return the change set."""
        revision = len(self.logs[env]) + 1
        self.known.setdefault(key, len(self.known))
        self.logs[env].append(change_set(revision, change(key, new, revision=revision), env=env, epoch=self.epoch))
        return self.logs[env][-1]

    async def tell(self, key: str, new: object, env: str = "staging") -> None:
        """Write a change and tell of it."""
        await self.hub.notify("activity", self.commit(key, new, env))

    def _status(self) -> dict[str, Any]:
        standing = [{"env": env, "revision": len(log), "watchers": 0} for env, log in self.logs.items()]
        return {
            "hub": "h", "version": "1", "epoch": self.epoch, "ready": True, "redis": "connected", "connections": 1,
            "watchers": 0, "environments": standing, "uptime_seconds": 1,
        }  # fmt: skip

    def _environments(self) -> list[dict[str, Any]]:
        return [
            {"env": env, "revision": len(log), "protected": False, "required_approvals": 0, "position": place}
            for place, (env, log) in enumerate(self.logs.items())
        ]

    def _keys(self, env: str) -> dict[str, Any]:
        held = self.values(env)
        keys: list[dict[str, Any]] = []
        for key in self.known:
            entry: dict[str, Any] = {"namespace": "payments", "key": key, "type": "int"}
            if key in held:
                value, version, revision = held[key]
                entry |= {"value": value, "version": version, "revision": revision, "at": "2026-02-03T04:00:00Z"}
            keys.append(entry)
        return {"keys": keys, "next": None}

    def _change_set(self, params: dict[str, Any]) -> Any:
        log = self.logs[params["env"]]
        if not 1 <= params["revision"] <= len(log):
            raise RequestFailed("there is no such revision", kind="not_found")
        return log[params["revision"] - 1]


@asynccontextmanager
async def small_hub() -> AsyncGenerator[SmallHub]:
    """Serve one; `max_retries` holds 3 in staging."""
    async with scripted_hub() as hub:
        small = SmallHub(hub)
        small.commit("max_retries", 3)
        yield small
