"""What a bound token is shown: lists, counts, change sets, receipts and the fleet hold what it reaches, and no more."""

from collections.abc import AsyncGenerator
from typing import Any
from uuid import uuid4

import pytest

from support.hubs import RunningHub
from support.tokens import give_token, token_of
from support.waiting import eventually
from support.wire import Wire

SECRET = "payments-keys"
"""A namespace that no bound token of these tests reaches."""


@pytest.fixture
async def admin(wire: Wire) -> Wire:
    """The admin's connection, where `payments/max_retries` and `payments-keys/depth` exist."""
    await wire.create_key("depth", "int", SECRET)
    return wire


@pytest.fixture
async def bound(hub: RunningHub, admin: Wire) -> AsyncGenerator[Wire]:
    """An editor of `payments` in staging."""
    assert await admin.ask("whoami")
    async with hub.connect(await token_of(hub, "editor", ["staging"], ["payments"])) as wire:
        yield wire


def both(payments: int, secret: int) -> list[dict[str, Any]]:
    """Return changes of a key within reach and of one beyond."""
    return [
        {"namespace": "payments", "key": "max_retries", "value": payments},
        {"namespace": SECRET, "key": "depth", "value": secret},
    ]


async def test_lists_and_their_counts_hold_what_is_within_reach(admin: Wire, bound: Wire) -> None:
    await admin.set_all(both(1, 2))
    await admin.set_all(both(1, 2), env="development")
    (environment,) = (await bound.ask("environment.list"))["environments"]
    assert (environment["env"], environment["keys"]) == ("staging", 1)
    assert (await bound.ask("namespace.list"))["namespaces"] == [{"namespace": "payments", "keys": 1, "values": 0}]
    assert [key["key"] for key in (await bound.ask("key.list", env="staging"))["keys"]] == ["max_retries"]
    assert (await bound.ask("key.get", namespace="payments", key="max_retries"))["environments"].keys() == {"staging"}
    assert (await bound.ask("snapshot", env="staging"))["namespaces"].keys() == {"payments"}
    assert (await admin.ask("snapshot", env="staging"))["namespaces"].keys() == {"payments", SECRET}


async def test_pages_are_of_what_is_within_reach(hub: RunningHub, admin: Wire) -> None:
    for namespace in ("team", "team.a", "team.b", "teams", "zone"):
        await admin.create_key("one", "int", namespace)
        await admin.create_key("two", "int", namespace)
    async with hub.connect(await token_of(hub, "reader", ["staging"], ["team.*", "zone"])) as wire:
        found: list[Any] = []
        after: Any = None
        while True:
            page = await wire.ask("key.list", limit=3, **({} if after is None else {"after": after}))
            found += page["keys"]
            after = page["next"]
            if after is None:
                break
        assert [key["namespace"] for key in found] == ["team.a"] * 2 + ["team.b"] * 2 + ["zone"] * 2
        # A cursor of somebody else's is a place in the order of names, and leads to nothing more.
        stolen = await wire.ask("key.list", limit=1, after=["payments", "max_retries"])
        assert (stolen["keys"][0]["namespace"], stolen["next"]) == ("team.a", ["team.a", "one"])


async def test_a_change_set_shows_what_is_within_reach_and_counts_the_rest(admin: Wire, bound: Wire) -> None:
    mixed = await admin.set_all(both(1, 2), note="both")
    beyond = await admin.set(3, "depth", namespace=SECRET, note="about payments-keys")
    seen = await bound.ask("change_set.get", env="staging", revision=mixed["revision"])
    assert [change["namespace"] for change in seen["changes"]] == ["payments"]
    assert (seen["hidden"], seen["note"], seen["how"]) == (1, "both", "set")
    seen = await bound.ask("change_set.get", env="staging", revision=beyond["revision"])
    assert (seen["changes"], seen["hidden"], seen["note"]) == ([], 1, "")
    assert seen["by"]["name"] == "admin"
    assert (await admin.ask("change_set.get", env="staging", revision=beyond["revision"]))["hidden"] == 0


