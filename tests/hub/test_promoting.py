"""Comparing two environments, and promoting what was seen: the values of then, or a conflict that says what moved."""

import asyncio
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from support.hubs import Hubs, RunningHub
from support.wire import Refused, Wire

INVALID_PARAMS = -32602
BOTH = {"source": "staging", "target": "production"}


def named(*keys: str) -> list[dict[str, str]]:
    return [{"namespace": "payments", "key": key} for key in keys]


async def fill(wire: Wire, env: str, **values: Any) -> Any:
    """Set keys of `payments` in one change set."""
    changes = [{"namespace": "payments", "key": key, "value": value} for key, value in values.items()]
    return await wire.set_all(changes, env=env)


async def held(wire: Wire, env: str = "production") -> dict[str, Any]:
    """Return what an environment holds in `payments`."""
    found = await wire.ask("snapshot", env=env, namespaces=["payments"])
    return {key: entry["value"] for key, entry in found["namespaces"]["payments"].items()}


async def compare(wire: Wire, **others: Any) -> Any:
    return await wire.ask("compare", **{**BOTH, **others})


async def promote(wire: Wire, **others: Any) -> Any:
    return await wire.ask("promote", **{**BOTH, "note": "", **others})


async def refusal(wire: Wire, **others: Any) -> Refused:
    return await wire.refusal("promote", **{**BOTH, "note": "", **others})


@pytest.fixture(autouse=True)
async def open_production(database: "asyncpg.Connection[asyncpg.Record]") -> None:
    """Let promotions into production happen at once; how they are reviewed is the subject of other tests."""
    await database.execute("UPDATE Environment SET protected = false WHERE env = 'production'")


@pytest.fixture
async def four(wire: Wire) -> Wire:
    """A key in each state: `same`, `changed` 5 → 3, `added` in staging alone, `gone` in production alone."""
    for key in ("same", "changed", "added", "gone"):
        await wire.create_key(key)
    await fill(wire, "production", same=1, changed=3, gone=7)
    await fill(wire, "staging", same=1, changed=5, added=9)
    return wire


async def test_a_comparison_shows_what_differs_and_counts_the_rest(four: Wire) -> None:
    found = await compare(four)
    assert found["source"] == {"env": "staging", "revision": 1}
    assert found["target"] == {"env": "production", "revision": 1, "protected": False, "required_approvals": 1}
    assert [(row["key"], row["state"]) for row in found["rows"]] == [
        ("added", "only_source"),
        ("changed", "changed"),
        ("gone", "only_target"),
    ]
    assert (found["same"], found["different"], found["next"]) == (1, 3, None)
    assert all(row["valid"] and row["problem"] is None and row["type"] == "int" for row in found["rows"])


async def test_each_side_tells_value_version_who_when_and_why(four: Wire) -> None:
    done = await four.set(6, "changed", note="faster")
    row = (await compare(four, keys=named("changed")))["rows"][0]
    assert row["source"]["value"] == 6
    assert row["source"]["version"] == done["changes"][0]["version"]
    assert (row["source"]["revision"], row["source"]["note"], row["source"]["by"]["name"]) == (2, "faster", "admin")
    assert row["source"]["at"] > row["target"]["at"]
    assert (row["target"]["value"], row["target"]["revision"]) == (3, 1)


async def test_all_shows_what_is_the_same_too(four: Wire) -> None:
    rows = (await compare(four, all=True))["rows"]
    assert [row["state"] for row in rows] == ["only_source", "changed", "only_target", "same"]


async def test_a_comparison_of_some_keys_or_namespaces_leaves_out_the_others(four: Wire) -> None:
    await four.create_key("zone", "string", "search")
    await four.set("eu", "zone", namespace="search")
    assert [row["key"] for row in (await compare(four, namespaces=["search"]))["rows"]] == ["zone"]
    only = await compare(four, keys=named("gone", "same"))
    assert ([row["key"] for row in only["rows"]], only["same"], only["different"]) == (["gone"], 1, 1)


async def test_a_later_change_of_the_target_is_told_a_deletion_too(four: Wire) -> None:
    newer = {row["key"]: row["newer_in_target"] for row in (await compare(four))["rows"]}
    assert newer == {"added": False, "changed": False, "gone": True}
    await four.set(4, "changed", env="production")
    await four.set(9, "added", env="production")
    await four.delete("added", env="production")
    newer = {row["key"]: row["newer_in_target"] for row in (await compare(four))["rows"]}
    assert newer == {"added": True, "changed": True, "gone": True}


