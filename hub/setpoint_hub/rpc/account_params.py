"""Params of the methods about users and tokens."""

from collections.abc import Callable
from typing import Annotated, Literal

from pydantic import AfterValidator, Field

from setpoint.errors import InvalidName
from setpoint.protocol.names import check_environment, check_namespace
from setpoint.protocol.params import WireModel
from setpoint_hub.rpc.params import LONGEST_EXPIRY_SECONDS, AnyName, Identifier
from setpoint_hub.scopes import check_pattern

__all__ = [
    "CreateTokenParams",
    "CreateUserParams",
    "Environments",
    "ListTokensParams",
    "Namespaces",
    "RevokeTokenParams",
    "UserName",
]


def _pattern(check_name: Callable[[str], str]) -> Callable[[str], str]:
    def check(found: str) -> str:
        try:
            return check_pattern(found, check_name)
        except InvalidName as error:
            raise ValueError(str(error)) from error

    return check


def _user_name(found: str) -> str:
    if not found.isprintable() or found != found.strip():
        raise ValueError("a name of printable characters is expected, without blanks around it")
    return found


_Many = Field(min_length=1, max_length=100)

Environments = Annotated[list[Annotated[str, AfterValidator(_pattern(check_environment))]], _Many]

Namespaces = Annotated[list[Annotated[str, AfterValidator(_pattern(check_namespace))]], _Many]

UserName = Annotated[str, Field(min_length=1, max_length=100), AfterValidator(_user_name)]


class CreateUserParams(WireModel):
    """`user.create`"""

    name: UserName


class CreateTokenParams(WireModel):
    """`token.create`; nothing of what a token may do has a default."""

    user: UserName
    role: Literal["reader", "editor", "approver", "admin"]
    environments: Environments
    namespaces: Namespaces
    expires_in: Annotated[int, Field(ge=1, le=LONGEST_EXPIRY_SECONDS)] | None = None
    create_user: bool = False


class ListTokensParams(WireModel):
    """`token.list`; `all` also gives those that are revoked or expired."""

    user: AnyName | None = None
    all: bool = False


class RevokeTokenParams(WireModel):
    """`token.revoke`"""

    id: Identifier
