"""Methods that make and change keys: what they are for, what their values must keep, whether they are secret."""

import asyncio
from typing import Any
from uuid import UUID

from setpoint.errors import InvalidName, InvalidValue
from setpoint.protocol.names import check_key, check_namespace
from setpoint.protocol.values import VALUE_TYPES, decode_value, encode_value, is_value_type
from setpoint_hub.checker import Checker
from setpoint_hub.constraints import UnusableConstraints
from setpoint_hub.database import Row
from setpoint_hub.errors import CheckFailed, SecretUnreadable, invalid_params, invalid_value, too_large
from setpoint_hub.refusals import actor_of
from setpoint_hub.roles import Operation
from setpoint_hub.rpc import present, reaches
from setpoint_hub.rpc.params import CreateKeyParams, UpdateKeyParams
from setpoint_hub.rpc.registry import Method
from setpoint_hub.scopes import Scope
from setpoint_hub.sealing import Place
from setpoint_hub.session import Session
from setpoint_hub.store.guard import CHECKS_SECONDS
from setpoint_hub.store.keyrings import wrapped_in
from setpoint_hub.store.keys import Details, Keys, NewKey
from setpoint_hub.turns import Turns
from setpoint_hub.vault import Vault

__all__ = ["KeyMethods"]


class KeyMethods:
    """Makes keys and changes what may change of them."""

    def __init__(self, keys: Keys, checker: Checker, vault: Vault) -> None:
        self._keys = keys
        self._checker = checker
        self._vault = vault
        # Constraints may take their time: of each namespace one key at a time has them checked, and holds a connection.
        self._turns = Turns()

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        return [
            Method("key.create", Operation.WRITE, CreateKeyParams, self._create, reach=reaches.namespace),
            Method("key.update", Operation.WRITE, UpdateKeyParams, self._update, reach=reaches.namespace),
        ]

    async def _create(self, session: Session, asked: CreateKeyParams) -> object:
        if asked.secret:
            self._vault.require()
        async with self._turns.of(asked.namespace):
            new = _new_key(asked, await self._constraints(asked))
            return present.key(await self._keys.create(new, actor=actor_of(session)))

    async def _update(self, session: Session, asked: UpdateKeyParams) -> object:
        _refuse_what_stays(asked)
        for text in (asked.description, asked.owner, *asked.tags):
            _check_text(asked, text)
        async with self._turns.of(asked.namespace):
            return await self._updated(session, asked, await self._constraints(asked))

    async def _updated(self, session: Session, asked: UpdateKeyParams, constraints: str | None) -> object:
        broken: list[dict[str, Any]] = []

        async def decide(row: Row, held: list[Row]) -> Details:
            details = _details(row, asked, constraints)
            if constraints is not None and constraints != row["constraints"]:
                broken.extend(await self._all_in_time(row, held, constraints, session.principal.environments))
            if broken and not asked.force:
                raise invalid_value(asked.namespace, asked.key, _refusal(broken))
            return details

        row = await self._keys.update(asked.namespace, asked.key, decide, actor=actor_of(session))
        shown = present.key(row)
        return {**shown, "warnings": broken} if broken else shown

    async def _constraints(self, asked: CreateKeyParams | UpdateKeyParams) -> str | None:
        if asked.constraints is None:
            return None
        try:
            return await self._checker.canonical(asked.constraints)
        except UnusableConstraints as error:
            raise invalid_value(asked.namespace[:120], asked.key[:220], str(error)) from error

    async def _all_in_time(self, key: Row, held: list[Row], constraints: str, reached: Scope) -> list[dict[str, Any]]:
        """Return what active values break. Raises the answer `too_large`: whoever writes the key waits meanwhile."""
        try:
            async with asyncio.timeout(CHECKS_SECONDS):
                return await self._all_broken(key, held, constraints, reached)
        except TimeoutError as error:
            raise too_large(
                f"checking these constraints against every environment took more than {CHECKS_SECONDS:g} s: "
                "make the constraints simpler"
            ) from error

    async def _all_broken(self, key: Row, held: list[Row], constraints: str, reached: Scope) -> list[dict[str, Any]]:
        """Return what active values break; of environments out of reach no more than that there is something."""
        seen = [value for value in held if reached.covers(value["env"])]
        broken = [one for value in seen for one in await self._broken(key, value, constraints)]
        hidden = [value for value in held if not reached.covers(value["env"])]
        if hidden and key["secret"]:
            # Answers that depended on it would tell the secret, guess by guess.
            return [*broken, {"env": None, "message": "the value cannot be checked: this token does not reach it"}]
        for value in hidden:
            if await self._broken(key, value, constraints):
                return [*broken, {"env": None, "message": "the value breaks them"}]
        return broken

    async def _broken(self, key: Row, held: Row, constraints: str) -> list[dict[str, Any]]:
        """Return what the active value of one environment breaks of the new constraints."""
        try:
            found = await self._checker.violations(constraints, decode_value(self._clear(key, held)))
        except (CheckFailed, UnusableConstraints, SecretUnreadable) as error:
            return [{"env": held["env"], "message": str(error)}]
        return [{"env": held["env"], "message": broken.sentence(secret=key["secret"])} for broken in found]

    def _clear(self, key: Row, held: Row) -> str:
        key_id: UUID = key["key_id"]
        if not key["secret"]:
            return str(held["value"])
        return self._vault.open(held["value"], Place(held["env"], key_id, held["version_id"]), wrapped_in(held))


def _refuse_what_stays(asked: UpdateKeyParams) -> None:
    for name, what in (("type", "keeps its type"), ("secret", "stays secret, or not secret")):
        if name in asked.model_fields_set:
            reason = f"a key {what}: make another key, set it, and have services read that one"
            raise invalid_value(asked.namespace, asked.key, reason)
    if not asked.model_fields_set & {"description", "owner", "tags", "constraints"}:
        raise invalid_params("nothing is to be changed: give description, owner, tags or constraints")


def _details(row: Row, asked: UpdateKeyParams, constraints: str | None) -> Details:
    given = asked.model_fields_set
    return Details(
        description=asked.description if "description" in given else row["description"],
        owner=asked.owner if "owner" in given else row["owner"],
        tags=list(asked.tags) if "tags" in given else list(row["tags"]),
        constraints=constraints if "constraints" in given else row["constraints"],
    )


def _refusal(broken: list[dict[str, Any]]) -> str:
    told = "; ".join(f"in {one['env'] or 'another environment'} {one['message']}" for one in broken[:5])
    more = f", and {len(broken) - 5} more" if len(broken) > 5 else ""
    return f"active values break these constraints: {told}{more}. Change the values first, or force it"


def _new_key(asked: CreateKeyParams, constraints: str | None) -> NewKey:
    try:
        check_namespace(asked.namespace)
        check_key(asked.key)
    except InvalidName as error:
        raise invalid_value(asked.namespace[:120], asked.key[:220], str(error)) from error
    if not is_value_type(asked.type):
        reason = f"{asked.type[:20]!r} is no type: choose one of {', '.join(VALUE_TYPES)}"
        raise invalid_value(asked.namespace, asked.key, reason)
    for text in (asked.description, asked.owner, *asked.tags):
        _check_text(asked, text)
    return NewKey(
        asked.namespace,
        asked.key,
        asked.type,
        asked.description,
        asked.owner,
        list(asked.tags),
        constraints,
        asked.secret,
    )


def _check_text(asked: CreateKeyParams | UpdateKeyParams, text: str) -> None:
    try:
        encode_value("string", text)
    except InvalidValue as error:
        raise invalid_value(asked.namespace, asked.key, error.reason) from error
