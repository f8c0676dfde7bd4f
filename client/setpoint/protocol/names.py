"""What things may be called, and how long a name may be."""

import re
from typing import NewType

from setpoint.errors import InvalidName

__all__ = [
    "CLIENT_ID_LENGTH",
    "ENVIRONMENT_LENGTH",
    "KEY_LENGTH",
    "NAMESPACE_LENGTH",
    "Epoch",
    "Namespace",
    "Revision",
    "check_client_id",
    "check_environment",
    "check_key",
    "check_namespace",
]

Namespace = NewType("Namespace", str)
"""A namespace's name, already checked."""

Revision = NewType("Revision", int)
"""A position in one environment's log: 0 before the first change, one more with each change set."""

Epoch = NewType("Epoch", str)
"""The identity of one history of revisions (a UUID): revisions of two epochs cannot be compared."""

# The widths of the columns in schema.sql.
ENVIRONMENT_LENGTH = 20
NAMESPACE_LENGTH = 100
KEY_LENGTH = 200
CLIENT_ID_LENGTH = 100

_ALLOWED = re.compile(r"[A-Za-z0-9._/-]+", re.ASCII)


def _check(what: str, name: str, longest: int) -> str:
    if not name:
        raise InvalidName(what, name, "is empty: give it a name")
    if len(name) > longest:
        raise InvalidName(what, name, f"is {len(name)} characters long: the longest allowed is {longest}")
    if _ALLOWED.fullmatch(name) is None:
        raise InvalidName(what, name, "may hold only letters, digits and . _ / - (A-Z a-z 0-9)")
    return name


def check_environment(name: str) -> str:
    """Return `name`, or raise InvalidName."""
    return _check("environment", name, ENVIRONMENT_LENGTH)


def check_namespace(name: str) -> Namespace:
    """Return `name`, or raise InvalidName."""
    return Namespace(_check("namespace", name, NAMESPACE_LENGTH))


def check_key(name: str) -> str:
    """Return `name`, or raise InvalidName."""
    return _check("key", name, KEY_LENGTH)


def check_client_id(name: str) -> str:
    """Return `name`, or raise InvalidName: 1 to 100 printable characters, any script."""
    if not name:
        raise InvalidName("client id", name, "is empty: give it a name")
    if len(name) > CLIENT_ID_LENGTH:
        raise InvalidName("client id", name, f"is longer than {CLIENT_ID_LENGTH} characters")
    if not name.isprintable():
        raise InvalidName("client id", name, "holds a character that cannot be printed")
    return name
