"""Methods that only read: lists, keys, history, snapshots, receipts, the hub's own state."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import Any

from setpoint.protocol.names import Revision
from setpoint.protocol.values import decode_value
from setpoint_hub.database import Row
from setpoint_hub.errors import not_found
from setpoint_hub.instance import Told
from setpoint_hub.replica import ChangeSet
from setpoint_hub.roles import Operation
from setpoint_hub.rpc import present, reaches
from setpoint_hub.rpc.params import (
    ChangeSetParams,
    FleetParams,
    HistoryParams,
    KeyParams,
    ListKeysParams,
    NamespacesParams,
    NoParams,
    SnapshotParams,
)
from setpoint_hub.rpc.registry import Method
from setpoint_hub.rpc.visible import shown_change_set
from setpoint_hub.scopes import Scope
from setpoint_hub.session import Session
from setpoint_hub.store.environments import Environments
from setpoint_hub.store.history import History, Page
from setpoint_hub.store.keys import Keys
from setpoint_hub.store.log import Log

__all__ = ["ReadingMethods"]

Describe = Callable[[Session], dict[str, Any]]
Receipts = Callable[[ChangeSet, Scope], Awaitable[dict[str, Any]]]
"""Returns the receipt of a change set for who is shown these namespaces."""
FleetView = Callable[[str | None, Scope], Awaitable[list[tuple[Told, str, int]]]]
"""Returns each live instance that watches any of these namespaces, its state and the revision that it should run."""


class ReadingMethods:
    """Answers from the database what people and tools ask; services are served from memory, elsewhere."""

    def __init__(
        self,
        environments: Environments,
        keys: Keys,
        history: History,
        log: Log,
        *,
        receipt: Receipts,
        fleet: FleetView,
        status: Describe,
    ) -> None:
        self._environments = environments
        self._keys = keys
        self._history = history
        self._log = log
        self._receipt = receipt
        self._fleet = fleet
        self._status = status

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        return [
            Method("hub.status", Operation.READ, NoParams, self._answer_status, reach=reaches.nowhere),
            Method("environment.list", Operation.READ, NoParams, self._list_environments, reach=reaches.nowhere),
            Method(
                "namespace.list", Operation.READ, NamespacesParams, self._list_namespaces, reach=reaches.environment
            ),
            Method(
                "key.list", Operation.READ, ListKeysParams, self._list_keys, reach=reaches.environment_and_namespace
            ),
            Method("key.get", Operation.READ, KeyParams, self._get_key, reach=reaches.namespace),
            Method(
                "history", Operation.READ, HistoryParams, self._history_of_key, reach=reaches.environment_and_namespace
            ),
            Method("snapshot", Operation.READ, SnapshotParams, self._snapshot, reach=reaches.snapshot),
            Method("change_set.get", Operation.READ, ChangeSetParams, self._get_change_set, reach=reaches.environment),
            Method("receipt", Operation.READ, ChangeSetParams, self._get_receipt, reach=reaches.environment),
            Method("fleet.list", Operation.READ, FleetParams, self._list_fleet, reach=reaches.environment),
        ]

    async def _answer_status(self, session: Session, _: NoParams) -> object:
        return self._status(session)

    async def _list_environments(self, session: Session, _: NoParams) -> object:
        reached = session.principal.environments
        rows = await self._environments.all(session.principal.namespaces)
        return {"environments": [present.environment(row) for row in rows if reached.covers(row["env"])]}

    async def _list_namespaces(self, session: Session, asked: NamespacesParams) -> object:
        if asked.env is not None:
            await self._check_env(asked.env)
        reached = session.principal.namespaces
        return {
            "namespaces": [
                {"namespace": row["namespace"], "keys": row["keys"], "values": row["held"]}
                for row in await self._keys.namespaces(asked.env)
                if reached.covers(row["namespace"])
            ]
        }

    async def _list_keys(self, session: Session, asked: ListKeysParams) -> object:
        if asked.env is not None:
            await self._check_env(asked.env)
        after = (asked.after[0], asked.after[1]) if asked.after else ("", "")
        reached = session.principal.namespaces
        rows = await self._keys.page(asked.env, asked.namespace, reached, after=after, limit=asked.limit + 1)
        page = rows[: asked.limit]
        if not rows and asked.namespace is not None and asked.after is None:
            raise not_found(f"there is no namespace {asked.namespace}: it comes to be with its first key")
        last = page[-1] if len(rows) > asked.limit else None
        return {
            "keys": [_listed_key(row) for row in page],
            "next": None if last is None else [last["namespace"], last["key"]],
        }

    async def _get_key(self, session: Session, asked: KeyParams) -> object:
        row, values = await self._keys.get(asked.namespace, asked.key)
        reached, secret = session.principal.environments, row["secret"]
        held = {value["env"]: _held_value(value, secret=secret) for value in values if reached.covers(value["env"])}
        return {**present.key(row), "environments": held}

    async def _history_of_key(self, _: Session, asked: HistoryParams) -> object:
        await self._check_env(asked.env)
        name = (asked.namespace, asked.key)
        key = (await self._keys.find([name]))[name]
        page = await self._history.of_key(asked.env, key.id, before=asked.before, limit=asked.limit)
        return {
            "env": asked.env,
            "namespace": key.namespace,
            "key": key.key,
            "type": key.type,
            "secret": key.secret,
            "versions": [_version(row, page, secret=key.secret) for row in page.versions],
            "changes": [_past_change(row, secret=key.secret) for row in page.changes],
            "next": page.next,
        }

    async def _snapshot(self, session: Session, asked: SnapshotParams) -> object:
        position = await self._history.position(asked.env)
        if position is None:
            raise _no_environment(asked.env)
        epoch, head = position
        revision = await self._revision(asked.env, asked.at, head)
        replica = await self._history.as_of(asked.env, epoch, revision)
        reached = session.principal.namespaces
        every = (namespace for namespace in replica.namespaces() if reached.covers(namespace))
        namespaces = every if asked.namespaces is None else asked.namespaces
        return {
            "env": asked.env,
            "epoch": epoch,
            "revision": revision,
            "namespaces": decode_value(replica.full(dict.fromkeys(namespaces))),
        }

    async def _revision(self, env: str, at: int | datetime | None, head: Revision) -> Revision:
        if at is None:
            return head
        if isinstance(at, datetime):
            return await self._history.revision_at(env, at)
        if at > head:
            raise not_found(f"{env} has not reached revision {at}: it is at {head}")
        return Revision(at)

    async def _get_change_set(self, session: Session, asked: ChangeSetParams) -> object:
        change_set = await self._find_change_set(asked)
        return {**shown_change_set(change_set, session.principal.namespaces), "hash": change_set.hash.hex()}

    async def _get_receipt(self, session: Session, asked: ChangeSetParams) -> object:
        return await self._receipt(await self._find_change_set(asked), session.principal.namespaces)

    async def _find_change_set(self, asked: ChangeSetParams) -> ChangeSet:
        change_set = await self._log.change_set(asked.env, asked.revision)
        if change_set is None:
            await self._check_env(asked.env)
            raise not_found(f"{asked.env} has no revision {asked.revision}")
        return change_set

    async def _list_fleet(self, session: Session, asked: FleetParams) -> object:
        if asked.env is not None:
            await self._check_env(asked.env)
        reached = session.principal.environments
        found = await self._fleet(asked.env, session.principal.namespaces)
        return {
            "instances": [
                _instance(told, state, target)
                for told, state, target in found
                if reached.covers(told.env) and (asked.service is None or told.service == asked.service)
            ]
        }

    async def _check_env(self, env: str) -> None:
        if await self._history.position(env) is None:
            raise _no_environment(env)


def _no_environment(env: str) -> Exception:
    return not_found(f"there is no environment {env[:40]}")


def _listed_key(row: Row) -> dict[str, Any]:
    shown = present.key(row)
    if row["version_id"] is not None:
        shown["value"] = present.shown_value(row["value"], secret=row["secret"])
        shown["version"] = str(row["version_id"])
        shown["revision"] = row["revision"]
        shown["at"] = present.time_text(row["changed_at"])
    return shown


def _held_value(row: Row, *, secret: bool) -> dict[str, Any]:
    return {
        "value": present.shown_value(row["value"], secret=secret),
        "version": str(row["version_id"]),
        "revision": row["revision"],
        "by": present.person(row["changed_by"], row["changed_by_name"]),
        "at": present.time_text(row["changed_at"]),
        "note": row["note"],
    }


def _version(row: Row, page: Page, *, secret: bool) -> dict[str, Any]:
    return {
        "version": str(row["version_id"]),
        "value": present.shown_value(row["value"], secret=secret),
        "active": row["is_active"],
        "revision": row["revision"],
        "by": present.person(row["changed_by"], row["changed_by_name"]),
        "note": row["change_note"],
        "created_at": present.time_text(row["created_at"]),
        "change_sets": [_header(change) for change in page.changes if change["version_id"] == row["version_id"]],
    }


def _past_change(row: Row, *, secret: bool) -> dict[str, Any]:
    return {
        **_header(row),
        "version": _id(row["version_id"]),
        "previous_version": _id(row["previous_version_id"]),
        "value": present.optional_value(row["value"], secret=secret),
        "previous_value": present.optional_value(row["previous_value"], secret=secret),
    }


def _header(row: Row) -> dict[str, Any]:
    return {
        "revision": row["revision"],
        "change_set": str(row["change_set_id"]),
        "how": row["how"],
        "by": present.person(row["changed_by"], row["changed_by_name"]),
        "note": row["note"],
        "at": present.time_text(row["created_at"]),
    }


def _id(version: object) -> str | None:
    return None if version is None else str(version)


def _instance(told: Told, state: str, target: int) -> dict[str, Any]:
    return {
        "client_id": told.client_id,
        "service": told.service,
        "env": told.env,
        "namespaces": sorted(told.namespaces),
        "revision": told.revision,
        "target": target,
        "state": state,
        "source": told.source,
        "connected": told.connected,
        "last_seen_seconds": round(told.silent_seconds, 1),
        "applied_ms": None if told.applied_ms is None else round(told.applied_ms, 1),
        "error": told.error,
        "sdk": told.sdk,
        "labels": dict(told.labels),
        "hub": told.hub,
    }
