"""OpenFeature's API over a client: `api.set_provider(SetpointProvider(config))`. Needs `setpoint[openfeature]`.

A flag's key is `namespace/key`, or `key` in the provider's default namespace. There is no targeting: the evaluation
context is taken and not looked at.
"""

import contextlib
from collections.abc import Mapping, Sequence
from typing import Any, TypeVar, cast

from openfeature.evaluation_context import EvaluationContext
from openfeature.event import ProviderEvent, ProviderEventDetails
from openfeature.exception import ErrorCode, ProviderFatalError, ProviderNotReadyError
from openfeature.flag_evaluation import FlagResolutionDetails, FlagValueType, Reason
from openfeature.provider import AbstractProvider, Metadata

from setpoint.changes import Change
from setpoint.client import ConfigClient
from setpoint.detail import Detail
from setpoint.status import State

__all__ = ["SetpointProvider"]

T = TypeVar("T")
Object = Sequence[FlagValueType] | Mapping[str, FlagValueType]

_MESSAGES = {
    "FLAG_NOT_FOUND": "the key has no value",
    "TYPE_MISMATCH": "the key's value is of another type",
    "PROVIDER_NOT_READY": "no source has given data yet",
}


class SetpointProvider(AbstractProvider):
    """Answers from the client's memory: no I/O, no lock, the asynchronous forms included.

    `initialize` starts the client, which may have been started before, and waits for data as `start` does. Without any
    the provider is in ERROR, or FATAL when the token is refused, until there are. READY stands for `live` and
    `polling`, STALE for values that no hub confirms at present. `shutdown` closes the client that it started.
    """

    def __init__(self, client: ConfigClient, *, namespace: str | None = None) -> None:
        super().__init__()
        self._client = client
        self._namespace = namespace
        self._started_here = False
        self._follows = False
        self._is_shut_down = False

    def get_metadata(self) -> Metadata:
        """Return the provider's name."""
        return Metadata(name="Setpoint")

    def initialize(self, evaluation_context: EvaluationContext) -> None:
        """Start the client and wait for data. Raises ProviderNotReadyError or ProviderFatalError without any."""
        self._is_shut_down = False
        client = self._client
        if client.status().state == "new":
            self._started_here = True
            client.start()
        if not self._follows:
            self._follows = True
            client.on_state(self._tell_state)
            for namespace in client.namespaces:
                client.on_change(namespace)(self._tell_change)
        status = client.status()
        if not client.wait_ready(0.0):
            error = ProviderFatalError if status.state == "denied" else ProviderNotReadyError
            raise error(status.last_error or "no source has given data yet")
        # When this returns the SDK takes the provider for READY; if it is STALE, the next failed poll will say so.

    def shutdown(self) -> None:
        """Tell nothing more, and close the client if it was started here."""
        self._is_shut_down = True
        if self._started_here:
            self._client.close()

    def resolve_boolean_details(
        self, flag_key: str, default_value: bool, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[bool]:
        """Return a bool."""
        return _resolution(self._client.detail(*self._place(flag_key), bool(default_value)))

    def resolve_string_details(
        self, flag_key: str, default_value: str, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[str]:
        """Return a string."""
        return _resolution(self._client.detail(*self._place(flag_key), default_value))

    def resolve_integer_details(
        self, flag_key: str, default_value: int, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[int]:
        """Return an int; a bool is none."""
        return _resolution(self._client.detail(*self._place(flag_key), default_value))

    def resolve_float_details(
        self, flag_key: str, default_value: float, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[float]:
        """Return a float; an int becomes one."""
        return _resolution(self._client.detail(*self._place(flag_key), float(default_value)))

    def resolve_object_details(
        self, flag_key: str, default_value: Object, evaluation_context: EvaluationContext | None = None
    ) -> FlagResolutionDetails[Object]:
        """Return the array or object of a key of type json. It is shared and cannot be changed."""
        asked: dict[str, Any] = {}
        found = cast("Detail[Object]", self._client.detail(*self._place(flag_key), asked))
        if found.error is None and not isinstance(found.value, (dict, list)):
            return _resolution(Detail(default_value, "ERROR", "TYPE_MISMATCH", found.revision))
        if found.error is not None:
            return _resolution(Detail(default_value, found.reason, found.error, found.revision))
        return _resolution(found)

    def _place(self, flag_key: str) -> tuple[str, str]:
        if self._namespace is not None:
            return self._namespace, flag_key
        # Both names may hold slashes: the longest namespace that is followed decides.
        for namespace in sorted(self._client.namespaces, key=len, reverse=True):
            if flag_key.startswith(f"{namespace}/"):
                return namespace, flag_key[len(namespace) + 1 :]
        namespace, _, key = flag_key.partition("/")
        return namespace, key

    def _tell_change(self, change: Change) -> None:
        key = change.key if self._namespace is not None else f"{change.namespace}/{change.key}"
        if self._namespace in (None, change.namespace):
            self._tell(ProviderEvent.PROVIDER_CONFIGURATION_CHANGED, ProviderEventDetails(flags_changed=[key]))

    def _tell_state(self, state: State) -> None:
        status = self._client.status()
        if state in ("live", "polling"):
            self._tell(ProviderEvent.PROVIDER_READY, ProviderEventDetails(message=state))
        elif self._client.wait_ready(0.0):
            self._tell(ProviderEvent.PROVIDER_STALE, ProviderEventDetails(message=status.last_error or state))
        elif state in ("denied", "closed"):
            code = ErrorCode.PROVIDER_FATAL if state == "denied" else ErrorCode.PROVIDER_NOT_READY
            details = ProviderEventDetails(message=status.last_error or state, error_code=code)
            self._tell(ProviderEvent.PROVIDER_ERROR, details)

    def _tell(self, event: ProviderEvent, details: ProviderEventDetails) -> None:
        if not self._is_shut_down:
            # The SDK's threads are gone when the interpreter ends.
            with contextlib.suppress(RuntimeError):
                self.emit(event, details)


def _resolution(found: Detail[T]) -> FlagResolutionDetails[T]:
    return FlagResolutionDetails(
        found.value,
        error_code=None if found.error is None else ErrorCode(found.error),
        error_message=None if found.error is None else _MESSAGES[found.error],
        reason=Reason(found.reason),
        flag_metadata={"revision": found.revision},
    )
