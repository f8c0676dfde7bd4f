"""Transactions that meet: none wait for each other in a circle, and the counters that all share are taken last."""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import replace
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest

from setpoint.errors import RequestFailed
from setpoint_hub.access import hash_token, new_token
from setpoint_hub.errors import DatabaseUnavailable
from setpoint_hub.plan import Active, Step
from setpoint_hub.rotation import rotate
from setpoint_hub.sealing import new_master_key
from setpoint_hub.settings import HubSettings
from setpoint_hub.store.deadlines import Due
from setpoint_hub.store.guard import Passed
from setpoint_hub.store.intents import Author, Intent, Locked
from setpoint_hub.store.keys import Key
from setpoint_hub.store.proposals import Proposals, Proposed
from support.hubs import Hubs, RunningHub, issue_token
from support.waiting import eventually
from support.wire import Wire

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

KEY = {"namespace": "payments", "key": "max_retries"}

_WAITING = """
    SELECT count(*) > 0 FROM pg_stat_activity
    WHERE datname = current_database() AND wait_event_type = 'Lock' AND pid <> pg_backend_pid()
"""
_COUNT = "UPDATE Installation SET review_revision = review_revision + 1"


@pytest.fixture
async def other(database_url: str) -> AsyncGenerator[Database]:
    """A second connection to the test's database, past the hub."""
    connection = await asyncpg.connect(database_url, timeout=10, command_timeout=10)
    yield connection
    await connection.close(timeout=5)


async def someone_waits(database: Database) -> bool:
    return bool(await database.fetchval(_WAITING))


async def a_proposal(wire: Wire) -> tuple[Intent, Proposed]:
    """Return what a write of 5 to `payments/max_retries` in production hands over once it is held."""
    key = (await wire.ask("key.get", namespace="payments", key="max_retries"))["key_id"]
    who = await wire.ask("whoami")
    intent = Intent("production", "set", "why", Author(who["user"]["id"], UUID(who["token"])), None, bytes(32))
    step = Step(Key(UUID(key), "payments", "max_retries", "int"), None, Active(uuid4(), "5"), is_new=True)
    locked = Locked("production", 0, protected=True, required_approvals=1)
    return intent, Proposed(locked, [step], None, Passed("", ()))


async def test_a_hub_that_registers_its_admin_holds_up_nothing_that_the_admin_does(
    hub: RunningHub, database: Database, other: Database
) -> None:
    async with database.transaction():
        await database.execute(_COUNT)
        registering = asyncio.create_task(hub.hub._accounts.add_admin(hash_token(new_token())))
        await eventually(lambda: someone_waits(other))
        # As whatever is put on record on the admin's account.
        await database.execute("SELECT FROM Account WHERE name = 'admin' FOR KEY SHARE")
    await registering


async def test_a_proposal_takes_the_counter_of_reviews_only_when_nothing_else_is_waited_for(
    hub: RunningHub, wire: Wire, database: Database, other: Database
) -> None:
    intent, proposed = await a_proposal(wire)
    proposals = Proposals(hub.hub._database, on_made=lambda: None)
    async with database.transaction():
        # As who changes what a key is for.
        await database.execute("SELECT FROM ConfigKey FOR UPDATE")
        proposing = asyncio.create_task(proposals.propose(intent, uuid4(), proposed))
        await eventually(lambda: someone_waits(other))
        await other.execute("SET lock_timeout = '1s'")
        await other.execute(_COUNT)
    assert (await proposing).env == "production"


async def test_a_write_that_meets_new_constraints_is_judged_by_them(
    wire: Wire, database: Database, other: Database
) -> None:
    async with database.transaction():
        await database.execute("""UPDATE ConfigKey SET constraints = '{"minimum":10}'""")
        writing = asyncio.create_task(wire.refusal("set", env="staging", changes=[{**KEY, "value": 5}]))
        await eventually(lambda: someone_waits(other))
    assert (await writing).kind == "invalid_value"