async def test_a_null_and_an_order_of_members_are_values_of_their_own(wire: Wire) -> None:
    await wire.create_key("a", "json")
    await wire.create_key("b", "json")
    await fill(wire, "staging", a=None, b={"x": 1, "y": 2})
    await fill(wire, "production", b={"y": 2, "x": 1})
    rows = (await compare(wire))["rows"]
    assert [(row["key"], row["state"]) for row in rows] == [("a", "only_source"), ("b", "changed")]
    assert rows[0]["source"]["value"] is None


async def test_pages_of_a_comparison_stay_at_the_revisions_of_the_first(four: Wire) -> None:
    first = await compare(four, limit=2)
    assert ([row["key"] for row in first["rows"]], first["next"]) == (["added", "changed"], ["payments", "changed"])
    await four.set(7, "gone")
    await four.set(8, "changed")
    at = {"source_revision": first["source"]["revision"], "target_revision": first["target"]["revision"]}
    second = await compare(four, limit=2, after=first["next"], **at)
    assert [(row["key"], row["state"]) for row in second["rows"]] == [("gone", "only_target")]
    assert (second["next"], second["different"]) == (None, 3)
    assert second["source"] == first["source"]


async def test_an_answer_is_bounded_in_bytes_and_goes_on_behind_them(wire: Wire) -> None:
    keys = [f"key-{number:03}" for number in range(45)]
    for key in keys:
        await wire.create_key(key, "string")
    for start in range(0, 45, 15):
        await fill(wire, "staging", **dict.fromkeys(keys[start : start + 15], "x" * 60000))
    first = await compare(wire)
    second = await compare(wire, after=first["next"])
    assert 30 < len(first["rows"]) < 45
    assert [row["key"] for row in first["rows"] + second["rows"]] == keys
    assert second["next"] is None


async def test_environments_that_hold_the_same_differ_in_nothing(wire: Wire) -> None:
    empty = await compare(wire)
    assert (empty["rows"], empty["same"], empty["different"], empty["next"]) == ([], 0, 0, None)
    assert (empty["source"]["revision"], empty["target"]["revision"]) == (0, 0)


async def test_named_keys_are_promoted_as_one_change_set(four: Wire) -> None:
    done = await promote(four, keys=named("changed", "added"), source_revision=1, target_revision=1, note="release")
    assert (done["env"], done["revision"], done["repeated"], done["left_out"]) == ("production", 2, False, [])
    assert {change["key"]: change["new"] for change in done["changes"]} == {"changed": 5, "added": 9}
    assert await held(four) == {"same": 1, "changed": 5, "added": 9, "gone": 7}
    told = await four.ask("change_set.get", env="production", revision=2)
    assert (told["how"], told["note"]) == ("promotion from staging r1", "release")


async def test_a_promoted_value_is_a_version_of_the_target_and_can_be_rolled_back(four: Wire) -> None:
    done = await promote(four, keys=named("changed"))
    source = (await compare(four, keys=named("changed"), all=True))["rows"][0]
    assert source["state"] == "same"
    assert done["changes"][0]["version"] == source["target"]["version"] != source["source"]["version"]
    await four.ask("rollback", env="production", change_set=2)
    assert (await held(four))["changed"] == 3


async def test_without_names_all_that_differs_is_promoted_but_no_deletion(four: Wire) -> None:
    done = await promote(four, deletions=True)
    assert [change["key"] for change in done["changes"]] == ["added", "changed"]
    (left,) = done["left_out"]
    assert (left["namespace"], left["key"]) == ("payments", "gone")
    assert "production only" in left["reason"]
    assert (await held(four))["gone"] == 7


async def test_a_deletion_is_promoted_when_it_is_named_and_asked_for(four: Wire) -> None:
    without = await refusal(four, keys=named("gone"))
    assert (without.kind, "ask for deletions" in without.message) == ("conflict", True)
    done = await promote(four, keys=named("gone"), deletions=True)
    assert (done["changes"][0]["old"], done["changes"][0]["version"]) == (7, None)
    assert await held(four) == {"same": 1, "changed": 3}


async def test_what_is_left_out_is_named_with_its_reason(four: Wire) -> None:
    done = await promote(four, keys=named("changed", "same", "max_retries", "gone"))
    assert [change["key"] for change in done["changes"]] == ["changed"]
    reasons = {left["key"]: left["reason"] for left in done["left_out"]}
    assert reasons["same"] == "it is the same in staging and production"
    assert reasons["max_retries"] == "it has no value in staging nor in production"
    assert "in production only" in reasons["gone"]


