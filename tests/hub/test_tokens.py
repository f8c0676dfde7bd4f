"""Users and tokens: given within what the giver has, shown once, taken back everywhere within seconds."""

import asyncio
from collections.abc import Sequence
from contextlib import AsyncExitStack, suppress
from itertools import count
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest
from websockets.exceptions import ConnectionClosed

from setpoint_hub.access import Access, Principal, hash_token
from setpoint_hub.roles import Role
from setpoint_hub.schema import SCHEMA_VERSION, apply_schema
from setpoint_hub.scopes import Scope
from support.hubs import Hubs, RunningHub, issue_token
from support.tokens import give_token, token_of
from support.waiting import eventually
from support.wire import Wire, http

Database = "asyncpg.Connection[asyncpg.Record]"

SNAPSHOT = "/v1/snapshot?env=staging&namespace=payments"
READER = {"role": "reader", "environments": ["staging"], "namespaces": ["payments"]}

_AS_VERSION_1 = """
    ALTER TABLE Token DROP COLUMN created_by, DROP COLUMN last_used_at,
        ALTER COLUMN environments SET DEFAULT '{*}', ALTER COLUMN namespaces SET DEFAULT '{*}';
    ALTER TABLE ConfigWatch DROP COLUMN user_id;
    UPDATE Installation SET schema_version = 1;
    INSERT INTO Account (name) VALUES ('veteran');
"""
_OLD_TOKEN = "INSERT INTO Token (user_id, token_hash, role) SELECT user_id, $1, 'editor' FROM Account WHERE name = $2"


@pytest.fixture
async def admin(wire: Wire) -> Wire:
    """The admin's connection."""
    return wire


async def give(admin: Wire, **others: object) -> Any:
    """Give a reader's token to a user that may be new, unless told otherwise."""
    return await admin.ask("token.create", **{"user": "ci", "create_user": True, **READER, **others})


async def test_a_token_is_shown_once_and_works_at_once(hub: RunningHub, admin: Wire) -> None:
    user = await admin.ask("user.create", name="ci")
    given = await admin.ask("token.create", user="ci", **READER)
    assert given["token"].startswith("sp_")
    assert (given["user"], given["role"]) == ({"id": user["id"], "name": "ci"}, "reader")
    assert (given["environments"], given["namespaces"]) == (["staging"], ["payments"])
    assert given["created_by"]["name"] == "admin"
    assert (given["expires_at"], given["last_used_at"], given["revoked_at"]) == (None, None, None)
    assert (await http(hub.address, SNAPSHOT, token=given["token"])).status == 200
    listed = await admin.ask("token.list")
    assert {key: value for key, value in given.items() if key != "token"} in listed["tokens"]
    assert given["token"] not in str(listed)


async def test_users_are_listed_by_name_and_made_once(admin: Wire) -> None:
    await admin.ask("user.create", name="zoë")
    await admin.ask("user.create", name="bob")
    assert [user["name"] for user in (await admin.ask("user.list"))["users"]] == ["admin", "bob", "zoë"]
    assert (await admin.refusal("user.create", name="bob")).kind == "conflict"


@pytest.mark.parametrize("name", ["", " bob", "bob\n", "b\x00b", "n" * 101, "\x1b[31m", 5, None])
async def test_a_name_that_nobody_can_have_is_refused(admin: Wire, name: object) -> None:
    refused = await admin.refusal("user.create", name=name)
    assert refused.code == -32602
    assert len((await admin.ask("user.list"))["users"]) == 1


async def test_a_token_for_a_user_that_is_none_says_how_to_make_one(admin: Wire) -> None:
    refused = await admin.refusal("token.create", user="nobody", **READER)
    assert refused.kind == "not_found"
    assert "setpoint user create" in refused.message


async def test_a_token_for_an_environment_that_is_none_is_refused(admin: Wire) -> None:
    refused = await admin.refusal("token.create", user="admin", **{**READER, "environments": ["prodction"]})
    assert refused.kind == "not_found"
    assert "prodction" in refused.message


