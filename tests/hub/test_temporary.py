"""Changes that take themselves back: in time, once, and only what nobody has changed since."""

import asyncio
from datetime import datetime, timedelta
from functools import partial
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from setpoint_hub.reverting import reversal_note
from setpoint_hub.review import NO_TERMS, Terms
from setpoint_hub.store import deadlines
from setpoint_hub.store.deadlines import Due, due_times
from setpoint_hub.store.keys import Key
from support.hubs import Hubs, RunningHub, issue_token, running_hub
from support.tokens import token_of
from support.waiting import eventually
from support.wire import Wire

KEY = {"namespace": "payments", "key": "max_retries"}
LONG = 3600

Database = asyncpg.Connection

_PASS = "UPDATE Deadline SET due_at = clock_timestamp() WHERE env = $1 AND revision = $2"
_OUTCOMES = "SELECT kind, outcome FROM Deadline WHERE settled_at IS NOT NULL ORDER BY env, revision, kind"


async def pass_time(database: "Database[asyncpg.Record]", revision: int, env: str = "staging") -> None:
    """Let the deadlines of a change be due now."""
    await database.execute(_PASS, env, revision)


async def outcomes(database: "Database[asyncpg.Record]") -> list[tuple[str, str]]:
    return [(row["kind"], row["outcome"]) for row in await database.fetch(_OUTCOMES)]


async def held(wire: Wire, env: str = "staging") -> dict[str, Any]:
    """Return what an environment holds in `payments`."""
    found = await wire.ask("snapshot", env=env, namespaces=["payments"])
    return {key: entry["value"] for key, entry in found["namespaces"]["payments"].items()}


async def reached(wire: Wire, revision: int, env: str = "staging") -> bool:
    return await wire.revision(env) >= revision


async def test_a_change_that_expires_takes_itself_back_as_a_new_revision(wire: Wire) -> None:
    await wire.set(3)
    done = await wire.set(5, expires_in=1, note="for the sale")
    at = (await wire.ask("change_set.get", env="staging", revision=2))["at"]
    due = datetime.fromisoformat(done["expires_at"])
    assert due - datetime.fromisoformat(at) == timedelta(seconds=1)
    await wire.watch()
    back = await wire.next()
    assert (back["revision"], back["namespaces"]["payments"]["max_retries"]["value"]) == (3, 3)
    told = await wire.ask("change_set.get", env="staging", revision=3)
    assert (told["how"], told["by"]["name"], told["note"]) == ("expiry of r2", "admin", "for the sale")
    assert datetime.fromisoformat(told["at"]) >= due
    assert (await wire.ask("temporary.list"))["changes"] == []


async def test_the_first_value_of_a_key_expires_to_none(wire: Wire, database: "Database[asyncpg.Record]") -> None:
    await wire.set(5, expires_in=LONG)
    await pass_time(database, 1)
    await eventually(lambda: reached(wire, 2))
    assert await held(wire) == {}


async def test_a_deletion_expires_to_the_value_before(wire: Wire, database: "Database[asyncpg.Record]") -> None:
    await wire.set(5)
    await wire.delete(expires_in=LONG)
    await pass_time(database, 2)
    await eventually(lambda: reached(wire, 3))
    assert await held(wire) == {"max_retries": 5}


async def test_what_was_changed_since_is_left_and_named(wire: Wire, database: "Database[asyncpg.Record]") -> None:
    await wire.create_key("other")
    await wire.set_all([{**KEY, "value": 5}, {**KEY, "key": "other", "value": 6}], expires_in=LONG, note="sale")
    await wire.set(7, "other")
    await pass_time(database, 1)
    await eventually(lambda: reached(wire, 3))
    assert await held(wire) == {"other": 7}
    told = await wire.ask("change_set.get", env="staging", revision=3)
    assert told["note"] == "sale; left as changed since: payments/other"


async def test_what_was_put_back_on_purpose_is_left(wire: Wire, database: "Database[asyncpg.Record]") -> None:
    version = (await wire.set(5, expires_in=LONG))["changes"][0]["version"]
    await wire.set(6)
    await wire.ask("rollback", env="staging", **KEY, version=version)
    await pass_time(database, 1)
    await eventually(lambda: settled(database))
    assert await outcomes(database) == [("expiry", "left")]
    assert (await wire.revision(), await held(wire)) == (3, {"max_retries": 5})


