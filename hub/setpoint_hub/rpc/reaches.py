"""What the params of each method name: the environments and namespaces that the caller's token has to cover. Pure."""

from collections.abc import Iterable
from typing import Protocol

from setpoint_hub.reach import NOWHERE, Reach
from setpoint_hub.rpc.account_params import CreateTokenParams
from setpoint_hub.rpc.params import (
    CompareParams,
    CreateEnvironmentParams,
    KeyParams,
    PromoteParams,
    ProtectParams,
    RollbackParams,
    SetParams,
    SnapshotParams,
)
from setpoint_hub.scopes import EVERYTHING

__all__ = [
    "audited",
    "compared",
    "environment",
    "environment_and_namespace",
    "namespace",
    "new_environment",
    "new_token",
    "nowhere",
    "promoted",
    "protection",
    "rolled_back",
    "snapshot",
    "written",
]


class _NamesEnvironment(Protocol):
    @property
    def env(self) -> str | None: ...


class _NamesNamespace(Protocol):
    @property
    def namespace(self) -> str | None: ...


class _NamesBoth(_NamesEnvironment, _NamesNamespace, Protocol): ...


def nowhere(_: object) -> Reach:
    """Return the reach of a method that names nothing: it limits its answer to the caller's scopes by itself."""
    return NOWHERE


def environment(asked: _NamesEnvironment) -> Reach:
    """Return the environment, when one is named; else the method limits its answer."""
    return Reach(environments=_given(asked.env))


def namespace(asked: _NamesNamespace) -> Reach:
    """Return the namespace, when one is named; else the method limits its answer."""
    return Reach(namespaces=_given(asked.namespace))


def environment_and_namespace(asked: _NamesBoth) -> Reach:
    """Return the environment and the namespace, as far as they are named."""
    return Reach(_given(asked.env), _given(asked.namespace))


def snapshot(asked: SnapshotParams) -> Reach:
    """Return the environment, and each namespace that is named."""
    return Reach((asked.env,), tuple(asked.namespaces or ()))


def written(asked: SetParams) -> Reach:
    """Return the environment, and the namespace of each change: one out of reach refuses them all."""
    return Reach((asked.env,), tuple(dict.fromkeys(change.namespace for change in asked.changes)))


def rolled_back(asked: RollbackParams) -> Reach:
    """Return what is named; the namespaces of a change set are checked once it is read."""
    return Reach((asked.env,), _given(asked.namespace))


def compared(asked: CompareParams) -> Reach:
    """Return both environments, and each namespace that is named, also by a key of it."""
    return Reach((asked.source, asked.target), (*(asked.namespaces or ()), *_namespaces_of(asked.keys)))


def promoted(asked: PromoteParams) -> Reach:
    """Return both environments, and the namespace of each key that is named."""
    return Reach((asked.source, asked.target), _namespaces_of(asked.keys))


def new_environment(asked: CreateEnvironmentParams) -> Reach:
    """Return the environments that are named, for every namespace: an environment is shared by all of them."""
    return Reach((asked.env, *_given(asked.after)), (EVERYTHING,))


def protection(asked: ProtectParams) -> Reach:
    """Return the environment, for every namespace: its protection is shared by all of them."""
    return Reach((asked.env,), (EVERYTHING,))


def audited(asked: _NamesEnvironment) -> Reach:
    """Return the environment, or without one all of them, for every namespace: a chain is read whole or not at all."""
    return Reach((asked.env or EVERYTHING,), (EVERYTHING,))


def new_token(asked: CreateTokenParams) -> Reach:
    """Return all that the token would reach: nobody can give more than they have."""
    return Reach(tuple(asked.environments), tuple(asked.namespaces))


def _given(name: str | None) -> tuple[str, ...]:
    return () if name is None else (name,)


def _namespaces_of(keys: Iterable[KeyParams] | None) -> tuple[str, ...]:
    return tuple(dict.fromkeys(key.namespace for key in keys or ()))
