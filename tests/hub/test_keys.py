"""Constraints at work: at set, rollback and key.update; and the share of an environment that one change may take."""

from typing import Any

import pytest

from support.hubs import Hubs, RunningHub
from support.tokens import token_of
from support.wire import Wire

pytestmark = pytest.mark.usefixtures("open_production")

RETRIES: dict[str, Any] = {"namespace": "payments", "key": "max_retries"}


async def constrain(wire: Wire, constraints: object, **others: Any) -> Any:
    return await wire.ask("key.update", **RETRIES, constraints=constraints, **others)


async def test_a_value_outside_the_constraints_is_refused_and_changes_nothing(wire: Wire) -> None:
    made = await wire.ask("key.create", namespace="payments", key="ratio", type="float", constraints={"maximum": 1})
    refused = await wire.refusal(
        "set", env="staging", changes=[{"namespace": "payments", "key": "ratio", "value": 1.5}]
    )
    assert made["constraints"] == {"maximum": 1}
    assert refused.kind == "invalid_value"
    assert refused.message == "payments/ratio: the value breaks the constraint maximum: 1"
    assert await wire.revision() == 0
    await wire.set(0.5, "ratio")
    shown = await wire.ask("key.get", namespace="payments", key="ratio")
    assert shown["constraints"] == {"maximum": 1}


@pytest.mark.parametrize("constraints", [[1], {"$ref": "http://localhost/x"}, {"pattern": "("}, {"minimum": []}])
async def test_constraints_that_cannot_be_are_refused_at_create_and_update(wire: Wire, constraints: object) -> None:
    created = await wire.refusal("key.create", namespace="n", key="k", type="int", constraints=constraints)
    updated = await wire.refusal("key.update", **RETRIES, constraints=constraints)
    assert (created.kind, updated.kind) == ("invalid_value", "invalid_value")
    assert [key["key"] for key in (await wire.ask("key.list"))["keys"]] == ["max_retries"]


async def test_a_rollback_to_a_value_that_is_not_allowed_any_more_is_refused(wire: Wire) -> None:
    first = await wire.set(1)
    await wire.set(5)
    await constrain(wire, {"minimum": 3})
    version = first["changes"][0]["version"]
    one = await wire.refusal("rollback", env="staging", **RETRIES, version=version, note="")
    whole = await wire.refusal("rollback", env="staging", change_set=2, note="")
    assert one.message == whole.message == "payments/max_retries: the value breaks the constraint minimum: 3"
    assert await wire.revision() == 2


async def test_what_was_broken_before_does_not_stop_a_change_that_breaks_nothing_else(wire: Wire) -> None:
    limits = {"namespace": "payments", "key": "limits"}
    await wire.create_key("limits", "json")
    await wire.set({"rps": 100}, "limits")
    constraints = {"properties": {"rps": {"maximum": 50}, "burst": {"maximum": 50}}}
    updated = await wire.ask("key.update", **limits, constraints=constraints, force=True)
    let_through = await wire.set({"rps": 90}, "limits")
    stopped = await wire.refusal("set", env="staging", changes=[{**limits, "value": {"rps": 90, "burst": 90}}])
    assert [warned["env"] for warned in updated["warnings"]] == ["staging"]
    message = "the value at /rps breaks the constraint maximum: 50, as before"
    assert let_through["warnings"] == [{**limits, "message": message}]
    assert "/burst" in stopped.message
    assert "/rps" not in stopped.message
    mended = await wire.set({"rps": 10}, "limits")
    assert "warnings" not in mended


async def test_new_constraints_are_checked_against_every_environment(wire: Wire) -> None:
    await wire.set(5)
    await wire.set(50, env="production")
    refused = await wire.refusal("key.update", **RETRIES, constraints={"maximum": 10})
    assert refused.kind == "invalid_value"
    assert "in production the value breaks the constraint maximum: 10" in refused.message
    assert "staging" not in refused.message
    assert (await wire.ask("key.get", **RETRIES))["constraints"] is None
    await constrain(wire, {"maximum": 10}, force=True)
    await constrain(wire, None)
    assert (await wire.ask("key.get", **RETRIES))["constraints"] is None


async def test_of_an_environment_out_of_reach_it_is_said_only_that_there_is_one(hub: RunningHub, wire: Wire) -> None:
    await wire.set(20)
    for env in ("production", "development"):
        await wire.set(50, env=env)
    async with hub.connect(await token_of(hub, "editor", ["staging"], ["payments"])) as bound:
        elsewhere = await bound.refusal("key.update", **RETRIES, constraints={"maximum": 40})
        everywhere = await bound.refusal("key.update", **RETRIES, constraints={"maximum": 10})
        forced = await bound.ask("key.update", **RETRIES, constraints={"maximum": 40}, force=True)
        assert (await bound.ask("key.update", **RETRIES, constraints={"maximum": 50}))["constraints"] == {"maximum": 50}
    said = "in another environment the value breaks them. Change the values first, or force it"
    assert elsewhere.message == f"payments/max_retries: active values break these constraints: {said}"
    assert "in staging the value breaks the constraint maximum: 10; in another environment" in everywhere.message
    assert forced["warnings"] == [{"env": None, "message": "the value breaks them"}]


async def test_update_changes_what_is_given_and_keeps_the_rest(wire: Wire) -> None:
    await wire.ask("key.update", **RETRIES, owner="payments team", tags=["a"])
    shown = await wire.ask("key.update", **RETRIES, description="how often")
    assert (shown["owner"], shown["tags"], shown["description"]) == ("payments team", ["a"], "how often")


