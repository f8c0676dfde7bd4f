"""The process that checks constraints: whatever they cost, it ends, and the hub's loop goes on meanwhile."""

import asyncio
from collections.abc import AsyncGenerator
from typing import Any

import pytest

from setpoint.protocol.strict_json import loads
from setpoint_hub.checker import Checker
from setpoint_hub.constraints import UnusableConstraints
from setpoint_hub.errors import CheckFailed
from support.waiting import eventually

EVIL = '{"pattern":"^(a+)+$"}'


@pytest.fixture
async def checker() -> AsyncGenerator[Checker]:
    made = Checker()
    yield made
    await made.close()


async def test_it_checks_one_value_after_the_other(checker: Checker) -> None:
    constraints = await checker.canonical({"minimum": 1})
    assert await checker.violations(constraints, 1) == []
    (broken,) = await checker.violations(constraints, 0)
    assert broken.sentence(secret=False) == "the value breaks the constraint minimum: 1"


async def test_a_check_that_takes_for_ever_is_ended_while_others_go_on(checker: Checker) -> None:
    endless = asyncio.create_task(checker.violations(EVIL, "a" * 40 + "b"))
    done, _ = await asyncio.wait([endless], timeout=0.1)
    assert not done
    with pytest.raises(CheckFailed, match="more than 1 s"):
        await endless
    assert await checker.violations(EVIL, "aa") == []


@pytest.mark.parametrize(
    ("constraints", "why"),
    [
        ({"$ref": "#"}, "without end"),
        (
            {
                "$ref": "#/$defs/d0",
                "$defs": {
                    "d60": {},
                    **{f"d{depth}": {"allOf": [{"$ref": f"#/$defs/d{depth + 1}"}] * 2} for depth in range(60)},
                },
            },
            "more than 1 s",
        ),
        ({"minimum": float("nan")}, "finite"),
        ({"const": "\ud800"}, "surrogate"),
        (loads('{"const":{"a":1,"a":2}}'), "stands twice"),
    ],
    ids=["endless", "exponential", "not finite", "half a character", "ambiguous"],
)
async def test_constraints_that_would_cost_too_much_are_not_taken(checker: Checker, constraints: Any, why: str) -> None:
    with pytest.raises(UnusableConstraints, match=why):
        await checker.canonical(constraints)


async def test_constraints_that_break_the_checker_say_nothing_of_the_value(
    checker: Checker, capfd: pytest.CaptureFixture[str]
) -> None:
    # As a version before this one took them.
    broken = '{"items":{"$ref":"#/enum/0"},"enum":[{"type":"nothing"},["x"]]}'
    with pytest.raises(UnusableConstraints, match="cannot be carried out") as refused:
        await checker.violations(broken, ["hunter2"])
    assert await checker.violations("{}", 1) == []
    said = capfd.readouterr()
    assert "hunter2" not in f"{refused.value}{said.err}{said.out}"


async def test_what_is_broken_at_very_long_places_is_told_apart_and_told(checker: Checker) -> None:
    constraints = await checker.canonical({"additionalProperties": {"items": {"type": "string"}}})
    found = await checker.violations(constraints, {"k" * 30_000: [1] * 200, "k" * 30_001: [1] * 200})
    assert len({violation.place for violation in found}) == len(found) > 100
    assert max(len(violation.place) for violation in found) < 1000


async def test_a_process_that_starts_slowly_is_not_started_anew_by_who_does_not_wait_for_it(
    checker: Checker, monkeypatch: pytest.MonkeyPatch
) -> None:
    started = 0
    start = asyncio.create_subprocess_exec

    async def counted(*program: str, **others: Any) -> asyncio.subprocess.Process:
        nonlocal started
        started += 1
        return await start(*program, **others)

    monkeypatch.setattr(asyncio, "create_subprocess_exec", counted)
    for _ in range(3):
        asking = asyncio.create_task(checker.violations("{}", 1))
        await eventually(lambda: started)
        asking.cancel()
        await asyncio.wait([asking])
    assert await checker.violations("{}", 1) == []
    assert started == 1


async def test_a_check_that_is_given_up_leaves_no_answer_for_the_next(checker: Checker) -> None:
    await checker.violations(EVIL, "a")
    given_up = asyncio.create_task(checker.violations(EVIL, "b"))
    await asyncio.sleep(0)
    given_up.cancel()
    await asyncio.wait([given_up])
    assert given_up.cancelled()
    assert await checker.violations(EVIL, "a") == []