@pytest.mark.parametrize("order", [(2, 3), (3, 2)], ids=["the first ends first", "the second ends first"])
async def test_one_over_another_leaves_nothing_of_either(
    wire: Wire, database: "Database[asyncpg.Record]", order: tuple[int, int]
) -> None:
    await wire.set(1)
    await wire.set(2, expires_in=LONG)
    await wire.set(3, expires_in=LONG)
    for number, revision in enumerate(order, start=1):
        await pass_time(database, revision)
        await eventually(partial(number_settled, database, number))
    assert await held(wire) == {"max_retries": 1}
    assert (await wire.ask("audit.verify"))["ok"]


async def test_a_deletion_for_a_time_over_a_first_value_for_a_time_leaves_none(
    wire: Wire, database: "Database[asyncpg.Record]"
) -> None:
    await wire.set(2, expires_in=LONG)
    await wire.delete(expires_in=LONG)
    for revision in (1, 2):
        await pass_time(database, revision)
        await eventually(partial(number_settled, database, revision))
    assert (await outcomes(database), await wire.revision()) == ([("expiry", "left")] * 2, 2)


async def test_what_was_put_back_on_purpose_is_gone_back_to(wire: Wire, database: "Database[asyncpg.Record]") -> None:
    version = (await wire.set(5, expires_in=LONG))["changes"][0]["version"]
    await wire.set(6)
    await wire.ask("rollback", env="staging", **KEY, version=version)
    await pass_time(database, 1)
    await eventually(lambda: number_settled(database, 1))
    await wire.set(7, expires_in=LONG)
    await pass_time(database, 4)
    await eventually(lambda: number_settled(database, 2))
    assert await held(wire) == {"max_retries": 5}


async def number_settled(database: "Database[asyncpg.Record]", number: int) -> bool:
    return len(await outcomes(database)) == number


async def settled(database: "Database[asyncpg.Record]") -> bool:
    return bool(await outcomes(database))


async def test_a_confirmed_change_stays(wire: Wire, database: "Database[asyncpg.Record]") -> None:
    await wire.set(3)
    done = await wire.set(5, confirm_within=LONG)
    (waiting,) = (await wire.ask("temporary.list", env="staging"))["changes"]
    assert (waiting["revision"], waiting["kind"], waiting["keys"]) == (2, "confirmation", [KEY])
    assert waiting["due_at"] == done["confirm_by"]
    assert 0 < waiting["due_in_seconds"] <= LONG
    assert (await wire.ask("change.confirm", env="staging", revision=2))["revision"] == 2
    assert await outcomes(database) == [("confirmation", "confirmed")]
    assert (await wire.ask("temporary.list"))["changes"] == []
    refused = await wire.refusal("change.confirm", env="staging", revision=2)
    assert (refused.kind, "confirmed already" in refused.message) == ("conflict", True)


