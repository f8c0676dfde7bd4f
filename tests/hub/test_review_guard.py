"""What waits in a review passes what every change passes: secrets stay sealed, constraints and size are looked at."""

import json
import logging
from collections.abc import AsyncGenerator
from typing import Any, TypeAlias
from uuid import UUID, uuid4

import asyncpg
import pytest

from setpoint.errors import RequestFailed
from setpoint_hub.errors import StartRefused
from setpoint_hub.plan import Active, Step
from setpoint_hub.rotation import rotate
from setpoint_hub.sealing import Place, new_master_key, read_master_key, seal_value
from setpoint_hub.settings import HubSettings
from setpoint_hub.store.guard import Passed
from setpoint_hub.store.intents import Author, Intent, Locked
from setpoint_hub.store.keyrings import Keyrings
from setpoint_hub.store.keys import Key
from setpoint_hub.store.proposals import Proposals, Proposed
from support.hubs import Hubs, RunningHub, issue_token, running_hub
from support.waiting import eventually
from support.wire import Wire

Database: TypeAlias = "asyncpg.Connection[asyncpg.Record]"

CLEAR = "hunter2-correct-horse"
API_KEY = {"namespace": "payments", "key": "api_key"}
RETRIES = {"namespace": "payments", "key": "max_retries"}
PRODUCTION = {"env": "production", "note": "the provider asks for it"}
OLD, NEW = new_master_key(), new_master_key()

_TABLES = "SELECT table_name FROM information_schema.tables WHERE table_schema = 'public'"


@pytest.fixture
async def keeping(hubs: Hubs) -> RunningHub:
    """A hub with a master key."""
    return await hubs.start(master_key=OLD)


@pytest.fixture
async def operator(keeping: RunningHub) -> AsyncGenerator[Wire]:
    """An admin's connection, where the secret `payments/api_key` exists without a value."""
    async with keeping.connect() as wire:
        await wire.ask("key.create", **API_KEY, type="string", secret=True)
        yield wire


@pytest.fixture
async def bob(keeping: RunningHub, database_url: str) -> AsyncGenerator[Wire]:
    """An approver's connection."""
    token, _ = await issue_token(database_url, name="bob", role="approver")
    async with keeping.connect_once_known(token) as wire:
        yield wire


async def propose(wire: Wire, change: dict[str, Any], **others: Any) -> int:
    refused = await wire.refusal("set", changes=[change], **{**PRODUCTION, **others})
    assert refused.kind == "review_required", refused.message
    return int(refused.data["review"])


async def dump(database: Database) -> str:
    """Return every row of every table, as text."""
    tables = [row["table_name"] for row in await database.fetch(_TABLES)]
    rows = [row for name in tables for row in await database.fetch(f'SELECT * FROM "{name}"')]  # noqa: S608
    values = [value for row in rows for value in row.values()]
    return "\n".join(value.decode("latin-1") if isinstance(value, bytes) else str(value) for value in values)


async def test_a_secret_waits_sealed_is_shown_as_its_mark_and_opens_once_applied(
    keeping: RunningHub, operator: Wire, bob: Wire, database: Database, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG)
    caplog.set_level(logging.CRITICAL, logger="websockets")
    await operator.set(CLEAR, "api_key", env="development")
    mark = (await operator.ask("key.get", **API_KEY))["environments"]["development"]["value"]
    number = await propose(operator, {**API_KEY, "value": CLEAR})
    said = [
        await bob.ask("review.get", review=number),
        await bob.ask("review.list"),
        await bob.ask("review.approve", review=number),
        await operator.ask("review.apply", review=number),
        await operator.ask("review.get", review=number),
    ]
    # The same value has the same mark wherever it is: so whoever approves sees which one it is.
    assert [one["new"] for one in said[0]["changes"]] == [mark]
    assert CLEAR not in json.dumps(said)
    assert CLEAR not in await dump(database)
    assert CLEAR not in caplog.text
    held = (await keeping.get("/v1/snapshot?env=production&namespace=payments")).json
    assert held["namespaces"]["payments"]["api_key"]["value"] == CLEAR
    assert (await operator.ask("secret.reveal", env="production", **API_KEY))["value"] == CLEAR


async def test_a_secret_that_is_moved_to_another_review_is_not_applied(
    operator: Wire, bob: Wire, database: Database
) -> None:
    first = await propose(operator, {**API_KEY, "value": CLEAR})
    second = await propose(operator, {**API_KEY, "value": "another"})
    await database.execute("ALTER TABLE ReviewEdit DISABLE TRIGGER ALL")
    await database.execute(
        """UPDATE ReviewEdit x SET value = y.value, wrapped_key = y.wrapped_key, master_key = y.master_key
           FROM ReviewEdit y WHERE x.review_id = $1 AND y.review_id = $2""",
        second,
        first,
    )
    refused = await bob.refusal("review.approve", review=second)
    assert (refused.kind, "does not open" in refused.message) == ("invalid_value", True)


