"""Roles: each may what those before it may; whoami says what a token may do in each environment."""

from typing import Any
from uuid import uuid4

import pytest

from setpoint.errors import RequestFailed
from setpoint_hub.access import Principal
from setpoint_hub.reach import Reach, check_operation, check_reach
from setpoint_hub.roles import Operation, Role, least_role, may, powers
from setpoint_hub.rpc.params import NoParams
from setpoint_hub.rpc.reaches import nowhere
from setpoint_hub.rpc.registry import Method, Registry
from setpoint_hub.scopes import Scope
from setpoint_hub.session import Session
from support.hubs import RunningHub
from support.tokens import give_token
from support.waiting import eventually


def principal(role: str, environments: list[str], namespaces: list[str]) -> Principal:
    """Return somebody with a token that does not expire."""
    return Principal(1, "bob", uuid4(), Role(role), Scope.of(environments), Scope.of(namespaces), None)


@pytest.mark.parametrize(
    ("operation", "roles"),
    [
        (Operation.READ, "reader editor approver admin"),
        (Operation.WRITE, "editor approver admin"),
        (Operation.REVEAL, "editor approver admin"),
        (Operation.APPROVE, "approver admin"),
        (Operation.ADMINISTER, "admin"),
    ],
)
def test_an_operation_is_for_its_least_role_and_those_above(operation: Operation, roles: str) -> None:
    assert [role for role in Role if may(role, operation)] == roles.split()
    assert least_role(operation) == roles.split(maxsplit=1)[0]


@pytest.mark.parametrize(
    ("role", "protected", "may_do"),
    [
        ("reader", False, "read"),
        ("editor", False, "read write propose"),
        ("editor", True, "read propose"),
        ("approver", True, "read propose approve"),
        ("admin", False, "read write propose approve administer"),
        ("admin", True, "read propose approve administer"),
    ],
)
def test_what_a_role_may_do_depends_on_protection_for_writing_alone(role: str, protected: bool, may_do: str) -> None:
    found = powers(Role(role), protected=protected)
    assert [name for name, allowed in found.items() if allowed] == may_do.split()


def test_one_name_out_of_reach_refuses_all_of_them() -> None:
    bob = principal("editor", ["staging"], ["pay", "team.*"])
    check_reach(bob, Reach(("staging",), ("pay", "team.a")))
    with pytest.raises(RequestFailed) as refused:
        check_reach(bob, Reach(("staging",), ("pay", "team.a", "payments", "team")))
    assert (refused.value.kind, refused.value.data) == ("forbidden", {"needs": {"namespace": "payments"}})
    with pytest.raises(RequestFailed) as refused:
        check_reach(bob, Reach(("staging", "production"), ("pay",)))
    assert refused.value.data == {"needs": {"environment": "production"}}


def test_a_lesser_role_is_told_what_it_takes() -> None:
    check_operation(principal("approver", [], []), Operation.WRITE)
    with pytest.raises(RequestFailed, match="role admin, and this token has the role approver") as refused:
        check_operation(principal("approver", ["*"], ["*"]), Operation.ADMINISTER)
    assert refused.value.data == {"needs": {"role": "admin"}}


async def nothing(_: Session, __: NoParams) -> object:
    """Answer nothing."""
    return {}


def test_a_method_without_a_rule_cannot_be_made_nor_one_registered_twice() -> None:
    incomplete: Any = Method
    with pytest.raises(TypeError, match="reach"):
        incomplete("new.method", Operation.READ, NoParams, nothing)
    method = Method("new.method", Operation.READ, NoParams, nothing, reach=nowhere)
    with pytest.raises(ValueError, match="twice"):
        Registry([method, method])


async def test_whoami_says_what_the_token_may_do_where(hub: RunningHub) -> None:
    given = await give_token(
        hub, "editor", user="ci", environments=["staging", "production"], namespaces=["pay", "team.*"], expires_in=3600
    )
    async with hub.connect() as admin, hub.connect(given["token"]) as wire:
        me = await wire.ask("whoami")
        assert (me["user"]["name"], me["role"], me["token"]) == ("ci", "editor", given["id"])
        assert (me["environments"], me["namespaces"]) == (["production", "staging"], ["pay", "team.*"])
        assert me["expires_at"] == given["expires_at"]
        assert me["may"].keys() == {"staging", "production"}
        assert (me["may"]["staging"]["write"], me["may"]["production"]["write"]) == (True, False)
        assert me["may"]["production"]["propose"]

        await admin.ask("environment.protect", env="production", protected=False)

        async def open_now() -> bool:
            return bool((await wire.ask("whoami"))["may"]["production"]["write"])

        await eventually(open_now)