@pytest.mark.parametrize(
    "wrong",
    [
        {"role": "root"},
        {"role": "ADMIN"},
        {"environments": []},
        {"namespaces": []},
        {"environments": "staging"},
        {"namespaces": ["te*"]},
        {"namespaces": ["pay ments"]},
        {"namespaces": ["*", ""]},
        {"namespaces": ["n"] * 101},
        {"environments": ["e" * 21]},
        {"environments": ["staging,production"]},
        {"expires_in": 0},
        {"expires_in": -5},
        {"expires_in": 1.5},
        {"expires_in": 10**12},
        {"expires_in": "30d"},
        {"create_user": "yes"},
    ],
    ids=str,
)
async def test_a_token_that_cannot_be_is_refused(admin: Wire, wrong: dict[str, object]) -> None:
    refused = await admin.refusal("token.create", **{"user": "admin", **READER, **wrong})
    assert refused.code == -32602
    assert len((await admin.ask("token.list"))["tokens"]) == 1


@pytest.mark.parametrize("missing", ["user", "role", "environments", "namespaces"])
async def test_nothing_of_a_token_has_a_default(admin: Wire, missing: str) -> None:
    params = {name: value for name, value in {"user": "admin", **READER}.items() if name != missing}
    assert (await admin.refusal("token.create", **params)).code == -32602


@pytest.mark.parametrize(
    ("environments", "namespaces"),
    [(["*"], ["pay"]), (["staging", "production"], ["pay"]), (["staging"], ["*"]), (["staging"], ["team.*"])],
)
async def test_nobody_gives_more_than_they_have(
    hub: RunningHub, environments: Sequence[str], namespaces: Sequence[str]
) -> None:
    bound = await token_of(hub, "admin", ["staging"], ["pay", "team.a.*"])
    async with hub.connect(bound) as wire:
        asked = {"user": "x", "role": "reader", "create_user": True}
        refused = await wire.refusal(
            "token.create", environments=list(environments), namespaces=list(namespaces), **asked
        )
        assert refused.kind == "forbidden"
        assert "x" not in [user["name"] for user in (await wire.ask("user.list"))["users"]]
        within = await wire.ask("token.create", environments=["staging"], namespaces=["team.a.b.*", "pay"], **asked)
        assert within["namespaces"] == ["pay", "team.a.b.*"]


async def test_a_bound_admin_neither_sees_nor_revokes_what_reaches_beyond(hub: RunningHub, admin: Wire) -> None:
    beyond, within = await give(admin, namespaces=["payments"]), await give(admin, namespaces=["pay"])
    async with hub.connect(await token_of(hub, "admin", ["staging"], ["pay"])) as bound:
        listed = [token["id"] for token in (await bound.ask("token.list", all=True))["tokens"]]
        assert within["id"] in listed
        assert beyond["id"] not in listed
        refused, unknown = (
            await bound.refusal("token.revoke", id=beyond["id"]),
            await bound.refusal("token.revoke", id=str(uuid4())),
        )
        assert refused.kind == unknown.kind == "not_found"
        assert unknown.message.split()[5:] == refused.message.split()[5:]
        assert (await bound.ask("token.revoke", id=within["id"]))["revoked_at"]
    assert (await http(hub.address, SNAPSHOT, token=beyond["token"])).status == 200


@pytest.mark.parametrize("method", ["environment.create", "environment.protect"])
async def test_what_all_namespaces_share_is_not_for_an_admin_of_some(hub: RunningHub, method: str) -> None:
    params: dict[str, object] = {"env": "staging", "protected": False}
    async with hub.connect(await token_of(hub, "admin", ["*"], ["team.*"])) as bound:
        refused = await bound.refusal(method, **params)
        assert (refused.kind, refused.data["needs"]) == ("forbidden", {"namespace": "*"})


async def test_a_revoked_token_loses_its_connections_on_every_hub(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2)
    given = await give_token(first, "reader")
    async with AsyncExitStack() as stack:
        one = await stack.enter_async_context(first.connect(given["token"]))
        two = await stack.enter_async_context(second.connect_once_known(given["token"]))
        for name, wire in (("one", one), ("two", two)):
            await wire.watch(name)
        admin = await stack.enter_async_context(first.connect())
        assert (await admin.ask("token.revoke", id=given["id"]))["revoked_at"] is not None
        assert [(await wire.closed())[0] for wire in (one, two)] == [4401, 4401]
        assert (await admin.ask("token.revoke", id=given["id"]))["id"] == given["id"]
        assert given["id"] not in str(await admin.ask("token.list"))
        assert given["id"] in str(await admin.ask("token.list", all=True))
    for hub in (first, second):
        assert (await http(hub.address, SNAPSHOT, token=given["token"])).status == 401


