"""A client for tests: the values are given in Python, changes are published by the test; no thread, no network."""

from collections.abc import Mapping
from typing import Any, Final

from setpoint.client import ConfigClient
from setpoint.content import parse
from setpoint.errors import NotReady
from setpoint.overlay import entries_of
from setpoint.protocol.messages import Changed, Delta, Full
from setpoint.protocol.names import Epoch, Revision
from setpoint.replica import Held
from setpoint.status import State

__all__ = ["LocalConfig"]

Values = Mapping[str, Mapping[str, Any]]

_EPOCH: Final = Epoch("00000000-0000-4000-8000-000000000000")


class LocalConfig(ConfigClient):
    """What `ConfigClient.for_testing` returns: a client that is its own hub.

    Everything happens in the thread of the caller and is done when the call returns: validators, bound models,
    settings, listeners.
    """

    def __init__(self, values: Values | None = None, *, service_name: str = "testing", env: str = "testing") -> None:
        super().__init__(service_name, env, tuple(values or ()))
        self._forced: State = "live"
        self._published = 0
        self._begin()
        if values:
            self.publish(values)

    def publish(self, values: Values | None = None, /, **namespaces: Mapping[str, Any]) -> bool:
        """Set keys, as one change: `publish(payments={"max_retries": 5})`; say whether it runs.

        It does not when a validator or a bound model refuses it; `status().last_error` then says why. Raises
        InvalidValue for what is not JSON. The state is `live` again, unless it is `polling`.
        """
        changed: Changed = {}
        self._published += 1
        for namespace, keys in {**(values or {}), **namespaces}.items():
            changed[namespace] = {**entries_of(self._base, namespace, keys, f"v{self._published}")}
        return self._take(changed)

    def remove(self, namespace: str, *keys: str) -> bool:
        """Take keys' values away, as one change; say whether it runs."""
        return self._take({namespace: dict.fromkeys(keys)})

    def fail(self, state: State) -> None:
        """Put the client in a state, as a failure would: reads go on with what is held.

        `new` and `starting` are states without data, so they drop it: reads give the defaults. `live` ends a failure.
        """
        if state == "closed":
            self.close()
            return
        self._forced = state
        self._links.trouble = None if state == "live" else f"the test made it {state}"
        if state in ("new", "starting"):
            self._store.content = parse(Held(self._env))
            self._store.resume()
            self._swap(self._store.content)
        self._tell()

    def close(self, timeout: float = 2.0) -> None:
        """Close it. Reads go on giving what is held."""
        super().close(timeout)
        self._dispatcher.drain()

    def _begin(self) -> None:
        position = Revision(self._store.content.held.revision + 1)
        self._store.apply(Full(self._env, _EPOCH, position, {}), "push")

    def _take(self, changed: Changed) -> bool:
        if self._closed:
            raise NotReady("the client is closed")
        if not self._content_is_known():
            self._begin()
        self._namespaces = tuple(dict.fromkeys((*self._namespaces, *changed)))
        if self._forced != "polling":
            self._forced, self._links.trouble = "live", None
        held = self._store.received
        update = Delta(self._env, _EPOCH, held.revision, Revision(held.revision + 1), changed)
        applied = self._store.apply(update, "push") != "refused"
        if not applied:
            # What the hub of a test holds is what runs: the next change is judged for itself.
            self._store.resume()
        self._tell()
        return applied

    def _content_is_known(self) -> bool:
        return self._store.content.held.epoch is not None

    def _tell(self) -> None:
        self._signal.notify()
        self._dispatcher.drain()

    def _launch(self) -> None:
        """Start nothing."""

    def _state(self) -> State:
        return "closed" if self._closed else self._forced