async def test_the_database_keeps_what_waits_sealed_whoever_writes(operator: Wire, database: Database) -> None:
    number = await propose(operator, {**API_KEY, "value": CLEAR})
    await database.execute("ALTER TABLE ReviewEdit DISABLE TRIGGER append_only")
    await database.execute("DELETE FROM ReviewEdit")
    with pytest.raises(asyncpg.CheckViolationError, match="sealed"):
        await database.execute(
            """INSERT INTO ReviewEdit (review_id, key_id, version_id, value, is_new)
               SELECT $1, key_id, gen_random_uuid(), '"clear"', true FROM ConfigKey WHERE secret""",
            number,
        )


async def test_what_waited_over_a_rotation_is_applied_under_the_new_key(
    hubs: Hubs, operator: Wire, bob: Wire, database: Database
) -> None:
    number = await propose(operator, {**API_KEY, "value": CLEAR})
    await bob.ask("review.approve", review=number)
    both = HubSettings(database_url=hubs.database_url, redis_url=hubs.redis_url, master_key=f"{NEW},{OLD}")
    async with running_hub(hubs.database_url, hubs.redis_url, hubs.token, master_key=f"{NEW},{OLD}") as other:
        assert (await rotate(both)).startswith("1 keys")
        moved = await database.fetchval("SELECT master_key FROM ReviewEdit")
        assert moved == await database.fetchval("SELECT master_key FROM SecretKeyring")
        async with other.connect() as wire:
            await wire.ask("review.apply", review=number)
            assert (await wire.ask("secret.reveal", env="production", **API_KEY))["value"] == CLEAR
    used = await database.fetchval("SELECT master_key FROM ConfigVersion WHERE wrapped_key IS NOT NULL")
    assert used == await database.fetchval("SELECT master_key FROM SecretKeyring")


async def test_a_rotation_passes_a_review_that_would_bring_back_the_secret_of_another(
    hubs: Hubs, operator: Wire, bob: Wire, database: Database
) -> None:
    for clear in (CLEAR, "another"):
        number = await propose(operator, {**API_KEY, "value": clear})
        await bob.ask("review.approve", review=number)
        await operator.ask("review.apply", review=number)
    refused = await operator.refusal("rollback", **PRODUCTION, change_set=2)
    assert refused.kind == "review_required", refused.message
    await bob.ask("review.approve", review=refused.data["review"])
    both = HubSettings(database_url=hubs.database_url, redis_url=hubs.redis_url, master_key=f"{NEW},{OLD}")
    assert (await rotate(both)).startswith("4 keys")
    renewed = running_hub(hubs.database_url, hubs.redis_url, hubs.token, master_key=NEW)
    async with renewed as other, other.connect() as wire:
        await wire.ask("review.apply", review=refused.data["review"])
        assert (await wire.ask("secret.reveal", env="production", **API_KEY))["value"] == CLEAR
    assert {row["master_key"] for row in await database.fetch("SELECT master_key FROM ConfigVersion")} == {
        read_master_key(NEW).id
    }