async def test_a_value_that_no_hub_would_take_is_not_promoted(
    four: Wire, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await four.create_key("limits", "json")
    await four.set({"rps": 1}, "limits")
    # Past the hubs, as a person with psql could: the database's own check does not know this limit.
    await database.execute("ALTER TABLE ConfigVersion DISABLE TRIGGER USER")
    await database.execute("UPDATE ConfigVersion SET value = $1 WHERE value = '{\"rps\":1}'", "[" * 40 + "]" * 40)
    await database.execute("ALTER TABLE ConfigVersion ENABLE TRIGGER USER")
    row = (await compare(four, keys=named("limits")))["rows"][0]
    assert (row["valid"], "nested" in row["problem"]) == (False, True)
    done = await promote(four)
    assert "not valid" in next(left["reason"] for left in done["left_out"] if left["key"] == "limits")
    assert "limits" not in await held(four)
    assert (await refusal(four, keys=named("limits"))).kind == "conflict"


@pytest.mark.parametrize("env", ["staging", "production"])
async def test_a_promoted_key_that_changed_on_either_side_is_a_conflict_that_names_it(four: Wire, env: str) -> None:
    seen = (await compare(four, keys=named("changed")))["rows"][0]["source" if env == "staging" else "target"]
    now = (await four.set(8, "changed", env=env))["changes"][0]["version"]
    refused = await refusal(four, keys=named("changed", "added"), source_revision=1, target_revision=1)
    assert refused.kind == "conflict"
    assert f"payments/changed in {env}" in refused.message
    assert refused.data["conflicts"] == [
        {
            "env": env,
            "namespace": "payments",
            "key": "changed",
            "expected_version": seen["version"],
            "active_version": now,
        }
    ]
    assert "added" not in await held(four)


async def test_a_key_deleted_in_the_source_since_is_a_conflict(four: Wire) -> None:
    await four.delete("added")
    refused = await refusal(four, keys=named("added"), source_revision=1, target_revision=1)
    assert (refused.kind, refused.data["conflicts"][0]["active_version"]) == ("conflict", None)


async def test_keys_that_are_not_promoted_may_have_moved_on_both_sides(four: Wire) -> None:
    await four.set(2, "same")
    await four.set(2, "gone", env="production")
    done = await promote(four, keys=named("changed"), source_revision=1, target_revision=1)
    assert done["changes"][0]["new"] == 5
    told = await four.ask("change_set.get", env="production", revision=3)
    assert told["how"] == "promotion from staging r1"


async def test_writers_that_race_a_promotion_never_lose_a_change(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        await one.set(0)

        async def write() -> None:
            for value in range(1, 21):
                await one.set(value, env=("staging", "production")[value % 2])

        kinds: set[str | None] = set()

        async def take() -> list[Any]:
            outcomes: list[Any] = []
            for _ in range(20):
                seen = await compare(two, all=True)
                at = {f"{side}_revision": seen[side]["revision"] for side in ("source", "target")}
                try:
                    outcomes.append((seen, await promote(two, keys=named("max_retries"), **at)))
                except Refused as refused:
                    kinds.add(refused.kind)
            return outcomes

        outcomes, _ = await asyncio.gather(take(), write())
        for seen, done in outcomes:
            (row,) = seen["rows"]
            (change,) = done["changes"]
            # What was seen is what was taken over, and what was replaced.
            assert change["new"] == row["source"]["value"]
            assert change["previous_version"] == (row["target"] or {"version": None})["version"]
        assert kinds <= {"conflict"}
        await one.set(99)
        assert (await promote(two))["changes"][0]["new"] == 99


async def test_promotions_that_race_through_two_hubs_make_one_change(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2)
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        await one.set(3)

        async def attempt(wire: Wire) -> Any:
            try:
                return await promote(wire, source_revision=1, target_revision=0)
            except Refused as refused:
                return refused.kind

        outcomes = await asyncio.gather(*(attempt(wire) for wire in (one, two) * 5))
        assert outcomes.count("conflict") == 9
        assert await one.revision("production") == 1


@pytest.mark.parametrize("at", [{}, {"source_revision": 1, "target_revision": 1}], ids=["now", "as seen"])
async def test_a_promotion_asked_twice_happens_once(four: Wire, at: dict[str, int]) -> None:
    asked = {"request_id": str(uuid4()), **at}
    first, again = [await promote(four, **asked) for _ in range(2)]
    assert again == {**first, "repeated": True}
    assert await four.revision("production") == 2
    other = await refusal(four, **asked, keys=named("changed"))
    assert (other.kind, "another request" in other.message) == ("conflict", True)


async def test_nothing_to_promote_is_told_and_changes_nothing(four: Wire) -> None:
    await promote(four)
    refused = await refusal(four)
    assert (refused.kind, "nothing to promote" in refused.message) == ("conflict", True)
    refused = await refusal(four, keys=named("same"))
    assert "payments/same: it is the same" in refused.message
    assert await four.revision("production") == 2


@pytest.mark.parametrize("method", ["compare", "promote"])
@pytest.mark.parametrize(
    ("params", "word"),
    [
        ({"source": "nowhere"}, "environment nowhere"),
        ({"target": "nowhere"}, "environment nowhere"),
        ({"source": 'a"\x1b'}, "environment"),
        ({"keys": [{"namespace": "payments", "key": "none"}]}, "key none"),
        ({"keys": [{"namespace": "none", "key": "none"}]}, "namespace none"),
        ({"source_revision": 99}, "revision 99"),
        ({"target_revision": 99}, "revision 99"),
    ],
)
async def test_what_does_not_exist_is_not_found(unharmed: Wire, method: str, params: Any, word: str) -> None:
    refused = await unharmed.refusal(method, **{**BOTH, **params})
    assert (refused.kind, word in refused.message) == ("not_found", True)


async def test_a_namespace_that_does_not_exist_is_no_empty_comparison(unharmed: Wire) -> None:
    refused = await unharmed.refusal("compare", **BOTH, namespaces=["payments", "none"])
    assert (refused.kind, "namespace none" in refused.message) == ("not_found", True)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("compare", {"target": "staging"}),
        ("promote", {"target": "staging"}),
        ("compare", {"source": None}),
        ("compare", {"limit": 0}),
        ("compare", {"limit": 5001}),
        ("compare", {"after": ["payments"]}),
        ("compare", {"namespaces": []}),
        ("compare", {"namespaces": ["\ud800"]}),
        ("compare", {"keys": ["payments/max_retries"]}),
        ("compare", {"all": "yes"}),
        ("compare", {"source_revision": -1}),
        ("promote", {"keys": []}),
        ("promote", {"keys": [{"namespace": "payments"}]}),
        ("promote", {"deletions": 1}),
        ("promote", {"target_revision": "1"}),
        ("promote", {"request_id": "mine"}),
        ("promote", {"note": "a\x00b"}),
        ("promote", {"note": "n" * 2001}),
        ("promote", {"wait": 61}),
    ],
)
async def test_wrong_params_are_named(unharmed: Wire, method: str, params: Any) -> None:
    refused = await unharmed.refusal(method, **{**BOTH, **params})
    assert refused.code == INVALID_PARAMS
    assert len(refused.message) > 10


