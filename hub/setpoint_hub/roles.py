"""Roles, and what each may do. Pure."""

from collections.abc import Mapping
from enum import Enum, StrEnum
from typing import Final

__all__ = ["Operation", "Role", "least_role", "may", "powers"]


class Role(StrEnum):
    """What a token is for, the least first: each may do all that those before it may."""

    READER = "reader"
    """A service: watches and reads."""
    EDITOR = "editor"
    """Makes keys, writes to unprotected environments, proposes changes of protected ones."""
    APPROVER = "approver"
    """Decides on the proposals of others."""
    ADMIN = "admin"
    """Keeps environments, users and tokens; breaks the glass."""


class Operation(Enum):
    """What a caller wants to do."""

    READ = "read"
    WRITE = "write"
    """To change values, at once or by a review: which of the two, the environment's protection decides."""
    REVEAL = "reveal"
    """To be shown a secret in the clear: who may set one may see it."""
    APPROVE = "approve"
    ADMINISTER = "administer"


_LEAST: Final[Mapping[Operation, Role]] = {
    Operation.READ: Role.READER,
    Operation.WRITE: Role.EDITOR,
    Operation.REVEAL: Role.EDITOR,
    Operation.APPROVE: Role.APPROVER,
    Operation.ADMINISTER: Role.ADMIN,
}
_ORDER: Final = tuple(Role)


def least_role(operation: Operation) -> Role:
    """Return the first role that may do this."""
    return _LEAST[operation]


def may(role: Role, operation: Operation) -> bool:
    """Say whether a role may do this."""
    return _ORDER.index(role) >= _ORDER.index(least_role(operation))


def powers(role: Role, *, protected: bool) -> dict[str, bool]:
    """Return what a role may do in an environment that it reaches, as `whoami` shows it."""
    return {
        "read": may(role, Operation.READ),
        "write": may(role, Operation.WRITE) and not protected,
        "propose": may(role, Operation.WRITE),
        "approve": may(role, Operation.APPROVE),
        "administer": may(role, Operation.ADMINISTER),
    }