async def test_what_was_confirmed_is_not_taken_back_by_a_hub_that_found_it_due(
    hub: RunningHub, wire: Wire, database: Database
) -> None:
    await wire.set(5, confirm_within=3600)
    await wire.ask("change.confirm", env="staging", revision=1)
    row = await database.fetchrow("SELECT changed_by, token_id, note FROM ChangeSet")
    assert row is not None
    due = Due("staging", 1, "confirmation", Author(row["changed_by"], row["token_id"]), row["note"])
    assert await hub.hub._timetable._reverting.revert(due) is None
    assert await wire.revision() == 1


async def test_who_gives_way_in_a_circle_is_told_that_it_may_try_again(hub: RunningHub, database: Database) -> None:
    taken = asyncio.Event()

    async def in_the_other_order() -> None:
        async with hub.hub._database.transaction() as connection:
            await connection.run("UPDATE Environment SET position = position WHERE env = 'staging'")
            taken.set()
            await connection.run("UPDATE Environment SET position = position WHERE env = 'production'")

    # This one waits for long before it looks for a circle, so the other gives way.
    await database.execute("SET deadlock_timeout = '5s'")
    async with database.transaction():
        await database.execute("UPDATE Environment SET position = position WHERE env = 'production'")
        meeting = asyncio.create_task(in_the_other_order())
        await taken.wait()
        await database.execute("UPDATE Environment SET position = position WHERE env = 'staging'")
    with pytest.raises(DatabaseUnavailable, match="deadlock"):
        await meeting


@pytest.mark.parametrize("differs", ["nothing", "what was asked", "who asked"])
async def test_a_request_that_two_hubs_propose_at_once_is_one_review_and_another_is_none(
    hub: RunningHub, wire: Wire, database: Database, differs: str
) -> None:
    proposal, proposed = await a_proposal(wire)
    proposals, request_id = Proposals(hub.hub._database, on_made=lambda: None), uuid4()
    made = await proposals.propose(proposal, request_id, proposed)
    _, other_token = await issue_token(hub.owner_url, name="bob", role="editor")
    bob = Author(await database.fetchval("SELECT user_id FROM Account WHERE name = 'bob'"), other_token)
    again = {
        "nothing": proposal,
        "what was asked": replace(proposal, fingerprint=bytes([1] * 32)),
        "who asked": replace(proposal, author=bob),
    }[differs]
    if differs == "nothing":
        assert await proposals.propose(again, request_id, proposed) == made
    else:
        with pytest.raises(RequestFailed, match="another request"):
            await proposals.propose(again, request_id, proposed)
    assert await database.fetchval("SELECT count(*) FROM Review") == 1


@pytest.mark.parametrize("last", [0, 1])
async def test_a_rotation_waits_for_one_waiting_secret_at_a_time(
    hubs: Hubs, database: Database, other: Database, last: int
) -> None:
    old, new = new_master_key(), new_master_key()
    hub = await hubs.start(master_key=old)
    async with hub.connect() as wire:
        changes: list[dict[str, Any]] = []
        for key in ("a", "b"):
            await wire.ask("key.create", namespace="payments", key=key, type="string", secret=True)
            changes.append({"namespace": "payments", "key": key, "value": "hunter2"})
        await wire.refusal("set", env="production", changes=changes, note="the provider asks for it")
    edits = [row["key_id"] for row in await database.fetch("SELECT key_id FROM ReviewEdit ORDER BY ctid")]
    settings = HubSettings(database_url=hubs.database_url, redis_url=hubs.redis_url, master_key=f"{new},{old}")
    async with database.transaction():
        # As a rebase, which takes its edits in an order of its own.
        for key_id in (edits[last], edits[1 - last]):
            await database.execute("UPDATE ReviewEdit SET base_version_id = NULL WHERE key_id = $1", key_id)
            if key_id == edits[last]:
                rotating = asyncio.create_task(rotate(settings))
                await eventually(lambda: someone_waits(other))
    assert (await rotating).startswith("2 keys")
