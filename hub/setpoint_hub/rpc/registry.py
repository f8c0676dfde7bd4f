"""The registry of methods: every one has its params' model and its rule, which is checked here before it runs."""

from collections.abc import Awaitable, Callable, Iterable
from dataclasses import dataclass, field
from typing import Any, Generic, TypeVar, cast

from pydantic import ValidationError

from setpoint.errors import RequestFailed
from setpoint.protocol.jsonrpc import METHOD_NOT_FOUND, Call
from setpoint.protocol.params import WireModel
from setpoint.protocol.strict_json import AmbiguousObject
from setpoint.protocol.validation import explain
from setpoint_hub.errors import invalid_params
from setpoint_hub.reach import Reach, check_operation, check_reach
from setpoint_hub.roles import Operation
from setpoint_hub.session import Session

__all__ = ["Method", "Operation", "Registry", "read_params"]

Params = TypeVar("Params", bound=WireModel)


@dataclass(frozen=True)
class Method(Generic[Params]):
    """One method of the protocol. Its rule: the operation that the caller's role must allow, and what a call reaches.

    There is no method without a rule. What a call does not name, the method has to limit to the caller's scopes.
    """

    name: str
    operation: Operation
    params: type[Params]
    run: Callable[[Session, Params], Awaitable[object]]
    reach: Callable[[Params], Reach] = field(kw_only=True)

    async def answer(self, session: Session, call: Call) -> object:
        """Check the role, the params, and what they name; then run the method."""
        check_operation(session.principal, self.operation)
        asked = read_params(self.params, call)
        check_reach(session.principal, self.reach(asked))
        return await self.run(session, asked)


class Registry:
    """All methods by name. Raises ValueError for two of the same name."""

    def __init__(self, methods: Iterable[Method[Any]]) -> None:
        self._methods: dict[str, Method[Any]] = {}
        for method in methods:
            if method.name in self._methods:
                raise ValueError(f"{method.name} is registered twice: one of its rules would be lost")
            self._methods[method.name] = method

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
