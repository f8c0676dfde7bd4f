"""One environment at one revision, as a client holds it: immutable, moved forward by updates or refused."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from types import MappingProxyType
from typing import assert_never

from setpoint.errors import ProtocolError, SetpointError
from setpoint.protocol.messages import Current, Delta, Entry, Full, Update
from setpoint.protocol.names import Epoch, Revision

__all__ = ["Gap", "Held", "apply", "without_secrets"]

_START = Revision(0)
_NOTHING: Mapping[str, Mapping[str, Entry]] = MappingProxyType({})
_NOTHING_WITHHELD: Mapping[str, Mapping[str, str]] = MappingProxyType({})


class Gap(SetpointError):
    """An update does not continue what is held: something between was missed, so watch again."""


@dataclass(frozen=True, slots=True)
class Held:
    """What a client holds. `epoch` is None until the first update from a hub.

    `withheld` has the version of each secret that is missing, as in what was read from disk: then a hub has to be
    asked for everything.
    """

    env: str
    epoch: Epoch | None = None
    revision: Revision = _START
    namespaces: Mapping[str, Mapping[str, Entry]] = field(default_factory=lambda: _NOTHING)
    withheld: Mapping[str, Mapping[str, str]] = field(default_factory=lambda: _NOTHING_WITHHELD)


def apply(held: Held, update: Update) -> Held:
    """Return what is held after the update; the same object when the update brings nothing new.

    Within an epoch the revision never falls. Raises Gap when the update does not continue what is held,
    ProtocolError when it is for another environment.
    """
    if update.env != held.env:
        raise ProtocolError(f"an update for {update.env} reached a client of {held.env}")
    match update:
        case Full():
            if update.epoch == held.epoch and update.revision < held.revision:
                if held.withheld:
                    raise Gap(f"the hub is at {update.revision}, before {held.revision} which is held without secrets")
                return held
            return Held(held.env, update.epoch, update.revision, update.namespaces)
        case Delta():
            return _apply_delta(held, update)
        case Current():
            _same_epoch(held, update.epoch)
            return replace(held, revision=max(held.revision, update.revision))
    assert_never(update)


def _apply_delta(held: Held, update: Delta) -> Held:
    _same_epoch(held, update.epoch)
    if update.revision <= held.revision:
        return held
    if update.previous > held.revision:
        raise Gap(f"revision {update.revision} follows {update.previous}, but {held.revision} is held")
    namespaces = dict(held.namespaces)
    for namespace, changed in update.namespaces.items():
        keys = dict(namespaces.get(namespace, {}))
        for key, entry in changed.items():
            if entry is None:
                keys.pop(key, None)
            else:
                keys[key] = entry
        namespaces[namespace] = keys
    return Held(held.env, held.epoch, update.revision, namespaces, held.withheld)


def without_secrets(held: Held) -> Held:
    """Return what may stand on disk: the values of secrets are withheld, their versions are not."""
    secrets = {
        namespace: {key: entry.version for key, entry in entries.items() if entry.secret}
        for namespace, entries in held.namespaces.items()
    }
    withheld = {namespace: versions for namespace, versions in secrets.items() if versions}
    if not withheld:
        return held
    namespaces = {
        namespace: {key: entry for key, entry in entries.items() if not entry.secret}
        for namespace, entries in held.namespaces.items()
    }
    return replace(held, namespaces=namespaces, withheld={**held.withheld, **withheld})


def _same_epoch(held: Held, epoch: Epoch) -> None:
    if epoch != held.epoch:
        raise Gap(f"the history is another one (epoch {epoch}) than the one held ({held.epoch})")