async def test_a_promotion_waits_for_its_receipt_as_a_set_does(four: Wire, hub: RunningHub) -> None:
    async with hub.connect() as service:
        await service.watch(env="production")

        async def acknowledge() -> None:
            await service.heartbeat((await service.next())["revision"])

        acknowledging = asyncio.create_task(acknowledge())
        done = await promote(four, wait=10)
        await acknowledging
    assert (done["receipt"]["complete"], done["receipt"]["current"]) == (True, 1)


async def test_a_thousand_keys_are_one_change_set_and_more_are_too_many(
    four: Wire, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await database.execute(
        "INSERT INTO ConfigKey (namespace, key, value_type) "
        "SELECT 'many', 'k' || n, 'int' FROM generate_series(1, 1001) n"
    )
    many = [{"namespace": "many", "key": f"k{number}", "value": number} for number in range(1, 1002)]
    assert (await four.refusal("set", env="staging", changes=many)).kind == "too_large"
    assert len((await four.set_all(many[:1000]))["changes"]) == 1000
    await four.set_all(many[1000:])

    refused = await refusal(four)
    assert (refused.kind, "in parts" in refused.message) == ("too_large", True)
    names = [{"namespace": "many", "key": change["key"]} for change in many]
    assert (await refusal(four, keys=names)).kind == "too_large"
    done = await promote(four, keys=names[:1000])
    assert len(done["changes"]) == 1000
    undone = await four.ask("rollback", env="production", change_set=done["revision"])
    assert len(undone["changes"]) == 1000


async def test_values_beyond_what_one_frame_should_carry_are_promoted_in_parts(wire: Wire) -> None:
    keys = [f"key-{number:03}" for number in range(140)]
    for key in keys:
        await wire.create_key(key, "string")
    for start in range(0, 140, 14):
        await fill(wire, "staging", **dict.fromkeys(keys[start : start + 14], "x" * 65000))
    assert (await refusal(wire)).kind == "too_large"
    assert len((await promote(wire, keys=named(*keys[:100])))["changes"]) == 100