async def test_a_hub_that_lacks_the_key_of_what_waits_does_not_start(
    hubs: Hubs, operator: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    await propose(operator, {**API_KEY, "value": CLEAR})

    async def cut_short(*_: object) -> int:
        return 0

    monkeypatch.setattr(Keyrings, "_rewrap_waiting", cut_short)
    await rotate(HubSettings(database_url=hubs.database_url, redis_url=hubs.redis_url, master_key=f"{NEW},{OLD}"))
    with pytest.raises(StartRefused, match=read_master_key(OLD).id):
        async with running_hub(hubs.database_url, hubs.redis_url, hubs.token, master_key=NEW):
            pass


async def test_what_is_applied_in_the_midst_of_a_rotation_is_sealed_under_the_new_key(
    hubs: Hubs, operator: Wire, bob: Wire, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    number = await propose(operator, {**API_KEY, "value": CLEAR})
    await bob.ask("review.approve", review=number)

    async def not_yet(*_: object) -> int:
        return 0

    monkeypatch.setattr(Keyrings, "_rewrap_waiting", not_yet)
    await rotate(HubSettings(database_url=hubs.database_url, redis_url=hubs.redis_url, master_key=f"{NEW},{OLD}"))
    both = running_hub(hubs.database_url, hubs.redis_url, hubs.token, master_key=f"{NEW},{OLD}")
    async with both as other, other.connect() as wire:
        await wire.ask("review.apply", review=number)
    used = await database.fetchval("SELECT master_key FROM ConfigVersion WHERE wrapped_key IS NOT NULL")
    assert used == read_master_key(NEW).id


async def test_what_was_sealed_under_a_key_that_a_rotation_has_left_is_not_proposed(
    keeping: RunningHub, operator: Wire, database: Database
) -> None:
    who = await operator.ask("whoami")
    intent = Intent("production", "set", "why", Author(who["user"]["id"], UUID(who["token"])), None, bytes(32))
    key = Key(await database.fetchval("SELECT key_id FROM ConfigKey"), **API_KEY, type="string", secret=True)
    place = Place("production", key.id, uuid4())
    sealed = seal_value(f'"{CLEAR}"', place, read_master_key(NEW), bytes(32))
    step = Step(key, None, Active(place.version, sealed.text, sealed.wrapped), is_new=True)
    proposed = Proposed(Locked("production", 0, protected=True, required_approvals=1), [step], None, Passed("", ()))
    with pytest.raises(RequestFailed, match="ask again"):
        await Proposals(keeping.hub._database, on_made=lambda: None).propose(intent, uuid4(), proposed)
    assert await database.fetchval("SELECT count(*) FROM Review") == 0


async def test_a_secret_that_was_set_for_a_time_goes_back_to_the_one_before(operator: Wire, database: Database) -> None:
    await operator.set("before", "api_key")
    await operator.set(CLEAR, "api_key", expires_in=3600)
    await database.execute("UPDATE Deadline SET due_at = clock_timestamp()")

    async def is_back() -> bool:
        return await operator.revision() == 3

    await eventually(is_back)
    assert (await operator.ask("secret.reveal", env="staging", **API_KEY))["value"] == "before"


async def test_a_value_that_breaks_its_constraints_is_no_review(operator: Wire) -> None:
    await operator.ask("key.create", **RETRIES, type="int", constraints={"maximum": 9})
    refused = await operator.refusal("set", changes=[{**RETRIES, "value": 10}], **PRODUCTION)
    assert refused.kind == "invalid_value"
    assert (await operator.ask("review.list"))["reviews"] == []


async def test_constraints_are_looked_at_again_when_it_is_approved_and_applied(operator: Wire, bob: Wire) -> None:
    await operator.ask("key.create", **RETRIES, type="int")
    early, late = [await propose(operator, {**RETRIES, "value": 10}) for _ in range(2)]
    await bob.ask("review.approve", review=early)
    await operator.ask("key.update", **RETRIES, constraints={"maximum": 9})
    for wire, method, number in ((bob, "review.approve", late), (operator, "review.apply", early)):
        refused = await wire.refusal(method, review=number)
        assert (refused.kind, "9" in refused.message) == ("invalid_value", True), method
    assert (await operator.ask("review.get", review=late))["approvals"]["given"] == 0
    assert await operator.revision("production") == 0


async def test_a_constraint_that_is_broken_as_before_is_among_the_checks(operator: Wire) -> None:
    await operator.ask("key.create", **RETRIES, type="int")
    await operator.set(20, **PRODUCTION, break_glass=True)
    await operator.ask("key.update", **RETRIES, constraints={"maximum": 9}, force=True)
    number = await propose(operator, {**RETRIES, "value": 21})
    checks = {one["name"]: one["detail"] for one in (await operator.ask("review.get", review=number))["checks"]}
    assert "payments/max_retries" in checks["constraints"]
    assert "as before" in checks["constraints"]


async def test_a_change_of_a_large_part_is_forced_by_its_author_and_then_only_approved(
    operator: Wire, bob: Wire
) -> None:
    names = [f"key{number}" for number in range(24)]
    for name in names:
        await operator.create_key(name)
    changes = [{"namespace": "payments", "key": name, "value": 1} for name in names]
    await operator.ask("set", changes=changes, **PRODUCTION, break_glass=True)
    every = [{**change, "value": 2} for change in changes]
    assert (await operator.refusal("set", changes=every, **PRODUCTION)).kind == "too_large"
    refused = await operator.refusal("set", changes=every, **PRODUCTION, force=True)
    number = refused.data["review"]
    shown = await bob.ask("review.get", review=number)
    assert shown["how"] == "set, forced: 24 of 24 keys"
    size = {"name": "size", "ok": True, "detail": "24 of 24 keys at once: forced by its author"}
    assert size in shown["checks"]
    assert size in (await operator.ask("review.rebase", review=number))["checks"]
    await bob.ask("review.approve", review=number)
    done = await operator.ask("review.apply", review=number)
    told = await operator.ask("change_set.get", env="production", revision=done["revision"])
    assert told["how"] == f"review {number}, forced: 24 of 24 keys"
