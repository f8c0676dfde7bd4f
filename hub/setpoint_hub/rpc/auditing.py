"""Methods of the audit: reading it, verifying it, exporting it."""

from datetime import datetime
from typing import Any, Final

from setpoint.protocol.audit_lines import line_of
from setpoint.protocol.strict_json import dumps
from setpoint.protocol.values import decode_value
from setpoint.protocol.verification import Head
from setpoint_hub.database import Row
from setpoint_hub.errors import invalid_params, not_found
from setpoint_hub.roles import Operation
from setpoint_hub.rpc import present, reaches
from setpoint_hub.rpc.audit_params import AuditExportParams, AuditLogParams, AuditVerifyParams, KnownHead
from setpoint_hub.rpc.registry import Method
from setpoint_hub.session import Session
from setpoint_hub.store.audit_log import CHANGE, AuditLog, Cursor, Question, cursor_of
from setpoint_hub.store.chains import Chains
from setpoint_hub.verifying import Verdict, Verifier

__all__ = ["AuditMethods"]

MOST_NAMES: Final = 20
"""Keys that an entry of the log names; it counts all."""
LARGEST_PAGE: Final = 1024 * 1024
"""Characters of lines after which a page of an export ends."""


class AuditMethods:
    """Answers about what is on record. No answer holds a value."""

    def __init__(self, log: AuditLog, chains: Chains) -> None:
        self._log = log
        self._chains = chains
        self._verifier = Verifier(chains)

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        administer = Operation.ADMINISTER
        return [
            Method("audit.log", administer, AuditLogParams, self._read, reach=reaches.audited),
            Method("audit.verify", administer, AuditVerifyParams, self._verify, reach=reaches.audited),
            Method("audit.export", administer, AuditExportParams, self._export, reach=reaches.audited),
        ]

    async def _read(self, _: Session, asked: AuditLogParams) -> object:
        before = None if asked.before is None else Cursor(*asked.before)
        question = Question(asked.env, asked.since, asked.until, asked.who, asked.kind, before)
        rows = await self._log.page(question, limit=asked.limit + 1)
        page = rows[: asked.limit]
        return {
            "entries": [_event(row) if "sequence" in row else _change(row) for row in page],
            "next": _place(cursor_of(page[-1])) if len(rows) > asked.limit else None,
        }

    async def _verify(self, _: Session, asked: AuditVerifyParams) -> object:
        if asked.env is not None:
            known = None if asked.head is None else _head(asked.head)
            return _verdict(await self._verifier.environment(asked.env, known=known))
        if asked.head is not None:
            raise invalid_params("head: name its env, or give heads, one for each chain")
        heads = {head.env: _head(head) for head in asked.heads}
        envs = await self._chains.heads()
        chains = [await self._verifier.environment(env, known=heads.pop(env, None)) for env in envs]
        chains.append(await self._verifier.events(known=heads.pop(None, None)))
        shown = [*map(_verdict, chains), *(_vanished(env, head) for env, head in heads.items())]
        return {"ok": all(chain["ok"] for chain in shown), "chains": shown}

    async def _export(self, _: Session, asked: AuditExportParams) -> object:
        if asked.env is None:
            links, head = self._chains.events(after=asked.after), await self._chains.event_head()
        else:
            found = (await self._chains.heads(asked.env)).get(asked.env)
            if found is None:
                raise not_found(f"there is no environment {asked.env[:40]}")
            links, head = self._chains.change_sets(asked.env, after=asked.after), found
        lines: list[dict[str, Any]] = []
        size, last = 0, None
        try:
            async for link in links:
                if len(lines) == asked.limit or size > LARGEST_PAGE:
                    last = lines_end(lines)
                    break
                lines.append(line_of(link))
                size += len(dumps(lines[-1]))
        finally:
            await links.aclose()
        return {"lines": lines, "next": last, "head": _shown_head(head)}


def lines_end(lines: list[dict[str, Any]]) -> int:
    """Return the number of the last link of a page."""
    last = lines[-1]
    return int(last["sequence"] if last["kind"] == "event" else last["revision"])


def _change(row: Row) -> dict[str, Any]:
    names = list(zip(row["namespaces"] or (), row["keys"] or (), strict=True))
    return {
        "kind": CHANGE,
        "how": row["how"],
        "env": row["env"],
        "revision": row["revision"],
        "change_set": str(row["change_set_id"]),
        **_who(row),
        "note": row["note"],
        "keys": [{"namespace": namespace, "key": key} for namespace, key in names[:MOST_NAMES]],
        "changes": len(names),
        "hash": bytes(row["hash"]).hex(),
    }


def _event(row: Row) -> dict[str, Any]:
    return {
        "kind": row["kind"],
        "event": row["sequence"],
        "env": row["env"],
        "namespace": row["namespace"],
        "key": row["key"],
        **_who(row),
        "about": decode_value(row["about"]),
        "hash": bytes(row["hash"]).hex(),
    }


def _who(row: Row) -> dict[str, Any]:
    return {
        "at": present.time_text(row["created_at"]),
        "by": None if row["user_id"] is None else present.person(row["user_id"], row["user_name"]),
        "token": None if row["token_id"] is None else str(row["token_id"]),
        "from": {"address": row["from_address"], "tool": row["from_tool"]},
    }


def _verdict(found: Verdict) -> dict[str, Any]:
    broken = None if found.broken is None else {"revision": found.broken.number, "reason": found.broken.reason}
    return {
        "env": found.env,
        "ok": broken is None,
        "revisions": found.verified,
        "head": _shown_head(found.head),
        "broken": broken,
    }


def _vanished(env: str | None, head: Head) -> dict[str, Any]:
    reason = "the exported head is of an environment that there is no more"
    broken = {"revision": 1, "reason": reason}
    return {"env": env, "ok": False, "revisions": 0, "head": _shown_head(head), "broken": broken}


def _shown_head(head: Head) -> dict[str, Any]:
    return {"revision": head.number, "hash": head.hash.hex()}


def _head(given: KnownHead) -> Head:
    return Head(given.revision, given.hash)


def _place(cursor: Cursor) -> list[Any]:
    moment: datetime = cursor.at
    return [present.time_text(moment), cursor.env, cursor.number]
