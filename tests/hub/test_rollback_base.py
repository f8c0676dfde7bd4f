"""A rollback of one key carries the version that its author saw: what was changed meanwhile is not overwritten."""

from support.wire import Wire

MAX_RETRIES = {"env": "staging", "namespace": "payments", "key": "max_retries"}


async def version_set(wire: Wire, value: object) -> str:
    return str((await wire.set(value))["changes"][0]["version"])


async def test_what_was_changed_since_it_was_seen_is_not_rolled_back(wire: Wire) -> None:
    first, seen, now = [await version_set(wire, value) for value in (3, 5, 7)]
    refused = await wire.refusal("rollback", **MAX_RETRIES, version=first, expected_version=seen)
    assert refused.kind == "conflict"
    assert refused.data["conflicts"] == [
        {"namespace": "payments", "key": "max_retries", "expected_version": seen, "active_version": now}
    ]
    assert await wire.revision() == 3


async def test_based_on_what_holds_it_is_made_also_for_a_key_without_a_value(wire: Wire) -> None:
    first, seen = [await version_set(wire, value) for value in (3, 5)]
    done = await wire.ask("rollback", **MAX_RETRIES, version=first, expected_version=seen)
    assert (done["revision"], done["changes"][0]["version"]) == (3, first)
    await wire.delete()
    refused = await wire.refusal("rollback", **MAX_RETRIES, version=seen, expected_version=first)
    assert refused.kind == "conflict"
    done = await wire.ask("rollback", **MAX_RETRIES, version=seen, expected_version=None)
    assert done["revision"] == 5


async def test_the_same_request_id_with_another_base_is_another_request(wire: Wire) -> None:
    first, seen = [await version_set(wire, value) for value in (3, 5)]
    asked = {**MAX_RETRIES, "version": first, "request_id": "8c1f3a52-7f0e-4d57-9b1c-2f9f5a3f8a01"}
    done = await wire.ask("rollback", **asked, expected_version=seen)
    again = await wire.ask("rollback", **asked, expected_version=seen)
    assert (again["revision"], again["repeated"]) == (done["revision"], True)
    refused = await wire.refusal("rollback", **asked)
    assert refused.kind == "conflict"
