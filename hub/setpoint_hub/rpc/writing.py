"""Methods that change something: environments, values, rollbacks."""

import re
from collections import Counter
from collections.abc import Callable
from typing import Any
from uuid import UUID

from setpoint.errors import InvalidValue
from setpoint.protocol.values import decode_value, encode_value
from setpoint_hub.access import Principal
from setpoint_hub.chain import request_fingerprint
from setpoint_hub.database import Row
from setpoint_hub.errors import forbidden, invalid_params, invalid_value, not_found, too_large
from setpoint_hub.plan import Active, Anything, Edit, plan_edits, plan_reactivation, plan_undo
from setpoint_hub.refusals import actor_of
from setpoint_hub.replica import KeyChange
from setpoint_hub.review import NO_TERMS, Terms
from setpoint_hub.roles import Operation, may
from setpoint_hub.rpc import present, reaches
from setpoint_hub.rpc.committing import (
    MOST_CHANGES,
    AfterCommit,
    answer_of,
    asker_of,
    gate_of,
    intent_of,
    stated,
    terms_of,
)
from setpoint_hub.rpc.params import (
    ChangeParams,
    CreateEnvironmentParams,
    ProtectParams,
    RequestStatusParams,
    RollbackParams,
    SetParams,
)
from setpoint_hub.rpc.registry import Method
from setpoint_hub.sealing import LARGEST_SECRET, is_mark
from setpoint_hub.session import Session
from setpoint_hub.store.environments import Environments
from setpoint_hub.store.history import History
from setpoint_hub.store.intents import Gate, NewestRollback
from setpoint_hub.store.keys import Key, Keys
from setpoint_hub.store.log import Log
from setpoint_hub.store.writer import Committed, Writer
from setpoint_hub.vault import Vault

__all__ = ["WritingMethods"]


class WritingMethods:
    """Checks what is asked, has it written, makes it known."""

    def __init__(
        self,
        environments: Environments,
        keys: Keys,
        history: History,
        log: Log,
        writer: Writer,
        vault: Vault,
        after_commit: AfterCommit,
        after_environment: Callable[[], None],
    ) -> None:
        self._environments = environments
        self._keys = keys
        self._history = history
        self._log = log
        self._writer = writer
        self._vault = vault
        self._after_commit = after_commit
        self._after_environment = after_environment

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        return [
            Method(
                "environment.create",
                Operation.ADMINISTER,
                CreateEnvironmentParams,
                self._create_environment,
                reach=reaches.new_environment,
            ),
            Method("environment.protect", Operation.ADMINISTER, ProtectParams, self._protect, reach=reaches.protection),
            Method("set", Operation.WRITE, SetParams, self._set, reach=reaches.written),
            Method("rollback", Operation.WRITE, RollbackParams, self._rollback, reach=reaches.rolled_back),
            Method("request.status", Operation.READ, RequestStatusParams, self._request_status, reach=reaches.nowhere),
        ]

    async def _create_environment(self, session: Session, asked: CreateEnvironmentParams) -> object:
        row = await self._environments.create(
            asked.env,
            protected=asked.protected,
            required_approvals=asked.required_approvals,
            after=asked.after,
            actor=actor_of(session),
        )
        self._after_environment()
        return present.environment(row)

    async def _protect(self, session: Session, asked: ProtectParams) -> object:
        row = await self._environments.protect(
            asked.env,
            protected=asked.protected,
            required_approvals=asked.required_approvals,
            actor=actor_of(session),
        )
        return present.environment(row)

    async def _set(self, session: Session, asked: SetParams) -> object:
        return await self._result(session, await self.change(session, asked), asked.wait, terms_of(asked))

    async def change(self, session: Session, asked: SetParams, gate: Gate | None = None) -> Committed:
        """Carry out a `set`, or what is asked for like one, past a gate of its own. Raises as the writer does."""
        if len(asked.changes) > MOST_CHANGES:
            raise too_large(f"{len(asked.changes):,} changes in one set; the most allowed is {MOST_CHANGES:,}")
        names = [(change.namespace, change.key) for change in asked.changes]
        repeated = [name for name, times in Counter(names).items() if times > 1]
        if repeated:
            namespace, key = min(repeated)
            raise invalid_params(f"{namespace}/{key} stands twice in the set: which value should hold?")
        keys = await self._keys.find(names)
        edits = [_edit(keys[change.namespace, change.key], change) for change in asked.changes]
        fingerprint = request_fingerprint(
            "set",
            asked.env,
            asked.note,
            [[str(edit.key.id), self._asked_text(edit), str(edit.expected)] for edit in edits],
            *stated(asked),
        )
        return await self._writer.write(
            intent_of(session, asked.env, "set", fingerprint, asked),
            [edit.key.id for edit in edits],
            lambda active: plan_edits(asked.env, edits, active),
            gate or gate_of(session, asked),
        )

    def _asked_text(self, edit: Edit) -> str | None:
        """Return what stands for the value in the request's fingerprint: that is stored, so no secret goes into it."""
        return self._vault.digest(edit.key.id, edit.text) if edit.key.secret and edit.text is not None else edit.text

    async def _rollback(self, session: Session, asked: RollbackParams) -> object:
        one_key = (asked.namespace, asked.key, asked.version)
        whole = one_key == (None, None, None) and "expected_version" not in asked.model_fields_set
        if asked.change_set is not None and whole:
            return await self._undo(session, asked, asked.change_set)
        if asked.change_set is None and None not in one_key:
            assert asked.namespace is not None
            assert asked.key is not None
            assert asked.version is not None
            return await self._reactivate(session, asked, (asked.namespace, asked.key), asked.version)
        raise invalid_params(
            "give either namespace, key, version (and what is expected there now), or change_set (a revision)"
        )

    async def _reactivate(
        self, session: Session, asked: RollbackParams, name: tuple[str, str], version: UUID
    ) -> object:
        key = (await self._keys.find([name]))[name]
        target = await self._history.version(asked.env, key.id, version)
        if target is None:
            raise not_found(f"{name[0]}/{name[1]} has no version {version} in {asked.env}: look at its history")
        _check_stored(key, target.text)
        expected = asked.expected_version if "expected_version" in asked.model_fields_set else Anything
        based_on = [] if expected is Anything else [str(expected)]
        fingerprint = request_fingerprint(
            "rollback", asked.env, asked.note, str(key.id), str(version), *based_on, *stated(asked)
        )
        committed = await self._writer.write(
            intent_of(session, asked.env, "rollback", fingerprint, asked),
            [key.id],
            lambda active: plan_reactivation(asked.env, key, target, active, expected),
            gate_of(session, asked, NewestRollback(asker_of(session), key_id=key.id, version=version)),
        )
        return await self._result(session, committed, asked.wait)

    async def _undo(self, session: Session, asked: RollbackParams, revision: int) -> object:
        change_set = await self._log.change_set(asked.env, revision)
        if change_set is None:
            if await self._history.position(asked.env) is None:
                raise not_found(f"there is no environment {asked.env[:40]}")
            raise not_found(f"{asked.env} has no revision {revision}: look at its history")
        if not session.principal.namespaces.covers_all(change.namespace for change in change_set.changes):
            raise forbidden(
                f"revision {revision} of {asked.env} also changed what this token does not reach: "
                "roll back those keys that it reaches one by one, or ask for another token"
            )
        keys = await self._keys.find([(change.namespace, change.key) for change in change_set.changes])
        done = [(keys[change.namespace, change.key], *_sides(change)) for change in change_set.changes]
        for key, before, _ in done:
            if before is not None:
                _check_stored(key, before.text)
        fingerprint = request_fingerprint("undo", asked.env, asked.note, revision, *stated(asked))
        committed = await self._writer.write(
            intent_of(session, asked.env, f"rollback of {revision}", fingerprint, asked),
            [key.id for key, _, _ in done],
            lambda active: plan_undo(asked.env, revision, done, active),
            gate_of(session, asked, NewestRollback(asker_of(session), change_set=revision)),
        )
        return await self._result(session, committed, asked.wait)

    async def _request_status(self, session: Session, asked: RequestStatusParams) -> object:
        row = await self._writer.find_request(asked.request_id)
        if row is None or not _may_ask_about(session.principal, row):
            return {"found": False}
        if row["review_id"] is not None:
            return {"found": False, "env": row["env"], "review": row["review_id"]}
        return {
            "found": True,
            "env": row["env"],
            "revision": row["revision"],
            "change_set": str(row["change_set_id"]),
        }

    async def _result(
        self, session: Session, committed: Committed, wait: float | None, terms: Terms = NO_TERMS
    ) -> object:
        return await answer_of(committed, session, self._after_commit, wait=wait, terms=terms)