async def test_activity_is_told_to_each_as_far_as_it_reaches(hub: RunningHub, admin: Wire, bound: Wire) -> None:
    async with hub.connect() as everything, hub.connect(await token_of(hub, "reader", ["*"], ["*"])) as reader:
        assert (await bound.ask("activity.watch"))["environments"] == {"staging": 0}
        for wire in (everything, reader):
            assert (await wire.ask("activity.watch"))["environments"].keys() == {"development", "staging", "production"}
        await admin.set(1, env="development")
        await admin.set_all(both(1, 2), note="both")
        await admin.set(3, "depth", namespace=SECRET, note="about payments-keys")
        first, second = await bound.next("activity"), await bound.next("activity")
        assert (first["env"], first["revision"], first["hidden"], len(first["changes"])) == ("staging", 1, 1, 1)
        assert (second["revision"], second["changes"], second["hidden"], second["note"]) == (2, [], 1, "")
        assert SECRET not in str((first, second))
        for wire in (everything, reader):
            told = [await wire.next("activity") for _ in range(3)]
            assert [(one["env"], len(one["changes"]), one["hidden"]) for one in told] == [
                ("development", 1, 0),
                ("staging", 2, 0),
                ("staging", 1, 0),
            ]


async def test_a_batch_with_one_key_out_of_reach_changes_nothing(admin: Wire, bound: Wire) -> None:
    refused = await bound.refusal("set", env="staging", changes=both(1, 2), note="")
    assert (refused.kind, refused.data["needs"]) == ("forbidden", {"namespace": SECRET})
    assert await admin.revision() == 0


async def test_a_rollback_of_a_change_set_that_reaches_further_is_refused(admin: Wire, bound: Wire) -> None:
    mixed = await admin.set_all(both(1, 2))
    refused = await bound.refusal("rollback", env="staging", change_set=mixed["revision"], note="")
    assert refused.kind == "forbidden"
    assert SECRET not in str((refused.message, refused.data))
    assert await admin.revision() == mixed["revision"]
    own = await bound.set(7)
    assert (await bound.ask("rollback", env="staging", change_set=own["revision"], note=""))["revision"] == 3


async def test_two_environments_are_compared_and_promoted_as_far_as_the_token_reaches(
    hub: RunningHub, admin: Wire
) -> None:
    await admin.set_all(both(1, 2))
    two = {"source": "staging", "target": "development"}
    async with hub.connect(await token_of(hub, "editor", ["staging", "development"], ["payments"])) as wire:
        found = await wire.ask("compare", **two)
        assert ([row["namespace"] for row in found["rows"]], found["different"]) == (["payments"], 1)
        done = await wire.ask("promote", **two, note="")
        assert [change["namespace"] for change in done["changes"]] == ["payments"]
        assert done["left_out"] == []
        found = await wire.ask("compare", **two)
        assert (found["rows"], found["same"], found["different"]) == ([], 1, 0)
    assert (await admin.ask("compare", **two))["different"] == 1


async def test_a_promotion_asked_again_by_a_token_of_less_reach_shows_nothing_of_it(
    hub: RunningHub, admin: Wire
) -> None:
    await admin.create_key("rate", namespace="search")
    await admin.set(7, "rate", namespace="search")
    asked = {"source": "staging", "target": "development", "request_id": str(uuid4()), "note": ""}
    person = {"user": "erin", "environments": ["staging", "development"]}
    wide = (await give_token(hub, "editor", **person))["token"]
    less = (await give_token(hub, "editor", namespaces=["payments"], **person))["token"]
    async with hub.connect(wide) as first, hub.connect(less) as second:
        done = await first.ask("promote", **asked)
        assert "search" in {change["namespace"] for change in done["changes"]}
        assert (await first.ask("promote", **asked))["repeated"]
        refused = await second.refusal("promote", **asked)
    assert (refused.kind, "search" in refused.message) == ("conflict", False)


