"""Refused attempts: each is on record, a flood of them is a number, and nobody waits for that."""

from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from typing import Any
from uuid import UUID

import asyncpg
import pytest

from setpoint.errors import RequestFailed
from setpoint.protocol.chain import Origin
from setpoint.protocol.jsonrpc import SYSTEM_ERROR, Call
from setpoint_hub import refusals
from setpoint_hub.audit import Actor, Event
from setpoint_hub.errors import DatabaseUnavailable
from setpoint_hub.refusals import REFUSED, ROWS_A_MINUTE, RefusalBudget, Refusals, attempt
from setpoint_hub.store.audit import Audit
from support.hubs import RunningHub
from support.waiting import eventually

ALICE = Actor(1, UUID(int=1), Origin("192.0.2.7", "curl/8"))
BOB = Actor(2, UUID(int=2), Origin("192.0.2.8", "curl/8"))


def refused(actor: Actor = ALICE) -> Event:
    return Event(REFUSED, actor, env="production", about={"method": "set", "error": "forbidden"})


def further(events: list[Event]) -> list[object]:
    return [event.about.get("further") for event in events]


def test_the_first_of_a_minute_get_rows_and_the_rest_one_that_counts_them() -> None:
    budget = RefusalBudget()
    written = [event for second in range(50) for event in budget.take(refused(), now=float(second))]
    assert further(written) == [None] * ROWS_A_MINUTE
    assert budget.due(now=59.0) == []
    assert further(budget.due(now=60.0)) == [50 - ROWS_A_MINUTE]
    assert budget.due(now=1000.0) == []


def test_the_count_is_written_before_the_next_minutes_first_row() -> None:
    budget = RefusalBudget()
    for _ in range(ROWS_A_MINUTE + 2):
        budget.take(refused(), now=0.0)
    assert further(budget.take(refused(), now=61.0)) == [2, None]


def test_each_token_has_its_own_budget_and_all_without_one_share_theirs() -> None:
    budget = RefusalBudget()
    nobody = Actor(None, None, Origin("192.0.2.9", ""))
    for _ in range(3 * ROWS_A_MINUTE):
        budget.take(refused(), now=0.0)
        budget.take(refused(nobody), now=0.0)
    assert further(budget.take(refused(BOB), now=0.0)) == [None]
    assert further(budget.due(now=60.0)) == [2 * ROWS_A_MINUTE] * 2
    assert budget._windows == {}


@pytest.mark.parametrize(
    ("params", "env", "namespace", "more"),
    [
        ({"env": "production", "namespace": "payments", "key": "a"}, "production", "payments", {}),
        ({"env": "production", "changes": [{"namespace": "a", "value": 5}]}, "production", "a", {}),
        (
            {"env": "production", "changes": [{"namespace": "a", "value": "v"}, {"namespace": "b"}, 5]},
            "production",
            None,
            {"namespaces": ["a", "b"]},
        ),
        ({"source": "staging", "target": "production", "namespaces": ["a", "b"]}, "production", None, None),
        ({"env": 5, "namespace": [5], "changes": "y"}, None, "y", {}),
        ({"review": 7, "text": "yes"}, None, None, {"review": 7}),
        ({"review": "all"}, None, None, {}),
        ({}, None, None, {}),
    ],
)
def test_an_attempt_names_what_was_asked_for_and_no_value(
    params: dict[str, Any], env: str | None, namespace: str | None, more: dict[str, object] | None
) -> None:
    event = attempt(ALICE, Call("set", params, 1), "forbidden")
    assert (event.kind, event.env, event.namespace) == ("refused", env, namespace)
    more = {"namespaces": ["a", "b"]} if more is None else more
    assert event.about == {"method": "set", "error": "forbidden", **more}


@asynccontextmanager
async def refusals_of(hub: RunningHub, audit: Audit) -> AsyncGenerator[tuple[Refusals, Any]]:
    """Refusals that nobody writes by themselves, and a session."""
    async with hub.connect():
        yield Refusals(audit, clock=lambda: 0.0), next(iter(hub.hub._door.sessions))


async def test_only_what_refuses_the_asker_is_noted_and_passed_on_as_it_is(hub: RunningHub) -> None:
    async with refusals_of(hub, Audit(hub.hub._database)) as (noting, session):
        for kind in ("conflict", "invalid_value", "forbidden"):
            error = RequestFailed("no", kind=kind, code=SYSTEM_ERROR)
            with pytest.raises(RequestFailed) as raised, noting.noted(session, Call("set", {"env": "staging"}, 1)):
                raise error
            assert raised.value is error
        await noting.flush()
    async with hub.connect() as wire:
        (told,) = (await wire.ask("audit.log", kind="refused"))["entries"]
        assert (told["about"]["error"], told["env"], told["by"]["name"]) == ("forbidden", "staging", "admin")
        assert told["from"]["address"] == "127.0.0.1"


async def test_what_a_database_that_is_away_cannot_take_waits_bounded(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    monkeypatch.setattr(refusals, "MOST_WAITING", 3)
    audit = Audit(hub.hub._database)
    record = audit.record

    async def away(*_: Event) -> None:
        raise DatabaseUnavailable("away")

    async with refusals_of(hub, audit) as (noting, _session):
        monkeypatch.setattr(audit, "record", away)
        for _ in range(5):
            noting.note(refused(Actor(None, None, Origin("", ""))))
        with pytest.raises(DatabaseUnavailable):
            await noting.flush()
        monkeypatch.setattr(audit, "record", record)
        await noting.flush()
    assert "2 refused attempts were not recorded" in caplog.text
    async with hub.connect() as wire:
        assert len((await wire.ask("audit.log", kind="refused"))["entries"]) == 3


async def test_what_cannot_be_recorded_for_any_reason_does_not_end_the_hub(
    hub: RunningHub, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    audit, noting = hub.hub._audit, hub.hub._refusals
    record = audit.record

    async def broken(*_: Event) -> None:
        raise asyncpg.InsufficientPrivilegeError("permission denied for table auditevent")

    monkeypatch.setattr(audit, "record", broken)
    noting.note(refused(Actor(None, None, Origin("", ""))))
    await eventually(lambda: "refused attempts were not recorded" in caplog.text)
    monkeypatch.setattr(audit, "record", record)
    async with hub.connect() as wire:

        async def recorded() -> bool:
            return len((await wire.ask("audit.log", kind="refused"))["entries"]) == 1

        await eventually(recorded)