def _may_ask_about(principal: Principal, request: Row) -> bool:
    """Say whether somebody may learn what became of a request: who made it, and admins of its environment."""
    if not principal.environments.covers(request["env"]):
        return False
    return bool(request["changed_by"] == principal.user_id) or may(principal.role, Operation.ADMINISTER)


def _edit(key: Key, asked: ChangeParams) -> Edit:
    given = asked.model_fields_set
    expected = asked.expected_version if "expected_version" in given else Anything
    if asked.delete:
        if "value" in given:
            raise invalid_params(f"{key.namespace}/{key.key}: give either a value or delete, not both")
        return Edit(key, None, expected)
    if "value" not in given:
        raise invalid_params(f'{key.namespace}/{key.key}: give a value, or "delete": true')
    try:
        text = encode_value(key.type, asked.value)
    except InvalidValue as error:
        # What stands in quotes is out of the value.
        reason = re.sub(r"'.*'|\".*\"", "…", error.reason, flags=re.DOTALL) if key.secret else error.reason
        raise invalid_value(key.namespace, key.key, reason) from (None if key.secret else error)
    if key.secret and is_mark(text):
        raise invalid_value(key.namespace, key.key, "that is the mark that stands for a secret, and no value")
    if key.secret and len(text.encode()) > LARGEST_SECRET:
        raise invalid_value(key.namespace, key.key, f"a secret takes at most {LARGEST_SECRET:,} bytes")
    return Edit(key, text, expected)


def _check_stored(key: Key, text: str) -> None:
    """Refuse a value that came into the database by another way than this hub, and that no hub would take."""
    if key.secret:
        return  # The guard opens it.
    try:
        encode_value(key.type, decode_value(text))
    except InvalidValue as error:
        raise invalid_value(key.namespace, key.key, f"the stored version cannot be active: {error.reason}") from error


def _sides(change: KeyChange) -> tuple[Active | None, Active | None]:
    before = _active(change.previous_version, change.previous_text)
    return before, _active(change.version, change.text)


def _active(version: UUID | None, text: str | None) -> Active | None:
    return None if version is None or text is None else Active(version, text)