async def test_a_request_is_told_of_to_who_made_it_and_to_admins_of_its_environment(
    hub: RunningHub, admin: Wire, bound: Wire
) -> None:
    request_id = str(uuid4())
    done = await bound.set(7, request_id=request_id)
    assert (await bound.ask("request.status", request_id=request_id))["revision"] == done["revision"]
    assert (await admin.ask("request.status", request_id=request_id))["found"]
    strangers = [
        await give_token(hub, "approver", user="stranger"),
        await give_token(hub, "admin", user="elsewhere", environments=["production"]),
        await give_token(hub, "editor", user="the editor", environments=["production"]),
    ]
    for stranger in strangers:
        async with hub.connect(stranger["token"]) as wire:
            assert await wire.ask("request.status", request_id=request_id) == {"found": False}


async def test_instances_are_shown_with_what_is_within_reach(hub: RunningHub, admin: Wire, bound: Wire) -> None:
    async with hub.connect() as one, hub.connect() as two, hub.connect() as three, hub.connect() as four:
        await one.watch("within")
        await two.watch("across", namespaces=["payments", SECRET])
        await three.watch("beyond", namespaces=[SECRET])
        await four.watch("elsewhere", env="production")
        done = await admin.set_all(both(1, 2))
        for wire in (one, two, three):
            await wire.heartbeat(0, status="refused", error="depth is too high")

        async def all_refused() -> bool:
            instances = (await admin.ask("fleet.list", env="staging"))["instances"]
            return [instance["state"] for instance in instances] == ["refused"] * 3

        await eventually(all_refused)
        shown = {instance["client_id"]: instance for instance in (await bound.ask("fleet.list"))["instances"]}
        assert shown.keys() == {"within", "across"}
        assert (shown["across"]["namespaces"], shown["across"]["error"]) == (["payments"], None)
        assert shown["within"]["error"] == "depth is too high"

        receipt = await bound.ask("receipt", env="staging", revision=done["revision"])
        assert (receipt["instances"], receipt["refused"]) == (2, 2)
        assert {one["client_id"]: one["error"] for one in receipt["behind_instances"]} == {
            "within": "depth is too high",
            "across": None,
        }
        status = await bound.ask("hub.status")
        assert [(one["env"], one["watchers"]) for one in status["environments"]] == [("staging", 2)]
        assert status["watchers"] == 2

        beyond = await admin.set(9, "depth", namespace=SECRET)
        receipt = await bound.ask("receipt", env="staging", revision=beyond["revision"])
        assert (receipt["instances"], receipt["behind_instances"]) == (0, [])


async def test_a_write_waits_for_all_instances_of_its_namespaces_and_names_no_other(
    hub: RunningHub, bound: Wire
) -> None:
    async with hub.connect() as across:
        await across.watch("across", namespaces=["payments", SECRET])
        await across.heartbeat(0, status="refused", error="depth is too high")
        done = await bound.set(5, wait=0)
        (behind,) = done["receipt"]["behind_instances"]
        assert (behind["client_id"], behind["error"]) == ("across", None)


@pytest.mark.parametrize(
    ("env", "namespaces"),
    [("production", ["payments"]), ("staging", ["payments", SECRET]), ("nowhere", ["payments"]), ("staging", ["pay"])],
)
async def test_a_watch_out_of_reach_begins_nothing(admin: Wire, bound: Wire, env: str, namespaces: list[str]) -> None:
    refused = await bound.refusal("watch", client_id="x", service="x", env=env, namespaces=namespaces)
    assert refused.kind == "forbidden"
    await admin.set_all(both(1, 2), env="staging")
    await bound.ask("whoami")
    assert bound.notified.empty()
    assert (await admin.ask("fleet.list"))["instances"] == []
    # The connection is as good as before.
    assert (await bound.watch())["mode"] == "snapshot"


async def test_a_refused_attempt_is_in_the_log_with_who_and_what(bound: Wire, caplog: pytest.LogCaptureFixture) -> None:
    with caplog.at_level("INFO", logger="setpoint_hub.session"):
        await bound.refusal("set", env="production", changes=both(1, 2), note="")
    (record,) = [record for record in caplog.records if "refused" in record.message]
    assert "refused set to the editor" in record.message
    assert "production" in record.message