@pytest.mark.parametrize(
    ("params", "said"),
    [
        ({"type": "float"}, "a key keeps its type: make another key"),
        ({"secret": True}, "a key stays secret, or not secret: make another key"),
        ({}, "nothing is to be changed"),
        ({"owner": "x" * 101}, "owner"),
        ({"description": "\x00"}, "NUL"),
    ],
)
async def test_an_update_that_cannot_be_is_told(wire: Wire, params: dict[str, Any], said: str) -> None:
    refused = await wire.refusal("key.update", **RETRIES, **params)
    assert said in refused.message


async def test_constraints_whose_checks_take_too_long_together_are_refused(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    await wire.set(5)
    monkeypatch.setattr("setpoint_hub.rpc.keys.CHECKS_SECONDS", 0.0)
    refused = await wire.refusal("key.update", **RETRIES, constraints={"minimum": 1}, force=True)
    monkeypatch.undo()
    assert (refused.kind, "make the constraints simpler" in refused.message) == ("too_large", True)
    assert (await wire.ask("key.get", **RETRIES))["constraints"] is None


async def test_an_update_of_no_key_is_not_found(wire: Wire) -> None:
    assert (await wire.refusal("key.update", namespace="payments", key="none", owner="x")).kind == "not_found"


async def test_a_pattern_that_takes_for_ever_is_told_and_harms_nobody_else(wire: Wire) -> None:
    await wire.ask("key.create", namespace="payments", key="text", type="string", constraints={"pattern": "^(a+)+$"})
    change = {"namespace": "payments", "key": "text", "value": "a" * 40 + "b"}
    refused = await wire.refusal("set", env="staging", changes=[change])
    assert refused.kind == "invalid_value"
    assert "took more than 1 s" in refused.message
    assert (await wire.set("aaa", "text"))["revision"] == 1


async def test_two_hubs_judge_by_the_same_constraints(hubs: Hubs) -> None:
    one, two = await hubs.start_many(2)
    async with one.connect() as here, two.connect() as there:
        await here.create_key()
        await there.set(1)
        await constrain(here, {"minimum": 1})
        refused = await there.refusal("set", env="staging", changes=[{**RETRIES, "value": 0}])
    assert refused.kind == "invalid_value"


def changes_of(names: range, value: int) -> list[dict[str, Any]]:
    return [{"namespace": "payments", "key": f"k{number}", "value": value} for number in names]


async def test_a_large_share_of_an_environment_needs_force_and_the_log_says_so(wire: Wire) -> None:
    for number in range(40):
        await wire.create_key(f"k{number}")
    # Filling is never too much, however much it is.
    await wire.set_all(changes_of(range(40), 1))
    await wire.set_all(changes_of(range(10), 2))
    refused = await wire.refusal("set", env="staging", changes=changes_of(range(11), 3))
    assert refused.kind == "too_large"
    assert "this changes 11 of the 40 values of staging, more than 25%" in refused.message
    assert await wire.revision() == 2
    forced = await wire.set_all(changes_of(range(11), 3), force=True)
    undone = await wire.refusal("rollback", env="staging", change_set=3, note="")
    done = await wire.ask("change_set.get", env="staging", revision=forced["revision"])
    assert done["how"] == "set, forced: 11 of 40 keys"
    assert undone.kind == "too_large"


async def test_a_small_environment_may_change_whole(wire: Wire) -> None:
    for number in range(19):
        await wire.create_key(f"k{number}")
    await wire.set_all(changes_of(range(19), 1))
    assert (await wire.set_all(changes_of(range(19), 2)))["revision"] == 2


async def test_the_share_is_a_setting_of_the_hub(hubs: Hubs) -> None:
    strict = await hubs.start(largest_share=0.1, share_from=10)
    async with strict.connect() as wire:
        for number in range(10):
            await wire.create_key(f"k{number}")
        await wire.set_all(changes_of(range(10), 1))
        await wire.set_all(changes_of(range(1), 2))
        assert (await wire.refusal("set", env="staging", changes=changes_of(range(2), 2))).kind == "too_large"


async def test_a_value_that_breaks_the_constraints_is_left_out_of_a_promotion(wire: Wire) -> None:
    await wire.create_key("other")
    await wire.set_all([{**RETRIES, "value": 50}, {"namespace": "payments", "key": "other", "value": 1}])
    await constrain(wire, {"maximum": 10}, force=True)
    compared = await wire.ask("compare", source="staging", target="production")
    promoted = await wire.ask("promote", source="staging", target="production", note="")
    problem = "the value breaks the constraint maximum: 10"
    assert [(row["key"], row["problem"]) for row in compared["rows"]] == [("max_retries", problem), ("other", None)]
    assert [change["key"] for change in promoted["changes"]] == ["other"]
    (left_out,) = promoted["left_out"]
    assert problem in left_out["reason"]


async def test_a_promotion_of_a_large_share_needs_force(wire: Wire) -> None:
    for number in range(20):
        await wire.create_key(f"k{number}")
    await wire.set_all(changes_of(range(20), 1), env="production")
    await wire.set_all(changes_of(range(20), 2))
    refused = await wire.refusal("promote", source="staging", target="production", note="")
    forced = await wire.ask("promote", source="staging", target="production", note="", force=True)
    done = await wire.ask("change_set.get", env="production", revision=forced["revision"])
    assert refused.kind == "too_large"
    assert done["how"] == "promotion from staging r1, forced: 20 of 20 keys"


async def test_a_set_whose_checks_take_too_long_together_is_refused_whole(
    wire: Wire, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("setpoint_hub.store.guard.CHECKS_SECONDS", 0.0)
    await constrain(wire, {"minimum": 1})
    refused = await wire.refusal("set", env="staging", changes=[{**RETRIES, "value": 5}])
    monkeypatch.undo()
    assert refused.kind == "too_large"
    assert await wire.revision() == 0
    assert (await wire.set(5))["revision"] == 1