async def test_a_token_whose_reach_was_changed_has_to_come_in_anew(hub: RunningHub, database: Any) -> None:
    given = await give_token(hub, "reader")
    async with hub.connect(given["token"]) as wire:
        await wire.watch()
        async with database.transaction():
            await database.execute("UPDATE Installation SET access_revision = access_revision + 1")
            await database.execute("UPDATE Token SET environments = '{production}' WHERE token_id = $1", given["id"])
        assert (await wire.closed())[0] == 4401
    assert (await http(hub.address, SNAPSHOT, token=given["token"])).status == 403


async def test_a_revoked_token_cannot_write_on_to_keep_its_connection(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2)
    async with first.connect() as admin:
        await admin.create_key()
        given = await give(admin, role="editor")
        async with second.connect_once_known(given["token"]) as wire:

            async def write_on() -> None:
                # Each write is a hint, which comes before the next look at everything is due.
                with suppress(ConnectionError, ConnectionClosed):
                    for value in count():
                        await wire.set(value)

            writing = asyncio.create_task(write_on())
            await admin.ask("token.revoke", id=given["id"])
            assert (await wire.closed())[0] == 4401
            await writing


async def test_who_revokes_their_own_token_is_answered_first(hub: RunningHub, admin: Wire) -> None:
    given = await give_token(hub, "admin", user="second")
    async with hub.connect(given["token"]) as wire:
        assert (await wire.ask("token.revoke", id=given["id"]))["revoked_at"]
        assert (await wire.closed())[0] == 4401
    assert (await admin.ask("whoami"))["user"]["name"] == "admin"


async def test_the_last_token_that_administers_everything_cannot_be_revoked(admin: Wire) -> None:
    me = await admin.ask("whoami")
    await give(admin, role="admin", environments=["*"])
    refused = await admin.refusal("token.revoke", id=me["token"])
    assert refused.kind == "conflict"
    await give(admin, role="admin", environments=["*"], namespaces=["*"])
    assert (await admin.ask("token.revoke", id=me["token"]))["revoked_at"]


async def test_tokens_that_have_expired_are_not_held_in_memory_for_ever(
    hub: RunningHub, admin: Wire, database: Any
) -> None:
    given = await give(admin, expires_in=60)
    known = await hub.hub._accounts.valid_tokens()
    await database.execute("UPDATE Token SET expires_at = created_at WHERE token_id = $1", given["id"])
    left = await hub.hub._accounts.valid_tokens()
    assert {str(known[token].token_id) for token in known.keys() - left.keys()} == {given["id"]}


async def test_an_expired_token_is_listed_as_such_only_when_asked_for(admin: Wire, database: Any) -> None:
    given = await give(admin, expires_in=60)
    assert given["expires_at"] > given["created_at"]
    await database.execute("UPDATE Token SET expires_at = created_at WHERE token_id = $1", given["id"])
    assert given["id"] not in str(await admin.ask("token.list", user="ci"))
    assert given["id"] in str(await admin.ask("token.list", user="ci", all=True))


async def test_the_last_use_is_written_once_for_many_and_also_while_a_connection_is_open(
    hubs: Hubs, database: Any
) -> None:
    hub, other = await hubs.start_many(2, token_use_seconds=0.1)
    busy, idle = await give_token(hub, "reader", user="busy"), await give_token(hub, "reader", user="idle")
    uses = "SELECT last_used_at FROM Token WHERE token_id = $1"

    async def used(token: dict[str, Any]) -> Any:
        return await database.fetchval(uses, token["id"])

    await eventually(lambda: other.hub._access._by_id.get(UUID(busy["id"])))
    async with hub.connect(busy["token"]), other.connect(busy["token"]):
        first = await eventually(lambda: used(busy))

        async def used_again() -> bool:
            return bool(await used(busy) > first)

        await eventually(used_again)
    assert await used(idle) is None
    await http(hub.address, SNAPSHOT, token=idle["token"])
    await eventually(lambda: used(idle))


async def test_the_last_use_is_not_written_for_each_request(hubs: Hubs, database: Any) -> None:
    hub = await hubs.start(token_use_seconds=3600)
    given = await give_token(hub, "reader")
    for _ in range(20):
        await http(hub.address, SNAPSHOT, token=given["token"])
    assert await database.fetchval("SELECT last_used_at FROM Token WHERE token_id = $1", given["id"]) is None
    await hubs.stop()
    assert await database.fetchval("SELECT last_used_at FROM Token WHERE token_id = $1", given["id"]) is not None


