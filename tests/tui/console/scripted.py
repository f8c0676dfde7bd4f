"""A scripted hub with one environment and one key, enough for a console; a test answers the rest."""

from contextlib import AbstractAsyncContextManager
from typing import Any

from setpoint.errors import RequestFailed
from tui.scripted_hub import Answer, ScriptedHub, scripted_hub

__all__ = ["WHEN", "change_set", "refusal", "small_hub"]

WHEN = "2026-05-04T10:00:00Z"
_PERSON = {"id": 1, "name": "alice"}


def change_set(revision: int, value: object, *, old: object = 3) -> dict[str, Any]:
    """Return a change set that sets the key."""
    change = {
        "namespace": "payments",
        "key": "max_retries",
        "type": "int",
        "old": old,
        "new": value,
        "version": f"version-{revision}",
        "previous_version": f"version-{revision - 1}",
    }
    return {
        "env": "development",
        "revision": revision,
        "change_set": f"set-{revision}",
        "how": "set",
        "by": _PERSON,
        "note": "",
        "at": WHEN,
        "changes": [change],
    }


def refusal(message: str, kind: str, **data: Any) -> RequestFailed:
    """Return an error of the hub's own."""
    return RequestFailed(message, kind=kind, code=-32000, data=data)


def small_hub(**answers: Answer) -> AbstractAsyncContextManager[ScriptedHub]:
    """Serve `payments/max_retries`, an int of 3 at revision 1 of development."""
    return scripted_hub(**{**_ANSWERS, **answers})


def _status(_: dict[str, Any]) -> dict[str, Any]:
    return {
        "hub": "h",
        "version": "0",
        "epoch": "e",
        "ready": True,
        "redis": "up",
        "connections": 1,
        "watchers": 0,
        "environments": [],
        "uptime_seconds": 1,
    }


def _environments(_: dict[str, Any]) -> dict[str, Any]:
    one = {"env": "development", "revision": 1, "protected": False, "required_approvals": 0, "position": 0}
    return {"environments": [one]}


_FACTS = {"namespace": "payments", "key": "max_retries", "type": "int"}
_HELD = {"value": 3, "version": "version-1", "revision": 1, "at": WHEN}

_ANSWERS: dict[str, Answer] = {
    "activity_watch": lambda _: {"environments": {}},
    "whoami": lambda _: {"user": _PERSON, "role": "admin", "hub": "h", "version": "0"},
    "hub_status": _status,
    "environment_list": _environments,
    "namespace_list": lambda _: {"namespaces": [{"namespace": "payments", "keys": 1}]},
    "key_list": lambda _: {"keys": [{**_FACTS, **_HELD}], "next": None},
    "key_get": lambda _: {**_FACTS, "environments": {"development": _HELD}},
    "history": lambda _: {"env": "development", **_FACTS, "changes": []},
    "fleet_list": lambda _: {"instances": []},
    "receipt": lambda asked: {
        "env": "development",
        "revision": asked["revision"],
        "complete": True,
        "instances": 0,
        "current": 0,
        "behind": 0,
        "refused": 0,
        "silent": 0,
        "polling": 0,
    },
}
