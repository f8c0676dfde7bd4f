"""A request id makes a write happen once: asked again it answers what happened, and changes nothing."""

import asyncio
from uuid import uuid4

import pytest

from support.hubs import Hubs, RunningHub, issue_token
from support.wire import Refused, Wire


async def test_the_same_request_again_gets_the_same_answer_and_changes_nothing(wire: Wire) -> None:
    request_id = str(uuid4())
    first = await wire.set(3, request_id=request_id)
    await wire.set(4)
    again = await wire.set(3, request_id=request_id)
    assert again == {**first, "repeated": True}
    assert await wire.revision() == 2


async def test_the_same_request_through_another_hub_gets_the_same_answer(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2)
    request_id = str(uuid4())
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        answers = [await one.set(3, request_id=request_id), await two.set(3, request_id=request_id)]
    assert answers[1] == {**answers[0], "repeated": True}


@pytest.mark.parametrize(
    "other",
    [
        {"value": 4},
        {"env": "development"},
        {"note": "another"},
        {"expected_version": None},
        {"expires_in": 60},
        {"confirm_within": 60},
        {"ticket": "OPS-1"},
        {"break_glass": True, "note": "why"},
    ],
    ids=lambda other: next(iter(other)),
)
async def test_the_id_with_another_request_is_a_conflict(wire: Wire, other: dict[str, object]) -> None:
    request_id = str(uuid4())
    await wire.set(3, request_id=request_id)
    with pytest.raises(Refused) as refused:
        await wire.set(**{"value": 3, "request_id": request_id, **other})  # type: ignore[arg-type]
    assert refused.value.kind == "conflict"
    assert await wire.revision() == 1
    assert await wire.revision("development") == 0


async def test_the_id_used_by_another_person_is_a_conflict(wire: Wire, hub: RunningHub, database_url: str) -> None:
    request_id = str(uuid4())
    await wire.set(3, request_id=request_id)
    token, _ = await issue_token(database_url, name="mallory")
    async with hub.connect_once_known(token) as other:
        with pytest.raises(Refused) as refused:
            await other.set(3, request_id=request_id)
    assert refused.value.kind == "conflict"


async def test_an_id_that_races_in_two_environments_is_used_once(wire: Wire, hub: RunningHub) -> None:
    async with hub.connect() as other:
        for value in range(20):
            request_id = str(uuid4())
            asked = [(wire, "staging"), (other, "development")]
            ended = await asyncio.gather(
                *(one.set(value, env=env, request_id=request_id) for one, env in asked), return_exceptions=True
            )
            refused = [end for end in ended if isinstance(end, Refused)]
            assert [end.kind for end in refused] == ["conflict"]
    assert await wire.revision() + await wire.revision("development") == 20


async def test_duplicates_that_race_through_two_hubs_make_one_change(hubs: Hubs) -> None:
    first, second = await hubs.start_many(2)
    request_id = str(uuid4())
    async with first.connect() as one, second.connect() as two:
        await one.create_key()
        answers = await asyncio.gather(*(wire.set(3, request_id=request_id) for wire in (one, two) * 10))
        assert await one.revision() == 1
    assert {answer["change_set"] for answer in answers} == {answers[0]["change_set"]}
    assert [answer["repeated"] for answer in answers].count(False) == 1


async def test_a_refused_request_leaves_its_id_unused(wire: Wire) -> None:
    request_id = str(uuid4())
    with pytest.raises(Refused):
        await wire.set(3, request_id=request_id, expected_version=str(uuid4()))
    assert await wire.ask("request.status", request_id=request_id) == {"found": False}
    assert (await wire.set(3, request_id=request_id))["repeated"] is False


async def test_what_became_of_a_request_can_be_asked(wire: Wire) -> None:
    request_id = str(uuid4())
    answer = await wire.set(3, request_id=request_id)
    assert await wire.ask("request.status", request_id=request_id) == {
        "found": True,
        "env": "staging",
        "revision": 1,
        "change_set": answer["change_set"],
    }


async def test_a_rollback_asked_twice_happens_once(wire: Wire) -> None:
    version = (await wire.set(3))["changes"][0]["version"]
    await wire.set(5)
    asked = {"env": "staging", "request_id": str(uuid4())}
    asked_version = {**asked, "namespace": "payments", "key": "max_retries", "version": version}
    first, again = [await wire.ask("rollback", **asked_version) for _ in range(2)]
    assert again == {**first, "repeated": True}

    asked_set = {**asked, "request_id": str(uuid4()), "change_set": 3}
    first, again = [await wire.ask("rollback", **asked_set) for _ in range(2)]
    assert again == {**first, "repeated": True}
    assert await wire.revision() == 4