async def test_tokens_that_are_given_at_the_same_time_all_work_at_once(hub: RunningHub) -> None:
    async with hub.connect() as admin:
        given = await asyncio.gather(*(give(admin, user=f"user-{number % 5}") for number in range(20)))
    for token in given:
        assert (await http(hub.address, SNAPSHOT, token=token["token"])).status == 200


async def test_a_database_of_version_1_keeps_its_tokens(database: Any, database_url: str, hubs: Hubs) -> None:
    await database.execute(_AS_VERSION_1)
    token = "sp_" + "v" * 43
    await database.execute(_OLD_TOKEN, hash_token(token), "veteran")
    await apply_schema(database_url)
    assert await database.fetchval("SELECT schema_version FROM Installation") == SCHEMA_VERSION
    hub = await hubs.start()
    async with hub.connect(token) as wire:
        me = await wire.ask("whoami")
        assert (me["role"], me["environments"], me["namespaces"]) == ("editor", ["*"], ["*"])
    with pytest.raises(asyncpg.NotNullViolationError):
        await database.execute(_OLD_TOKEN, bytes(32), "veteran")


def test_a_hash_that_only_the_table_finds_is_compared_in_full() -> None:
    bob = Principal(1, "bob", uuid4(), Role.READER, Scope.of(["*"]), Scope.of(["*"]), None)

    class Colliding(bytes):
        """A hash that a table takes for any other."""

        def __hash__(self) -> int:
            return hash(hash_token("sp_shown"))

        def __eq__(self, other: object) -> bool:
            return True

    access = Access()
    access.replace({Colliding(hash_token("sp_stored")): bob})
    now: Any = None
    assert access.principal("sp_shown", now=now) is None
    access.replace({hash_token("sp_shown"): bob})
    assert access.principal("sp_shown", now=now) is bob


async def test_another_users_client_id_cannot_be_taken_over(hub: RunningHub) -> None:
    mine, other = await give_token(hub, "reader", user="mine"), await give_token(hub, "reader", user="other")
    async with hub.connect(mine["token"]) as service, hub.connect(other["token"]) as intruder:
        await service.watch("service-1", env="production")
        refused = await intruder.refusal(
            "watch", client_id="service-1", service="x", env="staging", namespaces=["payments"]
        )
        assert refused.kind == "forbidden"
        await service.ask("whoami")
        # Anew by the same user's token it is, whatever the token.
        again = await give_token(hub, "reader", user="mine")
        async with hub.connect(again["token"]) as newer:
            await newer.watch("service-1", env="production")
            assert (await service.closed())[0] == 4409


async def test_another_users_client_id_cannot_be_taken_over_through_another_hub(hubs: Hubs, database: Any) -> None:
    first, second = await hubs.start_many(2, heartbeat_seconds=0.2)
    mine, other = await give_token(first, "reader", user="mine"), await give_token(first, "reader", user="other")
    await eventually(lambda: second.hub._access._by_id.get(UUID(other["id"])))
    row = "SELECT env, connected FROM ConfigWatch WHERE client_id = 'service-1'"
    async with first.connect(mine["token"]) as service, second.connect(other["token"]) as intruder:
        await service.watch("service-1", env="production")
        await eventually(lambda: database.fetchrow(row))
        poll = {"Setpoint_Client_Id": "service-1", "Setpoint_Service": "x", "Setpoint_Revision": "0"}
        assert (await http(second.address, SNAPSHOT, token=other["token"], **poll)).status == 200
        await intruder.watch("service-1", env="staging")
        assert (await intruder.closed())[0] == 4409
        await service.heartbeat(0, status="refused", error="still here")
        told = "SELECT error FROM ConfigWatch WHERE client_id = 'service-1'"
        assert await eventually(lambda: database.fetchval(told)) == "still here"
        assert dict(await database.fetchrow(row)) == {"env": "production", "connected": True}
        await service.ask("whoami")


async def test_a_token_that_reaches_nothing_is_shown_nothing(database_url: str, hub: RunningHub) -> None:
    token, token_id = await issue_token(database_url, name="bob", role="reader", environments=[], namespaces=[])
    async with hub.connect_once_known(token) as wire:
        me = await wire.ask("whoami")
        assert (me["token"], me["environments"], me["may"]) == (str(token_id), [], {})
        assert (await wire.ask("environment.list"))["environments"] == []
        assert (await wire.ask("key.list"))["keys"] == []
