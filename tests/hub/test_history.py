"""The past: history of a key, an environment as of a revision or a time, change sets; and what there is now."""

import asyncio
from typing import Any

import pytest

from support.hubs import RunningHub
from support.wire import Wire

MAX_RETRIES = {"env": "staging", "namespace": "payments", "key": "max_retries"}


async def value_at(wire: Wire, at: object) -> Any:
    """Return revision and value of `payments/max_retries` as of then; no value is None."""
    found = await wire.ask("snapshot", env="staging", namespaces=["payments"], at=at)
    return found["revision"], found["namespaces"]["payments"].get("max_retries", {}).get("value")


async def test_history_tells_what_happened_newest_first(wire: Wire) -> None:
    first = (await wire.set(3, note="first"))["changes"][0]["version"]
    second = (await wire.set(5, note="second"))["changes"][0]["version"]
    await wire.delete(note="gone")
    await wire.ask("rollback", **MAX_RETRIES, version=first, note="back")
    found = await wire.ask("history", **MAX_RETRIES)

    told = [(change["revision"], change["how"], change["note"], change["version"]) for change in found["changes"]]
    assert told == [
        (4, "rollback", "back", first),
        (3, "set", "gone", None),
        (2, "set", "second", second),
        (1, "set", "first", first),
    ]
    assert [(change["previous_value"], change["value"]) for change in found["changes"]] == [
        (None, 3), (5, None), (3, 5), (None, 3),
    ]  # fmt: skip
    assert (found["type"], found["next"]) == ("int", None)
    assert {change["by"]["name"] for change in found["changes"]} == {"admin"}


async def test_each_version_tells_the_change_sets_that_made_it_active(wire: Wire) -> None:
    first = (await wire.set(3))["changes"][0]["version"]
    second = (await wire.set(5))["changes"][0]["version"]
    await wire.ask("rollback", **MAX_RETRIES, version=first)
    found = await wire.ask("history", **MAX_RETRIES)
    told = {
        version["version"]: (version["active"], [change["revision"] for change in version["change_sets"]])
        for version in found["versions"]
    }
    assert told == {second: (False, [2]), first: (True, [3, 1])}


async def test_history_comes_in_pages_without_loss_or_repetition(wire: Wire) -> None:
    for value in range(7):
        await wire.set(value)
    seen: list[int] = []
    page = await wire.ask("history", **MAX_RETRIES, limit=3)
    while True:
        seen += [change["revision"] for change in page["changes"]]
        if page["next"] is None:
            break
        page = await wire.ask("history", **MAX_RETRIES, limit=3, before=page["next"])
    assert seen == [7, 6, 5, 4, 3, 2, 1]


async def test_history_is_of_one_environment(wire: Wire) -> None:
    await wire.set(3)
    await wire.set(9, env="development")
    assert [change["value"] for change in (await wire.ask("history", **MAX_RETRIES))["changes"]] == [3]


async def test_a_snapshot_as_of_every_past_revision(wire: Wire) -> None:
    await wire.create_key("text", "string")
    await wire.set(3)
    await wire.set("text", "text")
    await wire.set(5)
    await wire.delete()
    assert [await value_at(wire, at) for at in range(5)] == [(0, None), (1, 3), (2, 3), (3, 5), (4, None)]


async def test_a_snapshot_as_of_a_time(wire: Wire) -> None:
    for value in (3, 5):
        await wire.set(value)
    changes = (await wire.ask("history", **MAX_RETRIES))["changes"]
    second, first = (change["at"] for change in changes)
    assert [await value_at(wire, at) for at in ("0001-01-01T00:00:00Z", first, second, "2999-01-01T00:00:00Z")] == [
        (0, None), (1, 3), (2, 5), (2, 5),
    ]  # fmt: skip


async def test_a_time_without_a_zone_is_utc(wire: Wire) -> None:
    await wire.set(3)
    at = (await wire.ask("history", **MAX_RETRIES))["changes"][0]["at"]
    assert await value_at(wire, at.removesuffix("Z")) == (1, 3)


async def test_a_revision_that_was_not_reached_is_not_found(wire: Wire) -> None:
    refused = await wire.refusal("snapshot", env="staging", at=1)
    assert (refused.kind, "revision 1" in refused.message) == ("not_found", True)


