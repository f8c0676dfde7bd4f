"""Rollback: an earlier state under a new revision; never a surprise."""

from typing import Any
from uuid import uuid4

from support.wire import Wire

MAX_RETRIES = {"env": "staging", "namespace": "payments", "key": "max_retries"}


async def values(wire: Wire) -> dict[str, Any]:
    """Return what staging holds in `payments`."""
    found = await wire.ask("snapshot", env="staging", namespaces=["payments"])
    return {key: entry["value"] for key, entry in found["namespaces"]["payments"].items()}


async def set_both(wire: Wire, retries: int, text: str) -> Any:
    return await wire.set_all(
        [
            {"namespace": "payments", "key": "max_retries", "value": retries},
            {"namespace": "payments", "key": "text", "value": text},
        ]
    )


async def test_a_version_becomes_active_again_under_a_new_revision(wire: Wire) -> None:
    first = (await wire.set(3))["changes"][0]["version"]
    second = (await wire.set(5))["changes"][0]["version"]
    result = await wire.ask("rollback", **MAX_RETRIES, version=first, note="too many")
    (change,) = result["changes"]
    assert result["revision"] == 3
    assert (change["old"], change["new"]) == (5, 3)
    assert (change["previous_version"], change["version"]) == (second, first)
    assert await values(wire) == {"max_retries": 3}


async def test_a_deleted_key_gets_its_value_back(wire: Wire) -> None:
    version = (await wire.set(3))["changes"][0]["version"]
    await wire.delete()
    result = await wire.ask("rollback", **MAX_RETRIES, version=version)
    assert (result["revision"], result["changes"][0]["new"]) == (3, 3)
    assert await values(wire) == {"max_retries": 3}


async def test_undoing_a_delete_brings_the_value_back(wire: Wire) -> None:
    await wire.set(3)
    await wire.delete()
    await wire.ask("rollback", env="staging", change_set=2)
    assert await values(wire) == {"max_retries": 3}


async def test_a_whole_change_set_is_taken_back(wire: Wire) -> None:
    await wire.create_key("text", "string")
    await wire.set(3)
    await set_both(wire, 5, "new")
    result = await wire.ask("rollback", env="staging", change_set=2, note="all of it")
    assert result["revision"] == 3
    assert await values(wire) == {"max_retries": 3}
    told = await wire.ask("change_set.get", env="staging", revision=3)
    assert (told["how"], told["note"], len(told["changes"])) == ("rollback of 2", "all of it", 2)


async def test_a_rollback_can_be_taken_back(wire: Wire) -> None:
    await wire.set(3)
    await wire.set(5)
    await wire.ask("rollback", env="staging", change_set=2)
    await wire.ask("rollback", env="staging", change_set=3)
    assert await values(wire) == {"max_retries": 5}


async def test_a_change_set_with_a_key_changed_since_is_a_conflict_that_names_it(wire: Wire) -> None:
    await wire.create_key("text", "string")
    version = (await set_both(wire, 5, "new"))["changes"]
    later = (await wire.set("later", "text"))["changes"][0]["version"]
    refused = await wire.refusal("rollback", env="staging", change_set=1)
    assert refused.kind == "conflict"
    assert "payments/text" in refused.message
    set_then = next(change["version"] for change in version if change["key"] == "text")
    assert refused.data["conflicts"] == [
        {"namespace": "payments", "key": "text", "expected_version": set_then, "active_version": later}
    ]
    assert await wire.revision() == 2
    assert await values(wire) == {"max_retries": 5, "text": "later"}


async def test_rolling_back_to_the_active_version_is_a_conflict(wire: Wire) -> None:
    version = (await wire.set(3))["changes"][0]["version"]
    assert (await wire.refusal("rollback", **MAX_RETRIES, version=version)).kind == "conflict"
    assert await wire.revision() == 1


async def test_what_does_not_exist_cannot_be_rolled_back_to(wire: Wire) -> None:
    await wire.create_key("other")
    of_other = (await wire.set(3, "other"))["changes"][0]["version"]
    in_development = (await wire.set(3, env="development"))["changes"][0]["version"]
    for version in (str(uuid4()), of_other, in_development):
        assert (await wire.refusal("rollback", **MAX_RETRIES, version=version)).kind == "not_found"
    for revision in (0, 2, 10**15):
        assert (await wire.refusal("rollback", env="staging", change_set=revision)).kind == "not_found"
    assert await wire.revision() == 1


async def test_a_watcher_sees_a_rollback_as_a_change(wire: Wire) -> None:
    version = (await wire.set(3))["changes"][0]["version"]
    await wire.set(5)
    await wire.watch()
    await wire.ask("rollback", **MAX_RETRIES, version=version)
    seen = await wire.next()
    assert (seen["previous"], seen["revision"]) == (2, 3)
    assert seen["namespaces"]["payments"]["max_retries"] == {"type": "int", "value": 3, "version": version}