async def test_what_is_out_of_reach_takes_no_place_in_the_list(
    hub: RunningHub, wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(deadlines, "MOST_PENDING", 2)
    await wire.ask("key.create", namespace="search", key="size", type="int")
    for value in range(5):
        changes = [{"namespace": "search", "key": "size", "value": value}]
        await wire.ask("set", env="staging", changes=changes, note="", expires_in=LONG)
    for value in range(3):
        await wire.set(value, expires_in=2 * LONG)
    token = await token_of(hub, "reader", ["staging"], ["payments"])
    async with hub.connect_once_known(token) as narrow:
        for asked in ({}, {"env": "staging"}):
            listed = (await narrow.ask("temporary.list", **asked))["changes"]
            assert [one["revision"] for one in listed] == [6, 7]


async def test_a_change_that_is_not_confirmed_takes_itself_back(
    wire: Wire, database: "Database[asyncpg.Record]"
) -> None:
    await wire.set(3)
    await wire.set(5, confirm_within=LONG)
    await pass_time(database, 2)
    await eventually(lambda: reached(wire, 3))
    assert (await wire.ask("change_set.get", env="staging", revision=3))["how"] == "r2 was not confirmed"
    assert await held(wire) == {"max_retries": 3}
    assert (await wire.refusal("change.confirm", env="staging", revision=2)).kind == "conflict"


async def test_a_confirmation_after_its_time_is_refused_before_any_hub_has_looked(
    hub: RunningHub, wire: Wire, database: "Database[asyncpg.Record]", monkeypatch: pytest.MonkeyPatch
) -> None:
    async def none_yet(*_: object, **__: object) -> list[Due]:
        return []

    monkeypatch.setattr(hub.hub._deadlines, "due", none_yet)
    await wire.set(5, confirm_within=LONG)
    await pass_time(database, 1)
    refused = await wire.refusal("change.confirm", env="staging", revision=1)
    assert (refused.kind, "takes itself back now" in refused.message) == ("conflict", True)
    assert await outcomes(database) == []


async def test_what_waits_for_nothing_cannot_be_confirmed(wire: Wire) -> None:
    await wire.set(3)
    await wire.set(4, expires_in=LONG)
    for env, revision in (("staging", 1), ("staging", 2), ("staging", 99), ("nowhere", 1)):
        assert (await wire.refusal("change.confirm", env=env, revision=revision)).kind == "not_found"


async def test_confirmed_and_expired_are_two_terms(wire: Wire, database: "Database[asyncpg.Record]") -> None:
    await wire.set(5, expires_in=LONG, confirm_within=LONG)
    await wire.ask("change.confirm", env="staging", revision=1)
    await pass_time(database, 1)
    await eventually(lambda: reached(wire, 2))
    assert await outcomes(database) == [("confirmation", "confirmed"), ("expiry", "reverted")]


async def test_many_hubs_take_a_change_back_once(hubs: Hubs, database: "Database[asyncpg.Record]") -> None:
    first, *_ = await hubs.start_many(3)
    async with first.connect() as wire:
        await wire.create_key()
        for value in range(10):
            await wire.create_key(f"key{value}")
            await wire.set(value, f"key{value}", expires_in=LONG)
        await database.execute("UPDATE Deadline SET due_at = clock_timestamp()")
        await eventually(lambda: reached(wire, 20))
        assert await held(wire) == {}
        assert await wire.revision() == 20
    assert await outcomes(database) == [("expiry", "reverted")] * 10


async def test_what_was_due_while_every_hub_was_down_is_done_at_the_next_start(
    database_url: str, redis_url: str, admin_token: str, database: "Database[asyncpg.Record]"
) -> None:
    async with running_hub(database_url, redis_url, admin_token) as hub, hub.connect() as wire:
        await wire.create_key()
        await wire.set(3)
        await wire.set(5, expires_in=LONG)
    await pass_time(database, 2)
    async with running_hub(database_url, redis_url, admin_token) as hub, hub.connect() as wire:
        await eventually(lambda: reached(wire, 3))
        assert await held(wire) == {"max_retries": 3}


async def test_an_expiry_reaches_watchers_of_every_hub(hubs: Hubs, database: "Database[asyncpg.Record]") -> None:
    first, second = await hubs.start_many(2, poll_seconds=60)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        await one.watch("one")
        await two.watch("two")
        await one.set(5, expires_in=LONG)
        await pass_time(database, 1)
        for wire in (one, two):
            seen = [await wire.next(), await wire.next()]
            assert [change["revision"] for change in seen] == [1, 2]
            assert seen[1]["namespaces"] == {"payments": {"max_retries": None}}


async def test_racing_a_confirmation_and_its_end_have_one_outcome(
    hubs: Hubs, database: "Database[asyncpg.Record]"
) -> None:
    first, second = await hubs.start_many(2)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        await one.set(5, confirm_within=LONG)
        await asyncio.gather(
            pass_time(database, 1),
            *(wire.ask("change.confirm", env="staging", revision=1) for wire in (one, two) * 10),
            return_exceptions=True,
        )
        await eventually(lambda: settled(database))
        (outcome,) = await outcomes(database)
        is_confirmed = outcome == ("confirmation", "confirmed")
        assert await held(one) == ({"max_retries": 5} if is_confirmed else {})


async def test_in_a_protected_environment_the_end_was_approved_with_the_change(
    hub: RunningHub, wire: Wire, database: "Database[asyncpg.Record]", database_url: str
) -> None:
    token, _ = await issue_token(database_url, name="bob", role="approver")
    changes = [{**KEY, "value": 5}]
    asked = {"env": "production", "changes": changes, "note": "for the sale", "expires_in": LONG}
    number = (await wire.refusal("set", **asked)).data["review"]
    assert (await wire.ask("temporary.list"))["changes"] == []
    async with hub.connect_once_known(token) as bob:
        assert (await bob.ask("review.get", review=number))["expires_in"] == LONG
        await bob.ask("review.approve", review=number)
        done = await bob.ask("review.apply", review=number)
    (temporary,) = (await wire.ask("temporary.list"))["changes"]
    assert (temporary["due_at"], temporary["by"]["name"]) == (done["expires_at"], "bob")
    await pass_time(database, 1, "production")
    await eventually(lambda: reached(wire, 2, "production"))
    assert await held(wire, "production") == {}
    assert (await wire.ask("review.list", state="open"))["reviews"] == []


async def test_one_that_cannot_be_taken_back_does_not_hold_up_the_others(
    wire: Wire, database: "Database[asyncpg.Record]", caplog: pytest.LogCaptureFixture
) -> None:
    await wire.create_key("other")
    await wire.set(5, expires_in=LONG)
    await wire.set(5, "other", expires_in=LONG)
    # A version that came in past every hub is active, and is not the one that the log knows.
    await database.execute(
        "UPDATE ConfigVersion SET is_active = false WHERE value = '5' AND key_id = $1", await key_id(database)
    )
    await database.execute(
        "INSERT INTO ConfigVersion (key_id, value, env, is_active, changed_by) SELECT $1, '9', 'staging', true, 1",
        await key_id(database),
    )
    await database.execute("ALTER TABLE ConfigVersion ADD CONSTRAINT kept CHECK (is_active OR value <> '9')")
    await database.execute("UPDATE Deadline SET due_at = clock_timestamp()")
    await eventually(lambda: reached(wire, 3))
    assert await outcomes(database) == [("expiry", "reverted")]
    assert "could not be done" in caplog.text


async def test_many_that_cannot_be_taken_back_do_not_keep_the_others_out_of_sight(
    wire: Wire, database: "Database[asyncpg.Record]"
) -> None:
    await database.execute(
        "INSERT INTO ConfigKey (namespace, key, value_type) "
        "SELECT 'payments', 'k' || n, 'int' FROM generate_series(1, 101) AS n"
    )
    for number in range(1, 102):
        await wire.set(9, f"k{number}", expires_in=LONG)
    last = (await wire.set(5, expires_in=LONG))["revision"]
    await database.execute("ALTER TABLE ConfigVersion ADD CONSTRAINT kept CHECK (is_active OR value <> '9')")
    await database.execute("UPDATE Deadline SET due_at = clock_timestamp() - make_interval(secs => 1000 - revision)")
    await eventually(lambda: reached(wire, last + 1))
    assert await outcomes(database) == [("expiry", "reverted")]


async def key_id(database: "Database[asyncpg.Record]") -> UUID:
    found: UUID = await database.fetchval("SELECT key_id FROM ConfigKey WHERE key = 'max_retries'")
    return found


@pytest.mark.parametrize("terms", [{"expires_in": 0.5}, {"expires_in": 90 * 86_400 + 1}, {"confirm_within": "5m"}])
async def test_terms_that_cannot_be_are_told(unharmed: Wire, terms: dict[str, Any]) -> None:
    refused = await unharmed.refusal("set", env="staging", changes=[{**KEY, "value": 1}], note="", **terms)
    assert (refused.code, next(iter(terms)) in refused.message) == (-32602, True)


async def test_the_temporary_changes_of_no_environment_are_not_found(unharmed: Wire) -> None:
    assert (await unharmed.refusal("temporary.list", env="nowhere")).kind == "not_found"


def test_when_a_change_is_due() -> None:
    at = datetime(2030, 1, 1)  # noqa: DTZ001  # any moment
    assert due_times(at, NO_TERMS) == {}
    assert due_times(at, Terms(60, 5)) == {
        "expiry": at + timedelta(minutes=1),
        "confirmation": at + timedelta(seconds=5),
    }


def test_the_note_of_a_long_reason_still_names_what_is_left() -> None:
    keys = [Key(UUID(int=number), "payments", "k" * 80, "int") for number in range(30)]
    note = reversal_note("x" * 2000, keys)
    assert len(note) <= 2000
    assert note.endswith("and more")
    assert reversal_note("why", []) == "why"
