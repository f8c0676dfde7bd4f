"""The one place that decides whether a caller may do what it asks for. Pure."""

from dataclasses import dataclass

from setpoint_hub.access import Principal
from setpoint_hub.errors import forbidden
from setpoint_hub.roles import Operation, least_role, may

__all__ = ["NOWHERE", "Reach", "check_operation", "check_reach"]


@dataclass(frozen=True, slots=True)
class Reach:
    """Every environment and namespace that a call names; the caller's token has to cover each of them.

    A pattern stands for all that it covers: `*` asks for a token that is bound to nothing.
    """

    environments: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()


NOWHERE = Reach()
"""Names nothing: what is answered is limited to the token's scopes by whoever answers."""


def check_operation(principal: Principal, operation: Operation) -> None:
    """Raise the answer `forbidden` unless the token's role may do this at all."""
    if not may(principal.role, operation):
        needed = least_role(operation)
        raise forbidden(
            f"this needs the role {needed}, and this token has the role {principal.role}: ask for another token",
            needs={"role": needed},
        )


def check_reach(principal: Principal, reach: Reach) -> None:
    """Raise the answer `forbidden` unless the token covers every name.

    It is the same answer whether what is named exists or not, so nobody learns by it what there is out of reach.
    """
    for env in reach.environments:
        if not principal.environments.includes(env):
            raise _out_of_reach("environment", env)
    for namespace in reach.namespaces:
        if not principal.namespaces.includes(namespace):
            raise _out_of_reach("namespace", namespace)


def _out_of_reach(what: str, name: str) -> Exception:
    message = f"this token does not reach the {what} {name[:100]}: it takes one whose {what}s cover it"
    return forbidden(message, needs={what: name[:100]})
