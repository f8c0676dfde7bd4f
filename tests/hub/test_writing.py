"""Writing values: whole or not at all, in one order, with one active version, whoever races."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg

from support.hubs import Hubs
from support.wire import Refused, Wire

Change = dict[str, object]

_ACTIVE = "SELECT value FROM ConfigVersion WHERE env = 'staging' AND is_active"
_REVISIONS = "SELECT revision FROM ChangeSet WHERE env = 'staging' ORDER BY created_at, revision"


def change(key: str, **others: object) -> Change:
    return {"namespace": "payments", "key": key, **others}


async def test_a_set_tells_old_and_new_and_both_versions(wire: Wire) -> None:
    first = await wire.set(3, note="first")
    second = await wire.set(5, note="second")
    assert (first["env"], first["revision"], first["repeated"]) == ("staging", 1, False)
    (added,), (replaced,) = first["changes"], second["changes"]
    assert "old" not in added
    assert (added["new"], added["previous_version"]) == (3, None)
    assert (replaced["old"], replaced["new"], replaced["type"]) == (3, 5, "int")
    assert (replaced["previous_version"], second["revision"]) == (added["version"], 2)


async def test_a_delete_leaves_no_value_and_can_be_set_again(wire: Wire) -> None:
    await wire.set(3)
    (deleted,) = (await wire.delete())["changes"]
    assert (deleted["old"], deleted["version"], "new" in deleted) == (3, None, False)
    assert (await wire.ask("snapshot", env="staging", namespaces=["payments"]))["namespaces"] == {"payments": {}}
    assert (await wire.set(4))["revision"] == 3


async def test_a_null_is_a_value_and_not_a_delete(wire: Wire) -> None:
    await wire.create_key("limits", "json")
    (set_to_null,) = (await wire.set(None, "limits"))["changes"]
    assert set_to_null["new"] is None
    assert set_to_null["version"] is not None
    snapshot = await wire.ask("snapshot", env="staging", namespaces=["payments"])
    assert snapshot["namespaces"]["payments"]["limits"]["value"] is None


async def test_an_int_given_for_a_float_is_taken(wire: Wire) -> None:
    await wire.create_key("ratio", "float")
    (given,) = (await wire.set(1, "ratio"))["changes"]
    assert given["new"] == 1.0


async def test_environments_have_values_and_revisions_of_their_own(wire: Wire) -> None:
    await wire.set(3)
    assert (await wire.set(9, env="development"))["revision"] == 1
    found = await wire.ask("key.get", namespace="payments", key="max_retries")
    assert {env: held["value"] for env, held in found["environments"].items()} == {"staging": 3, "development": 9}


async def test_one_bad_change_leaves_the_whole_set_without_a_trace(wire: Wire) -> None:
    await wire.create_key("text", "string")
    await wire.set("before", "text")
    stale = change("max_retries", value=5, expected_version=str(uuid4()))
    for bad in (
        stale,
        change("max_retries", value="5"),
        change("unknown", value=5),
        change("max_retries", delete=True),
    ):
        refused = await wire.refusal("set", env="staging", changes=[change("text", value="after"), bad])
        assert refused.kind in {"conflict", "invalid_value", "not_found"}
    assert await wire.revision() == 1
    held = await wire.ask("key.get", namespace="payments", key="text")
    assert held["environments"]["staging"]["value"] == "before"


async def test_a_watcher_sees_a_change_set_whole(wire: Wire) -> None:
    await wire.create_key("text", "string")
    await wire.create_key("zone", "string", "search")
    await wire.watch(namespaces=["payments", "search"])
    await wire.set_all(
        [
            change("max_retries", value=7),
            change("text", value="seven"),
            {"namespace": "search", "key": "zone", "value": "eu"},
        ]
    )
    seen = await wire.next()
    values = {key: entry["value"] for keys in seen["namespaces"].values() for key, entry in keys.items()}
    assert values == {"max_retries": 7, "text": "seven", "zone": "eu"}
    assert wire.notified.empty()


async def race(hubs: Hubs, **others: Any) -> list[dict[str, object] | Refused]:
    """Set one key a hundred times at once, to 1 … 100, through two hubs; return how each ended."""
    first, second = await hubs.start_many(2)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        # Not more than a connection may ask at once.
        turns = asyncio.Semaphore(30), asyncio.Semaphore(30)

        async def attempt(number: int) -> dict[str, object] | Refused:
            try:
                async with turns[number % 2]:
                    answer: dict[str, object] = await (one, two)[number % 2].set(number, **others)
                    return answer
            except Refused as refused:
                return refused

        return await asyncio.gather(*(attempt(number) for number in range(1, 101)))


async def test_a_hundred_racing_sets_get_a_hundred_consecutive_revisions(
    hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outcomes = await race(hubs)
    answers = [outcome for outcome in outcomes if not isinstance(outcome, Refused)]
    assert sorted(int(str(answer["revision"])) for answer in answers) == list(range(1, 101))
    # The order of revisions is the order of time, too.
    assert [row["revision"] for row in await database.fetch(_REVISIONS)] == list(range(1, 101))
    (active,) = await database.fetch(_ACTIVE)
    (last,) = (answer for answer in answers if answer["revision"] == 100)
    assert last["changes"][0]["new"] == int(active["value"])  # type: ignore[index]


async def test_a_hundred_racing_sets_on_one_base_have_one_winner(
    hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    outcomes = await race(hubs, expected_version=None)
    (winner,) = (outcome for outcome in outcomes if not isinstance(outcome, Refused))
    refused = [outcome for outcome in outcomes if isinstance(outcome, Refused)]
    assert {one.kind for one in refused} == {"conflict"}
    assert len(refused) == 99
    version = winner["changes"][0]["version"]  # type: ignore[index]
    assert {one.data["conflicts"][0]["active_version"] for one in refused} == {version}
    assert await database.fetchval("SELECT revision FROM Environment WHERE env = 'staging'") == 1


async def test_a_value_set_through_one_hub_is_read_through_another(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2, poll_seconds=60)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        await two.watch()
        await one.set(3)
        assert (await two.next())["namespaces"]["payments"]["max_retries"]["value"] == 3


async def test_who_wrote_finds_the_change_in_what_the_same_hub_serves(wire: Wire) -> None:
    for value in range(5):
        await wire.set(value)
        told = await wire.watch()
        assert told["revision"] == value + 1


async def test_environments_are_created_in_the_order_of_promotion(wire: Wire) -> None:
    made = await wire.ask("environment.create", env="qa", after="development", protected=True, required_approvals=2)
    assert (made["env"], made["revision"], made["keys"], made["protected"]) == ("qa", 0, 0, True)
    listed = await wire.ask("environment.list")
    assert [row["env"] for row in listed["environments"]] == ["development", "qa", "staging", "production"]
    await wire.ask("environment.protect", env="qa", protected=False)
    assert (await wire.set(3, env="qa"))["revision"] == 1


async def test_whether_an_environment_is_protected_can_change(wire: Wire) -> None:
    changed = await wire.ask("environment.protect", env="staging", protected=True, required_approvals=3)
    assert (changed["protected"], changed["required_approvals"]) == (True, 3)
    changed = await wire.ask("environment.protect", env="staging", protected=False)
    assert (changed["protected"], changed["required_approvals"]) == (False, 3)


async def test_taken_names_are_conflicts(wire: Wire) -> None:
    assert (await wire.refusal("environment.create", env="staging")).kind == "conflict"
    assert (await wire.refusal("key.create", namespace="payments", key="max_retries", type="int")).kind == "conflict"
