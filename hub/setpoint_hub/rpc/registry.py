"""The registry of methods: every one has its params' model and the operation that its caller must be allowed."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass
from enum import Enum
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from setpoint.errors import RequestFailed
from setpoint.protocol.jsonrpc import METHOD_NOT_FOUND, Call
from setpoint.protocol.params import WireModel
from setpoint.protocol.strict_json import AmbiguousObject
from setpoint.protocol.validation import explain
from setpoint_hub.errors import invalid_params
from setpoint_hub.session import Session

__all__ = ["Method", "Operation", "Registry", "read_params"]

Params = TypeVar("Params", bound=WireModel)


class Operation(Enum):
    """What a caller wants to do. Today every valid token may do all of them; roles and scopes attach here."""

    READ = "read"
    WRITE = "write"
    APPROVE = "approve"
    ADMINISTER = "administer"


@dataclass(frozen=True)
class Method(Generic[Params]):
    """One method of the protocol."""

    name: str
    operation: Operation
    params: type[Params]
    run: Callable[[Session, Params], Awaitable[object]]

    async def answer(self, session: Session, call: Call) -> object:
        """Check the params and run the method."""
        return await self.run(session, read_params(self.params, call))


class Registry:
    """All methods by name."""

    def __init__(self, methods: Iterable[Method[Any]]) -> None:
        self._methods: dict[str, Method[Any]] = {method.name: method for method in methods}

    @property
    def methods(self) -> list[Method[Any]]:
        """Every method, as a test walks them."""
        return list(self._methods.values())

    async def answer(self, session: Session, call: Call) -> object:
        """Return the result of a call, or raise RequestFailed."""
        method = self._methods.get(call.method)
        if method is None:
            known = ", ".join(sorted(self._methods))
            raise RequestFailed(
                f"there is no method {call.method[:60]!r}; there are: watch, {known}",
                kind="protocol",
                code=METHOD_NOT_FOUND,
            )
        return await method.answer(session, call)


def read_params(model: type[Params], call: Call) -> Params:
    """Check a call's params. Raises the answer -32602 with the first thing that is wrong."""
    repeated = _repeated(call.params)
    if repeated is not None:
        raise invalid_params(f"the member {repeated[:40]!r} stands twice")
    try:
        return model.model_validate(call.params)
    except ValidationError as error:
        raise invalid_params(explain(error)) from error


def _repeated(params: object) -> str | None:
    """Return a member that stands twice anywhere but in a value, which has an answer of its own."""
    # A stack of our own: what a frame may nest is more than Python's calls may.
    waiting = [params]
    while waiting:
        found = waiting.pop()
        if isinstance(found, AmbiguousObject):
            return found.repeated
        if isinstance(found, dict):
            members = cast("dict[str, object]", found)
            waiting += [member for name, member in members.items() if name != "value"]
        elif isinstance(found, list):
            waiting += cast("list[object]", found)
    return None