@pytest.mark.parametrize("at", [-1, 1.5, "41", "yesterday", "", True, [1], "0001-01-01T00:00:00+14:00"])
async def test_a_moment_that_is_none_is_told(wire: Wire, at: object) -> None:
    await wire.set(3)
    refused = await wire.refusal("snapshot", env="staging", at=at)
    assert (refused.code, "at" in refused.message) == (-32602, True)


async def test_a_snapshot_without_namespaces_holds_all(wire: Wire) -> None:
    await wire.create_key("zone", "string", "search")
    await wire.set(3)
    await wire.set("eu", "zone", namespace="search")
    found = await wire.ask("snapshot", env="staging")
    assert found["namespaces"].keys() == {"payments", "search"}
    assert found["revision"] == 2


async def test_a_change_set_tells_who_when_why_and_what(wire: Wire) -> None:
    done = await wire.set(3, note="why")
    found = await wire.ask("change_set.get", env="staging", revision=1)
    assert found["changes"] == done["changes"]
    assert (found["change_set"], found["how"], found["note"]) == (done["change_set"], "set", "why")
    assert found["by"]["name"] == "admin"
    assert found["at"].endswith("Z")
    assert len(bytes.fromhex(found["hash"])) == 32
    assert (await wire.refusal("change_set.get", env="staging", revision=2)).kind == "not_found"


async def test_keys_are_listed_in_pages_in_order_of_name(wire: Wire) -> None:
    names = [("search", "b"), ("payments", "z"), ("search", "a"), ("payments", "a")]
    await asyncio.gather(*(wire.create_key(key, "int", namespace) for namespace, key in names))
    seen: list[tuple[str, str]] = []
    after: list[str] | None = None
    while True:
        page = await wire.ask("key.list", limit=2, after=after)
        seen += [(key["namespace"], key["key"]) for key in page["keys"]]
        after = page["next"]
        if after is None:
            break
    assert seen == sorted([*names, ("payments", "max_retries")])


async def test_keys_are_listed_with_the_values_of_an_environment(wire: Wire) -> None:
    await wire.create_key("text", "string")
    done = await wire.set(3)
    listed = (await wire.ask("key.list", namespace="payments", env="staging"))["keys"]
    assert [(key["key"], key["type"], key.get("value"), key.get("revision")) for key in listed] == [
        ("max_retries", "int", 3, 1),
        ("text", "string", None, None),
    ]
    assert listed[0]["version"] == done["changes"][0]["version"]
    assert "version" not in listed[1]


async def test_namespaces_are_counted_with_their_values(wire: Wire) -> None:
    await wire.create_key("text", "string")
    await wire.set(3)
    assert (await wire.ask("namespace.list", env="staging"))["namespaces"] == [
        {"namespace": "payments", "keys": 2, "values": 1}
    ]


async def test_a_key_keeps_what_it_was_created_with(wire: Wire) -> None:
    given = {"namespace": "search", "key": "zone", "type": "string", "description": "where", "owner": "search team"}
    made = await wire.ask("key.create", **given, tags=["geo", "flag"])
    assert made.items() >= {**given, "tags": ["geo", "flag"]}.items()
    assert await wire.ask("key.get", namespace="search", key="zone") == {**made, "environments": {}}


async def test_a_key_tells_the_change_that_made_its_value_active(wire: Wire) -> None:
    version = (await wire.set(3, note="first"))["changes"][0]["version"]
    await wire.set(5)
    await wire.ask("rollback", **MAX_RETRIES, version=version, note="back")
    held = (await wire.ask("key.get", namespace="payments", key="max_retries"))["environments"]["staging"]
    assert (held["value"], held["revision"], held["note"], held["version"]) == (3, 3, "back", version)


async def test_a_hub_tells_who_asks_and_how_it_is(wire: Wire, hub: RunningHub) -> None:
    await wire.set(3)
    me, status = await wire.ask("whoami"), await wire.ask("hub.status")
    assert (me["user"]["name"], me["role"], me["hub"]) == ("admin", "admin", str(hub.hub.id))
    assert (status["ready"], status["reason"], status["redis"]) == (True, None, "connected")
    assert {row["env"]: row["revision"] for row in status["environments"]}["staging"] == 1
