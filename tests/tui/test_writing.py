"""A write whose answer is lost: what became of it is found out, and it is never made twice."""

import asyncio
from typing import Any

import pytest

from setpoint.errors import RequestFailed
from setpoint_tui.link import HubLink
from setpoint_tui.writing import NotWritten, OutcomeUnknown, Patience, Written, write
from tui.scripted_hub import HangUp, ScriptedHub, scripted_hub

REQUEST = "8f0c8f5e-3a30-4c0e-9a51-0242ac120002"
QUICK = Patience(reconnect=0.3, settle=0.1)
CHANGE_SET = {"env": "staging", "revision": 7, "changes": []}
RECEIPT = {"instances": 2}


def hang_up(_params: dict[str, Any]) -> Any:
    raise HangUp


def found(_params: dict[str, Any]) -> Any:
    return {"found": True, "env": "staging", "revision": 7, "change_set": "c"}


def not_found(_params: dict[str, Any]) -> Any:
    return {"found": False}


async def write_to(hub: ScriptedHub, patience: Patience = QUICK) -> Written:
    async with HubLink.open(hub.connection) as link:
        return await write(link, "set", {"env": "staging"}, request_id=REQUEST, wait=2, patience=patience)


async def test_a_write_carries_its_request_id_and_how_long_to_wait() -> None:
    async with scripted_hub(set=lambda params: params) as hub:
        written = await write_to(hub)

    assert written == Written({"env": "staging", "request_id": REQUEST, "wait": 2})


async def test_a_change_that_was_made_is_found_by_its_request_id() -> None:
    answers = {"change_set_get": lambda _p: CHANGE_SET, "receipt": lambda _p: RECEIPT}
    async with scripted_hub(set=hang_up, request_status=found, **answers) as hub:
        hub.answers["change_set.get"] = hub.answers.pop("change.set_get")
        written = await write_to(hub)

    assert written.answer_lost
    assert written.result == {**CHANGE_SET, "repeated": False, "receipt": RECEIPT}
    assert ("request.status", {"request_id": REQUEST}) in hub.asked
    assert hub.times_asked("set") == 1


async def test_a_change_that_waits_as_a_review_is_told_at_once() -> None:
    def waits(_params: dict[str, Any]) -> Any:
        return {"found": False, "env": "production", "review": 88}

    async with scripted_hub(set=hang_up, request_status=waits) as hub:
        with pytest.raises(RequestFailed, match="waits as review 88") as refused:
            await write_to(hub, Patience(reconnect=60, settle=60))

    assert (refused.value.kind, refused.value.data) == ("review_required", {"review": 88})
    assert hub.times_asked("request.status") == 1


async def test_a_change_that_was_not_made_is_told_and_not_made_again() -> None:
    async with scripted_hub(set=hang_up, request_status=not_found) as hub:
        with pytest.raises(NotWritten, match="nothing was changed"):
            await write_to(hub)

    assert hub.times_asked("set") == 1


async def test_a_commit_that_is_still_under_way_is_waited_for() -> None:
    answers = iter([{"found": False}, found({})])
    async with scripted_hub(set=hang_up, request_status=lambda _p: next(answers), receipt=lambda _p: RECEIPT) as hub:
        hub.answers["change_set.get"] = lambda _params: CHANGE_SET
        written = await write_to(hub, Patience(reconnect=2, settle=2))

    assert written.result["revision"] == 7


async def test_an_answer_that_says_it_does_not_know_is_asked_after_too() -> None:
    def unsure(_params: dict[str, Any]) -> Any:
        raise RequestFailed("the database went away", kind="unavailable", data={"outcome": "unknown"})

    async with scripted_hub(set=unsure, request_status=not_found) as hub:
        with pytest.raises(NotWritten):
            await write_to(hub)


@pytest.mark.parametrize("data", [{}, {"outcome": "unchanged"}])
async def test_a_refusal_is_passed_on(data: dict[str, Any]) -> None:
    def refuse(_params: dict[str, Any]) -> Any:
        raise RequestFailed("the database is away", kind="unavailable", data=data)

    async with scripted_hub(set=refuse) as hub:
        with pytest.raises(RequestFailed, match="the database is away"):
            await write_to(hub)

    assert hub.times_asked("request.status") == 0


async def test_when_no_hub_can_be_asked_the_request_id_is_told() -> None:
    async with scripted_hub(set=hang_up, request_status=hang_up) as hub:
        with pytest.raises(OutcomeUnknown, match=f"setpoint status --request {REQUEST}"):
            await write_to(hub)

    assert hub.times_asked("set") == 1
    assert hub.times_asked("request.status") > 1


async def test_an_interrupted_write_stays_interrupted() -> None:
    asked = asyncio.Event()

    async def never(_params: dict[str, Any]) -> Any:
        asked.set()
        await asyncio.Event().wait()

    async with scripted_hub(set=never) as hub:
        writing = asyncio.create_task(write_to(hub))
        await asked.wait()
        writing.cancel()
        with pytest.raises(asyncio.CancelledError):
            await writing
