"""`secret.reveal`: the value of a secret in the clear, for a person, on record."""

from collections.abc import Awaitable, Callable
from typing import Any

from setpoint_hub.audit import Event
from setpoint_hub.errors import SecretUnreadable, invalid_params, not_found, unavailable
from setpoint_hub.refusals import actor_of
from setpoint_hub.roles import Operation
from setpoint_hub.rpc import reaches
from setpoint_hub.rpc.params import RevealParams
from setpoint_hub.rpc.registry import Method
from setpoint_hub.session import Session
from setpoint_hub.store.keys import Keys
from setpoint_hub.store.secrets import SecretValues

__all__ = ["RevealMethods"]


Record = Callable[[Event], Awaitable[None]]
"""Puts an event on record; it stands when this returns. What is raised here keeps the value from being shown."""


class RevealMethods:
    """Shows secrets to those who may write them."""

    def __init__(self, keys: Keys, secrets: SecretValues, record: Record) -> None:
        self._keys = keys
        self._secrets = secrets
        self._record = record

    def methods(self) -> list[Method[Any]]:
        """Return the methods of this group."""
        reach = reaches.environment_and_namespace
        return [Method("secret.reveal", Operation.REVEAL, RevealParams, self._reveal, reach=reach)]

    async def _reveal(self, session: Session, asked: RevealParams) -> object:
        name = (asked.namespace, asked.key)
        key = (await self._keys.find([name]))[name]
        if not key.secret:
            raise invalid_params(f"{key.namespace}/{key.key} is no secret: key.get shows its value")
        try:
            found = await self._secrets.active(asked.env, key)
        except SecretUnreadable as error:
            raise unavailable(str(error)) from error
        if found is None:
            raise not_found(f"{key.namespace}/{key.key} has no value in {asked.env[:40]}")
        place = {"env": asked.env, "namespace": key.namespace, "key": key.key}
        version = str(found.version)
        # First on record, then told.
        await self._record(Event("secret.reveal", actor_of(session), **place, about={"version": version}))
        return {**place, "version": version, "type": key.type, "value": found.value}
