"""Reviews of protected environments: nothing gets past them, and what was approved is what is applied."""

import asyncio
from collections.abc import AsyncGenerator, Awaitable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import UUID, uuid4

import asyncpg
import pytest

from setpoint_hub.errors import DatabaseUnavailable
from setpoint_hub.metrics import STATEMENTS
from setpoint_hub.store import reviews
from setpoint_hub.store.intents import Author
from setpoint_hub.store.reviews import DueReview
from support.hubs import Hubs, RunningHub, issue_token
from support.waiting import eventually
from support.wire import Refused, Wire

KEY = {"namespace": "payments", "key": "max_retries"}
_REVOKE = """
    WITH changed AS (UPDATE Installation SET access_revision = access_revision + 1)
    UPDATE Token SET revoked_at = clock_timestamp() WHERE token_id = $1
"""
_SOON = "UPDATE Review SET apply_at = clock_timestamp() WHERE review_id = $1"


@dataclass(frozen=True)
class People:
    """Connections of an admin, an editor and three approvers."""

    admin: Wire
    alice: Wire
    bob: Wire
    carol: Wire
    dave: Wire

    async def approvals(self, needed: int) -> None:
        """Have production need so many."""
        await self.admin.ask("environment.protect", env="production", protected=True, required_approvals=needed)


@pytest.fixture
async def people(hub: RunningHub, wire: Wire, database_url: str) -> AsyncGenerator[People]:
    """The people of a test; `production` needs one approval, and `payments/max_retries` has no value there."""
    roles = {"alice": "editor", "bob": "approver", "carol": "approver", "dave": "approver"}
    async with AsyncExitStack() as stack:
        tokens = {name: (await issue_token(database_url, name=name, role=role))[0] for name, role in roles.items()}
        wires = {"admin": wire}
        for name, token in tokens.items():
            wires[name] = await stack.enter_async_context(hub.connect_once_known(token))
        yield People(**wires)


async def fill(people: People, value: object = 3, key: str = "max_retries") -> int:
    """Give production a value as an admin may; return the revision."""
    done = await people.admin.set(value, key, env="production", note="to begin with", break_glass=True)
    return int(done["revision"])


async def propose(wire: Wire, value: object = 5, key: str = "max_retries", **others: Any) -> int:
    """Write to production, which becomes a review; return its number."""
    with pytest.raises(Refused) as refused:
        await wire.set(value, key, **{"env": "production", "note": "fewer parked orders", **others})
    assert refused.value.kind == "review_required"
    return int(refused.value.data["review"])


async def value_in_production(wire: Wire, key: str = "max_retries") -> Any:
    held = (await wire.ask("key.get", namespace="payments", key=key))["environments"].get("production")
    return None if held is None else held["value"]


async def kinds(*attempts: Awaitable[Any]) -> list[str]:
    """Return how each of these ended: `done` or the kind of its refusal."""
    ended = await asyncio.gather(*attempts, return_exceptions=True)
    return [end.kind or "" if isinstance(end, Refused) else "done" for end in ended]


async def test_a_write_to_a_protected_environment_becomes_a_review(people: People) -> None:
    await people.approvals(2)
    refused = await people.alice.refusal(
        "set", env="production", changes=[{**KEY, "value": 5}], note="why", ticket="OPS-1"
    )
    number = refused.data["review"]
    assert refused.kind == "review_required"
    assert refused.data == {
        "kind": "review_required",
        "review": number,
        "env": "production",
        "required_approvals": 2,
    }
    assert refused.message == f"production is protected: this is now review {number} and waits for 2 approvals"
    assert await people.admin.revision("production") == 0

    found = await people.alice.ask("review.get", review=number)
    assert (found["state"], found["reason"], found["ticket"], found["how"]) == ("open", "why", "OPS-1", "set")
    assert (found["author"]["name"], found["base_revision"]) == ("alice", 0)
    assert found["approvals"] == {"needed": 2, "given": 0}
    assert all(check["ok"] for check in found["checks"])
    (change,) = found["changes"]
    assert (change["new"], "old" in change, change["previous_version"], change["moved"]) == (5, False, None, False)


async def test_who_proposes_without_a_reason_is_told_and_nothing_is_made(people: People) -> None:
    for note in ("", "  "):
        refused = await people.alice.refusal("set", env="production", changes=[{**KEY, "value": 5}], note=note)
        assert (refused.code, "why" in refused.message) == (-32602, True)
    assert (await people.alice.ask("review.list"))["reviews"] == []


async def test_the_same_request_again_is_the_same_review(people: People) -> None:
    request_id = str(uuid4())
    numbers = {await propose(people.alice, request_id=request_id) for _ in range(3)}
    assert len(numbers) == 1
    fate = await people.alice.ask("request.status", request_id=request_id)
    assert fate == {"found": False, "env": "production", "review": numbers.pop()}
    with pytest.raises(Refused) as refused:
        await people.alice.set(6, env="production", note="another", request_id=request_id)
    assert refused.value.kind == "conflict"
    with pytest.raises(Refused) as refused:
        await people.bob.set(5, env="production", note="fewer parked orders", request_id=request_id)
    assert refused.value.kind == "conflict"


async def test_the_same_request_again_tells_what_became_of_its_review(people: People) -> None:
    change = {"env": "production", "changes": [{**KEY, "value": 5}], "note": "fewer parked orders"}
    applied, rejected = ({**change, "request_id": str(uuid4())} for _ in range(2))
    first, second = [(await people.alice.refusal("set", **one)).data["review"] for one in (applied, rejected)]
    await people.bob.ask("review.approve", review=first)
    await people.bob.ask("review.reject", review=second)
    revision = (await people.alice.ask("review.apply", review=first))["revision"]
    again = await people.alice.refusal("set", **applied)
    assert (again.kind, again.data["review"]) == ("review_required", first)
    assert again.message == f"this is review {first}, which was applied as revision {revision} of production"
    again = await people.alice.refusal("set", **rejected)
    assert again.message == f"this is review {second}, which was rejected"


async def test_duplicates_that_race_make_one_review(people: People) -> None:
    request_id = str(uuid4())
    numbers = await asyncio.gather(*(propose(people.alice, request_id=request_id) for _ in range(20)))
    assert len(set(numbers)) == 1
    assert len((await people.alice.ask("review.list"))["reviews"]) == 1


async def test_a_review_goes_from_proposal_to_change(people: People) -> None:
    await fill(people)
    number = await propose(people.alice)
    approved = await people.bob.ask("review.approve", review=number, text="looks right")
    assert (approved["state"], approved["approvals"]) == ("approved", {"needed": 1, "given": 1})
    assert await value_in_production(people.admin) == 3

    done = await people.alice.ask("review.apply", review=number)
    assert (done["review"], done["revision"], done["changes"][0]["new"]) == (number, 2, 5)
    told = await people.admin.ask("change_set.get", env="production", revision=2)
    assert (told["how"], told["by"]["name"], told["note"]) == (f"review {number}", "alice", "fewer parked orders")
    found = await people.alice.ask("review.get", review=number)
    assert (found["state"], found["applied_revision"]) == ("applied", 2)
    assert [(one["kind"], one["by"]["name"], one["text"]) for one in found["decisions"]] == [
        ("approve", "bob", "looks right"),
        ("apply", "alice", "r2"),
    ]


async def test_the_change_set_names_who_applied_and_the_review_who_proposed(people: People) -> None:
    number = await propose(people.alice)
    await people.bob.ask("review.approve", review=number)
    await people.carol.ask("review.apply", review=number)
    assert (await people.admin.ask("change_set.get", env="production", revision=1))["by"]["name"] == "carol"
    assert (await people.admin.ask("review.get", review=number))["author"]["name"] == "alice"


async def test_nobody_approves_their_own_by_whichever_token(people: People, hub: RunningHub, database_url: str) -> None:
    number = await propose(people.bob)
    refused = await people.bob.refusal("review.approve", review=number)
    assert (refused.kind, "your own" in refused.message) == ("forbidden", True)
    for role in ("approver", "admin"):
        token, _ = await issue_token(database_url, name="bob", role=role)
        async with hub.connect_once_known(token) as second:
            assert (await second.refusal("review.approve", review=number)).kind == "forbidden"
            assert (await second.refusal("review.reject", review=number)).kind == "forbidden"
    assert (await people.bob.ask("review.get", review=number))["approvals"]["given"] == 0


async def test_an_own_approval_that_came_in_past_the_hub_does_not_count(
    people: People, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    number = await propose(people.alice)
    await database.execute(
        """INSERT INTO ReviewDecision (review_id, kind, decided_by, token_id, diff_hash)
           SELECT review_id, 'approve', author, token_id, diff_hash FROM Review WHERE review_id = $1""",
        number,
    )
    found = await people.bob.ask("review.get", review=number)
    assert (found["state"], found["approvals"]["given"], found["decisions"][0]["counts"]) == ("open", 0, False)
    assert (await people.alice.refusal("review.apply", review=number)).kind == "review_required"


async def test_one_person_is_one_approval_by_whichever_token(
    people: People, hub: RunningHub, database_url: str
) -> None:
    await people.approvals(2)
    number = await propose(people.alice)
    token, _ = await issue_token(database_url, name="bob", role="admin")
    async with hub.connect_once_known(token) as second:
        for wire in (people.bob, people.bob, second):
            found = await wire.ask("review.approve", review=number)
            assert (found["state"], found["approvals"]["given"]) == ("open", 1)
    refused = await people.alice.refusal("review.apply", review=number)
    assert (refused.kind, "1 of 2" in refused.message) == ("review_required", True)
    assert (await people.carol.ask("review.approve", review=number))["state"] == "approved"


async def test_an_editor_cannot_approve_reject_or_apply_for_others(people: People) -> None:
    number = await propose(people.bob)
    for method in ("review.approve", "review.reject", "review.apply", "review.withdraw", "review.rebase"):
        assert (await people.alice.refusal(method, review=number)).kind == "forbidden", method


async def test_a_moved_base_is_not_approved_and_not_applied_until_it_is_rebased(people: People) -> None:
    await fill(people, 3)
    number = await propose(people.alice)
    before = (await people.bob.ask("review.approve", review=number))["diff_hash"]
    await fill(people, 4)

    stale = await people.carol.ask("review.get", review=number)
    assert stale["state"] == "stale"
    assert [(one["old"], one["new"], one["moved"], one["now"]) for one in stale["changes"]] == [(3, 5, True, 4)]
    for wire, method in ((people.carol, "review.approve"), (people.alice, "review.apply")):
        refused = await wire.refusal(method, review=number)
        assert (refused.kind, "payments/max_retries" in refused.message) == ("conflict", True)
        assert refused.data["conflicts"][0]["expected_version"] == stale["changes"][0]["previous_version"]
    assert await value_in_production(people.admin) == 4

    rebased = await people.alice.ask("review.rebase", review=number)
    assert (rebased["state"], rebased["approvals"]["given"], rebased["base_revision"]) == ("open", 0, 2)
    assert rebased["diff_hash"] != before
    assert [(one["kind"], one.get("counts")) for one in rebased["decisions"]] == [("approve", False), ("rebase", None)]
    assert (await people.alice.refusal("review.apply", review=number)).kind == "review_required"
    await people.bob.ask("review.approve", review=number)
    assert (await people.alice.ask("review.apply", review=number))["changes"][0]["old"] == 4


async def test_a_rebase_without_need_takes_approvals_away_only_when_the_diff_is_another(people: People) -> None:
    number = await propose(people.alice)
    await people.bob.ask("review.approve", review=number)
    assert (await people.alice.ask("review.rebase", review=number))["approvals"]["given"] == 1


async def test_a_base_that_moves_in_another_key_does_not_matter(people: People) -> None:
    await people.admin.create_key("other")
    number = await propose(people.alice)
    await people.bob.ask("review.approve", review=number)
    await fill(people, 1, "other")
    assert (await people.alice.ask("review.apply", review=number))["revision"] == 2


async def test_what_is_shown_while_it_changes_is_of_one_moment(people: People) -> None:
    await fill(people, 0)
    number = await propose(people.alice)
    bases: dict[str, str] = {}

    async def look() -> None:
        found = await people.bob.ask("review.get", review=number)
        (change,) = found["changes"]
        # One diff has one base, and a base that moved has its review stale.
        assert bases.setdefault(found["diff_hash"], change["previous_version"]) == change["previous_version"]
        assert (found["state"] == "stale") == change["moved"]

    async def move() -> None:
        for value in range(1, 8):
            await fill(people, value)
            await people.alice.ask("review.rebase", review=number)

    moving = asyncio.create_task(move())
    while not moving.done():
        await asyncio.gather(*(look() for _ in range(4)))
    await moving
    assert len(bases) > 1


async def test_who_approves_says_which_diff_was_looked_at(people: People) -> None:
    await fill(people, 3)
    number = await propose(people.alice)
    seen = (await people.bob.ask("review.get", review=number))["diff_hash"]
    await fill(people, 4)
    await people.alice.ask("review.rebase", review=number)
    refused = await people.bob.refusal("review.approve", review=number, diff_hash=seen)
    assert (refused.kind, "look again" in refused.message) == ("conflict", True)
    shown = (await people.bob.ask("review.get", review=number))["diff_hash"]
    assert (await people.bob.ask("review.approve", review=number, diff_hash=shown))["state"] == "approved"


async def test_applying_twice_gets_the_same_answer_or_is_told(people: People) -> None:
    number = await propose(people.alice)
    await people.bob.ask("review.approve", review=number)
    first = await people.alice.ask("review.apply", review=number)
    assert await people.alice.ask("review.apply", review=number) == {**first, "repeated": True}
    refused = await people.bob.refusal("review.apply", review=number)
    assert (refused.kind, "revision 1" in refused.message) == ("conflict", True)
    assert await people.admin.revision("production") == 1


async def test_racing_applies_make_one_change(people: People, hubs: Hubs) -> None:
    other = await hubs.start()
    number = await propose(people.alice)
    await people.bob.ask("review.approve", review=number)
    async with other.connect() as elsewhere:
        wires = (people.alice, people.bob, people.admin, elsewhere) * 5
        ended = await kinds(*(wire.ask("review.apply", review=number) for wire in wires))
    assert set(ended) <= {"done", "conflict"}
    # Of those who race, one person did it; asking again, that person gets the same answer.
    assert ended.count("done") in (5, 10)
    assert await people.admin.revision("production") == 1
    assert await value_in_production(people.admin) == 5


async def test_racing_approvals_are_counted_by_person(people: People) -> None:
    await people.approvals(4)
    number = await propose(people.alice)
    wires = (people.bob, people.carol, people.dave, people.alice) * 5
    ended = await kinds(*(wire.ask("review.approve", review=number) for wire in wires))
    assert [ended.count(kind) for kind in ("done", "forbidden")] == [15, 5]
    found = await people.alice.ask("review.get", review=number)
    assert (found["state"], found["approvals"]) == ("open", {"needed": 4, "given": 3})
    assert [one["kind"] for one in found["decisions"]] == ["approve"] * 3


async def test_an_approval_that_races_a_rebase_never_counts_for_another_diff(people: People) -> None:
    await fill(people, 3)
    number = await propose(people.alice)
    seen = (await people.bob.ask("review.get", review=number))["diff_hash"]
    await fill(people, 4)
    await kinds(
        *(
            attempt
            for _ in range(10)
            for attempt in (
                people.bob.ask("review.approve", review=number, diff_hash=seen),
                people.alice.ask("review.rebase", review=number),
            )
        )
    )
    found = await people.alice.ask("review.get", review=number)
    assert (found["diff_hash"] != seen, found["approvals"]["given"]) == (True, 0)


async def test_an_apply_that_races_a_change_of_its_base_is_whole_or_not_at_all(people: People) -> None:
    await people.admin.create_key("other")
    changes = [{**KEY, "value": 5}, {**KEY, "key": "other", "value": 5}]
    made = await people.alice.ask("review.create", env="production", changes=changes, note="both")
    await people.bob.ask("review.approve", review=made["id"])
    await kinds(people.alice.ask("review.apply", review=made["id"]), fill(people, 9, "other"))
    found = await people.admin.ask("review.get", review=made["id"])
    held = [await value_in_production(people.admin, key) for key in ("max_retries", "other")]
    assert (found["state"], held) in [("applied", [5, 9]), ("stale", [None, 9])]


async def test_a_rejected_review_cannot_be_applied_approved_or_rebased(people: People) -> None:
    number = await propose(people.alice)
    await people.bob.ask("review.approve", review=number)
    assert (await people.carol.ask("review.reject", review=number, text="not on a Friday"))["state"] == "rejected"
    for wire, method in (
        (people.alice, "review.apply"),
        (people.carol, "review.approve"),
        (people.alice, "review.rebase"),
        (people.alice, "review.withdraw"),
    ):
        assert (await wire.refusal(method, review=number)).kind == "conflict", method
    refused = await people.admin.refusal("review.apply", review=number, break_glass=True, note="I insist")
    assert refused.kind == "conflict"
    assert await people.admin.revision("production") == 0


async def test_its_author_withdraws_a_review_and_anybody_comments(people: People) -> None:
    number = await propose(people.alice)
    assert (await people.admin.refusal("review.withdraw", review=number)).kind == "forbidden"
    await people.bob.ask("review.comment", review=number, text="why now?")
    assert (await people.bob.refusal("review.comment", review=number, text=" ")).code == -32602
    assert (await people.alice.ask("review.withdraw", review=number))["state"] == "withdrawn"
    found = await people.alice.ask("review.comment", review=number, text="later then")
    assert [(one["kind"], one["text"]) for one in found["decisions"]] == [
        ("comment", "why now?"),
        ("withdraw", ""),
        ("comment", "later then"),
    ]


async def test_what_the_asker_may_do_is_told_with_the_reason(people: People) -> None:
    number = await propose(people.alice)

    async def allowed(wire: Wire) -> set[str]:
        may = (await wire.ask("review.get", review=number))["may"]
        assert all((one["why"] is None) == one["allowed"] for one in may.values())
        return {action for action, one in may.items() if one["allowed"]}

    assert await allowed(people.alice) == {"comment", "withdraw", "rebase", "schedule"}
    assert await allowed(people.bob) == {"approve", "reject", "comment", "schedule"}
    await people.bob.ask("review.approve", review=number)
    assert "apply" in await allowed(people.alice)
    assert "break_glass" in await allowed(people.admin)


async def test_review_create_answers_with_the_review_also_where_nothing_is_protected(people: People) -> None:
    changes = [{**KEY, "value": 5}]
    made = await people.alice.ask("review.create", env="staging", changes=changes, note="look at this", ticket="OPS-2")
    assert (made["state"], made["approvals"]["needed"], made["ticket"]) == ("approved", 0, "OPS-2")
    assert await people.admin.revision("staging") == 0
    assert (await people.alice.ask("review.apply", review=made["id"]))["env"] == "staging"


async def test_a_promotion_into_a_protected_environment_is_reviewed(people: People) -> None:
    await people.alice.set(5)
    asked = {"source": "staging", "target": "production", "note": "it held in staging"}
    refused = await people.alice.refusal("promote", **asked)
    assert refused.kind == "review_required"
    assert await people.admin.revision("production") == 0
    found = await people.bob.ask("review.approve", review=refused.data["review"])
    assert (found["how"], found["changes"][0]["new"]) == ("promotion from staging r1", 5)
    await people.alice.ask("review.apply", review=refused.data["review"])
    assert await value_in_production(people.admin) == 5

    await people.alice.set(6)
    assert (await people.alice.refusal("promote", **asked, break_glass=True)).kind == "forbidden"
    done = await people.admin.ask("promote", **asked, break_glass=True)
    told = await people.admin.ask("change_set.get", env="production", revision=done["revision"])
    assert told["how"] == "break glass: promotion from staging r2"


async def test_no_method_that_writes_values_gets_past_the_protection(people: People, hub: RunningHub) -> None:
    """Whoever adds one has to add it here: each is tried on production, which stays as it is."""
    await people.admin.create_key("other")
    await fill(people, 1, "other")
    await fill(people, 2)
    await people.alice.set(5)
    version = (await fill_and_find(people))["previous_version"]
    head = await people.admin.revision("production")
    asked: dict[str, dict[str, Any]] = {
        "set": {"env": "production", "changes": [{**KEY, "value": 9}]},
        "rollback": {"env": "production", **KEY, "version": version},
        "promote": {"source": "staging", "target": "production"},
    }
    for method, params in asked.items():
        refused = await people.alice.refusal(method, **params, note="why")
        assert refused.kind == "review_required", method
    assert await people.admin.revision("production") == head
    writing = {method.name for method in hub.hub._registry.methods if "break_glass" in method.params.model_fields}
    assert writing == {*asked, "review.create", "review.apply"}


async def fill_and_find(people: People) -> Any:
    """Change production once more, and return the newest change of its key."""
    await fill(people, 3)
    return (await people.admin.ask("history", env="production", **KEY))["changes"][0]


async def test_a_deletion_is_reviewed_too(people: People) -> None:
    await fill(people)
    changes = [{**KEY, "delete": True}]
    made = await people.alice.ask("review.create", env="production", changes=changes, note="not used any more")
    await people.bob.ask("review.approve", review=made["id"])
    await people.alice.ask("review.apply", review=made["id"])
    assert await value_in_production(people.admin) is None


async def test_a_proposal_that_could_not_be_carried_out_is_refused_at_once(people: People) -> None:
    refused = await people.alice.refusal("set", env="production", changes=[{**KEY, "delete": True}], note="why")
    assert refused.kind == "not_found"
    stale = {**KEY, "value": 5, "expected_version": str(uuid4())}
    assert (await people.alice.refusal("set", env="production", changes=[stale], note="why")).kind == "conflict"
    bad = {**KEY, "value": "five"}
    assert (await people.alice.refusal("set", env="production", changes=[bad], note="why")).kind == "invalid_value"
    assert (await people.alice.ask("review.list"))["reviews"] == []


async def test_the_newest_change_is_rolled_back_by_one_other_approver_at_once(people: People) -> None:
    await people.approvals(2)
    await fill(people, 3)
    number = await propose(people.alice)
    for wire in (people.bob, people.carol):
        await wire.ask("review.approve", review=number)
    head = (await people.bob.ask("review.apply", review=number))["revision"]
    # Bob applied it, but it is Alice's change.
    done = await people.bob.ask("rollback", env="production", change_set=head, note="errors rise")
    assert (done["changes"][0]["new"], done["revision"]) == (3, head + 1)
    told = await people.admin.ask("change_set.get", env="production", revision=head + 1)
    assert (told["how"], told["by"]["name"]) == (f"rollback of {head}", "bob")


async def test_its_author_rolls_the_newest_change_back_with_one_approval(people: People) -> None:
    await people.approvals(2)
    await fill(people, 3)
    number = await propose(people.dave)
    for wire in (people.bob, people.carol):
        await wire.ask("review.approve", review=number)
    head = (await people.bob.ask("review.apply", review=number))["revision"]

    refused = await people.dave.refusal("rollback", env="production", change_set=head, note="errors rise")
    assert (refused.kind, refused.data["required_approvals"]) == ("review_required", 1)
    await people.carol.ask("review.approve", review=refused.data["review"])
    assert (await people.dave.ask("review.apply", review=refused.data["review"]))["changes"][0]["new"] == 3


async def test_an_editors_rollback_of_the_newest_needs_one_approval_and_more_once_it_is_not(people: People) -> None:
    await people.admin.create_key("other")
    await people.approvals(2)
    await fill(people, 3)
    head = await fill(people, 4)
    refused = await people.alice.refusal("rollback", env="production", change_set=head, note="errors rise")
    assert refused.data["required_approvals"] == 1
    assert (await people.bob.ask("review.approve", review=refused.data["review"]))["state"] == "approved"
    await fill(people, 1, "other")
    assert (await people.bob.ask("review.get", review=refused.data["review"]))["approvals"]["needed"] == 2
    assert (await people.alice.refusal("review.apply", review=refused.data["review"])).kind == "review_required"


async def test_one_key_of_the_newest_change_goes_back_to_what_it_was_and_nowhere_else(people: People) -> None:
    versions = []
    for value in (1, 2, 3):
        await fill(people, value)
        found = await people.admin.ask("key.get", namespace="payments", key="max_retries")
        versions.append(found["environments"]["production"]["version"])
    asked = {"env": "production", **KEY, "note": "errors rise"}
    refused = await people.bob.refusal("rollback", **asked, version=versions[0])
    assert refused.kind == "review_required"
    done = await people.bob.ask("rollback", **asked, version=versions[1])
    assert done["changes"][0]["new"] == 2


async def test_an_older_change_is_rolled_back_by_a_review(people: People) -> None:
    await people.admin.create_key("other")
    await fill(people, 3)
    await fill(people, 1, "other")
    refused = await people.bob.refusal("rollback", env="production", change_set=1, note="errors rise")
    assert refused.kind == "review_required"
    assert await people.admin.revision("production") == 2


async def test_what_was_taken_back_comes_back_by_a_whole_review(people: People) -> None:
    await people.approvals(2)
    await fill(people, 3)
    head = await fill(people, 4)
    taken = await people.bob.ask("rollback", env="production", change_set=head, note="errors rise")
    assert taken["changes"][0]["new"] == 3
    number = await refused_rollback(people.carol, head + 1)
    for wire in (people.bob, people.dave):
        await wire.ask("review.approve", review=number)
    await people.carol.ask("review.apply", review=number)
    # Nor is a rollback that was reviewed, or that broke the glass, taken back by one.
    await refused_rollback(people.dave, head + 2)
    await people.admin.ask("rollback", env="production", change_set=head + 2, note="now", break_glass=True)
    await refused_rollback(people.dave, head + 3)


async def refused_rollback(wire: Wire, revision: int) -> int:
    """Ask for a rollback that becomes a review with all approvals; return its number."""
    refused = await wire.refusal("rollback", env="production", change_set=revision, note="it was fine")
    assert (refused.kind, refused.data["required_approvals"]) == ("review_required", 2)
    return int(refused.data["review"])


@pytest.mark.parametrize("term", ["expires_in", "confirm_within"])
async def test_what_was_approved_for_a_time_is_not_brought_back_for_good_by_one(
    people: People, database: "asyncpg.Connection[asyncpg.Record]", term: str
) -> None:
    await people.approvals(2)
    await fill(people, 3)
    terms: dict[str, Any] = {term: 3600}
    number = await propose(people.alice, 9, **terms)
    for wire in (people.bob, people.carol):
        await wire.ask("review.approve", review=number)
    version = (await people.bob.ask("review.apply", review=number))["changes"][0]["version"]
    await database.execute("UPDATE Deadline SET due_at = clock_timestamp()")
    await eventually(lambda: has_value(people.admin, 3))
    for asked in ({"change_set": 3}, {**KEY, "version": version}):
        refused = await people.dave.refusal("rollback", env="production", note="it was fine", **asked)
        assert (refused.kind, refused.data["required_approvals"]) == ("review_required", 2)
    assert await value_in_production(people.admin) == 3


async def test_a_value_that_was_to_end_is_not_put_back_for_good_by_one(people: People) -> None:
    await people.admin.set(9, env="production", note="for the sale", break_glass=True, expires_in=3600)
    head = await fill(people, 4)
    refused = await people.bob.refusal("rollback", env="production", change_set=head, note="errors rise")
    assert refused.kind == "review_required"
    assert await value_in_production(people.admin) == 4


async def test_a_value_that_was_confirmed_is_put_back_by_one(people: People) -> None:
    await people.admin.set(9, env="production", note="for the sale", break_glass=True, confirm_within=3600)
    await people.admin.ask("change.confirm", env="production", revision=1)
    head = await fill(people, 4)
    done = await people.bob.ask("rollback", env="production", change_set=head, note="errors rise")
    assert done["changes"][0]["new"] == 9


async def has_value(wire: Wire, value: object) -> bool:
    return bool(await value_in_production(wire) == value)


async def test_racing_rollbacks_of_the_newest_take_back_one_change(people: People) -> None:
    for value in (1, 2, 3):
        await fill(people, value)
    attempts = [
        wire.ask("rollback", env="production", change_set=3, note="errors rise")
        for wire in (people.bob, people.carol, people.dave) * 6
    ]
    ended = await kinds(*attempts)
    assert ended.count("done") == 1
    assert set(ended) == {"done", "conflict"}
    assert await value_in_production(people.admin) == 2


async def test_an_admin_breaks_the_glass_with_a_reason_and_everybody_sees_it(people: People) -> None:
    await people.alice.ask("activity.watch")
    done = await people.admin.set(9, env="production", note="the site is down", break_glass=True)
    assert done["changes"][0]["new"] == 9
    seen = await people.alice.next("activity")
    assert (seen["how"], seen["note"], seen["by"]["name"]) == ("break glass: set", "the site is down", "admin")
    undone = await people.admin.ask("rollback", env="production", change_set=1, note="it was not", break_glass=True)
    told = await people.admin.ask("change_set.get", env="production", revision=undone["revision"])
    assert told["how"] == "break glass: rollback of 1"


async def test_an_admin_breaks_the_glass_of_a_review(people: People) -> None:
    number = await propose(people.alice)
    assert (await people.admin.refusal("review.apply", review=number, break_glass=True)).code == -32602
    await people.admin.ask("review.apply", review=number, break_glass=True, note="the site is down")
    told = await people.admin.ask("change_set.get", env="production", revision=1)
    assert told["how"] == f"break glass: review {number}"
    assert told["note"] == "the site is down (fewer parked orders)"


async def test_the_glass_is_broken_by_an_admin_only_and_never_without_a_reason(people: People) -> None:
    changes = [{**KEY, "value": 9}]
    for wire in (people.alice, people.bob):
        refused = await wire.refusal("set", env="production", changes=changes, note="please", break_glass=True)
        assert (refused.kind, "admin" in refused.message) == ("forbidden", True)
    refused = await people.admin.refusal("set", env="production", changes=changes, note=" ", break_glass=True)
    assert refused.code == -32602
    number = await propose(people.alice)
    assert (await people.bob.refusal("review.apply", review=number, break_glass=True, note="x")).kind == "forbidden"
    assert await people.admin.revision("production") == 0


async def test_where_nothing_is_protected_no_glass_is_broken(people: People) -> None:
    await people.admin.set(9, note="why not", break_glass=True)
    assert (await people.admin.ask("change_set.get", env="staging", revision=1))["how"] == "set"


async def test_only_an_admin_takes_protection_off(people: People) -> None:
    for wire in (people.alice, people.bob):
        assert (await wire.refusal("environment.protect", env="production", protected=False)).kind == "forbidden"
    number = await propose(people.alice)
    await people.admin.ask("environment.protect", env="production", protected=False)
    assert (await people.alice.ask("review.get", review=number))["state"] == "approved"
    assert (await people.alice.set(7, env="production"))["revision"] == 1


async def test_followers_hear_of_reviews_through_every_hub(people: People, hubs: Hubs) -> None:
    other = await hubs.start()
    async with other.connect() as elsewhere, other.connect() as of_staging:
        await elsewhere.ask("activity.watch")
        await of_staging.ask("activity.watch", env="staging")
        await people.bob.ask("activity.watch", env="production")
        number = await propose(people.alice)
        for wire in (people.bob, elsewhere):
            assert await wire.next("review") == {"review": number, "env": "production", "state": "open"}
        await people.bob.ask("review.approve", review=number)
        for wire in (people.bob, elsewhere):
            assert (await wire.next("review"))["state"] == "approved"
        await people.alice.ask("review.apply", review=number)
        for wire in (people.bob, elsewhere):
            assert (await wire.next("activity"))["how"] == f"review {number}"
            assert (await wire.next("review"))["state"] == "applied"
        assert of_staging.notified.empty()


async def test_what_could_not_be_read_is_told_at_the_next_look(
    people: People, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    read = hub.hub._reviews.touched_after
    failed = asyncio.Event()

    async def away(_: int) -> Any:
        failed.set()
        raise DatabaseUnavailable("away")

    await people.bob.ask("activity.watch", env="production")
    monkeypatch.setattr(hub.hub._reviews, "touched_after", away)
    number = await propose(people.alice)
    await asyncio.wait_for(failed.wait(), 10)
    monkeypatch.setattr(hub.hub._reviews, "touched_after", read)
    assert (await people.bob.next("review"))["review"] == number


async def test_many_reviews_that_changed_at_once_are_all_told(
    people: People, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(reviews, "TOLD_AT_ONCE", 2)
    numbers = {await propose(people.alice, value) for value in range(5)}
    told: set[int] = set()
    after: int | None = 0
    while after is not None:
        found, after = await hub.hub._reviews.touched_after(after)
        assert len(found) <= 2
        told |= {review.id for review in found}
    assert told == numbers


async def test_few_of_many_are_found_in_few_statements(people: People) -> None:
    for value in range(30):
        await propose(people.alice, value)
    before = STATEMENTS._value.get()
    assert (await people.alice.ask("review.list", state="stale", limit=1))["reviews"] == []
    # Others are of what a hub looks at by itself.
    assert STATEMENTS._value.get() - before < 30


async def test_reviews_are_listed_newest_first_by_state_and_in_pages(people: People) -> None:
    numbers = [await propose(people.alice, value) for value in range(5)]
    await people.bob.ask("review.approve", review=numbers[0])
    await people.bob.ask("review.reject", review=numbers[1])

    async def listed(**asked: Any) -> list[int]:
        return [one["id"] for one in (await people.alice.ask("review.list", **asked))["reviews"]]

    assert await listed() == numbers[::-1]
    assert await listed(state="open") == [numbers[4], numbers[3], numbers[2]]
    assert await listed(state="approved") == [numbers[0]]
    assert await listed(state="rejected", env="production") == [numbers[1]]
    assert await listed(env="staging") == []
    page = await people.alice.ask("review.list", limit=2)
    assert page["next"] == numbers[3]
    assert await listed(limit=2, before=page["next"]) == [numbers[2], numbers[1]]
    await people.alice.ask("review.apply", review=numbers[0])
    assert await listed(state="stale", limit=2) == [numbers[4], numbers[3]]


@pytest.fixture
def short_reviews(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let a review show three of its decisions."""
    monkeypatch.setattr(reviews, "MOST_DECISIONS", 3)


@pytest.mark.usefixtures("short_reviews")
async def test_of_endless_talk_the_newest_is_shown_in_its_order(people: People) -> None:
    number = await propose(people.alice)
    await people.bob.ask("review.approve", review=number)
    for text in ("one", "two", "three"):
        found = await people.alice.ask("review.comment", review=number, text=text)
    assert [one["text"] for one in found["decisions"]] == ["one", "two", "three"]
    assert found["approvals"]["given"] == 1


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("review.get", {"review": 10**9}),
        ("review.approve", {"review": 10**9}),
        ("review.comment", {"review": 10**9, "text": "hello"}),
        ("review.rebase", {"review": 10**9}),
        ("review.apply", {"review": 10**9}),
        ("review.apply", {"review": 10**9, "at": "2999-01-01T00:00:00Z"}),
    ],
)
async def test_a_review_that_is_none_is_not_found(unharmed: Wire, method: str, params: dict[str, Any]) -> None:
    if "at" in params:
        params = {**params, "at": (datetime.now(UTC) + timedelta(days=1)).isoformat()}
    refused = await unharmed.refusal(method, **params)
    assert (refused.kind, "no review" in refused.message) == ("not_found", True)


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("review.get", {}),
        ("review.get", {"review": -1}),
        ("review.get", {"review": "88"}),
        ("review.get", {"review": 2**70}),
        ("review.list", {"state": "pending"}),
        ("review.list", {"limit": 0}),
        ("review.approve", {"review": 1, "diff_hash": "abc"}),
        ("review.approve", {"review": 1, "text": "x" * 2001}),
        ("review.comment", {"review": 1, "text": "\u0000"}),
        ("review.apply", {"review": 1, "at": 5}),
        ("review.apply", {"review": 1, "at": "soon"}),
        ("review.apply", {"review": 1, "at": "1999-01-01T00:00:00Z"}),
        ("review.apply", {"review": 1, "break_glass": True, "note": "a\x00b"}),
        ("review.apply", {"review": 1, "at": "2999-01-01T00:00:00Z"}),
        ("review.create", {"env": "production", "changes": [], "note": "x"}),
        ("review.create", {"env": "staging", "changes": [{**KEY, "value": 1}], "note": ""}),
        ("review.create", {"env": "staging", "changes": [{**KEY, "value": 1}], "note": "x", "break_glass": True}),
        ("review.create", {"env": "staging", "changes": [{**KEY, "value": 1}], "note": "x", "ticket": "t" * 201}),
    ],
)
async def test_bad_params_are_told(unharmed: Wire, method: str, params: dict[str, Any]) -> None:
    assert (await unharmed.refusal(method, **params)).code == -32602


async def test_a_scheduled_review_is_applied_by_a_hub_once_it_is_approved(
    people: People, hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await hubs.start()
    number = await propose(people.alice)
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    found = await people.alice.ask("review.apply", review=number, at=tomorrow)
    assert (found["state"], found["scheduled_by"]["name"]) == ("open", "alice")
    assert datetime.fromisoformat(found["apply_at"]) == datetime.fromisoformat(tomorrow)
    await people.bob.ask("review.approve", review=number)
    assert await people.admin.revision("production") == 0

    await database.execute(_SOON, number)
    await eventually(lambda: is_in_state(people.admin, number, "applied"))
    found = await people.admin.ask("review.get", review=number)
    assert (found["apply_at"], found["changes"][0]["moved"]) == (None, False)
    told = await people.admin.ask("change_set.get", env="production", revision=1)
    assert (told["how"], told["by"]["name"]) == (f"review {number}", "alice")
    assert await people.admin.revision("production") == 1


async def test_a_schedule_stops_on_a_conflict_and_says_so(
    people: People, hubs: Hubs, database: "asyncpg.Connection[asyncpg.Record]"
) -> None:
    await hubs.start()
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    changes = [{**KEY, "value": 5}]
    made = await people.alice.ask("review.create", env="production", changes=changes, note="at night", at=tomorrow)
    await people.bob.ask("review.approve", review=made["id"])
    await fill(people, 4)
    await database.execute(_SOON, made["id"])
    found = await eventually(lambda: stopped(people.admin, made["id"]))
    (stop,) = (one for one in found["decisions"] if one["kind"] == "stop")
    assert stop["text"].startswith("schedule stopped: payments/max_retries changed in production")
    (told,) = (await people.admin.ask("audit.log", kind="review.stop"))["entries"]
    assert (told["about"]["review"], told["about"]["text"]) == (made["id"], stop["text"])
    assert told["from"] == {"address": "", "tool": "setpoint-hub"}
    assert (found["state"], found["apply_at"]) == ("stale", None)
    assert await value_in_production(people.admin) == 4


async def test_a_token_schedules_nothing_beyond_its_end(
    people: People, hub: RunningHub, database: "asyncpg.Connection[asyncpg.Record]", database_url: str
) -> None:
    token, token_id = await issue_token(database_url, name="erin", role="editor")
    await database.execute(
        "UPDATE Token SET expires_at = clock_timestamp() + interval '1 hour' WHERE token_id = $1", token_id
    )
    async with hub.connect_once_known(token) as erin:
        number = await propose(erin, 6)
        await people.bob.ask("review.approve", review=number)
        late, soon = (datetime.now(UTC) + timedelta(hours=hours) for hours in (2, 0.5))
        refused = await erin.refusal("review.apply", review=number, at=late.isoformat())
        assert (refused.code, "this token expires before" in refused.message) == (-32602, True)
        await erin.ask("review.apply", review=number, at=soon.isoformat())
    await database.execute("UPDATE Token SET expires_at = clock_timestamp() WHERE token_id = $1", token_id)
    await database.execute(_SOON, number)
    found = await eventually(lambda: stopped(people.admin, number))
    assert "has expired" in found["decisions"][-1]["text"]
    assert await people.admin.revision("production") == 0


async def test_revoking_a_token_takes_its_approvals_with_it(people: People, hub: RunningHub, database_url: str) -> None:
    token, token_id = await issue_token(database_url, name="erin", role="approver")
    async with hub.connect_once_known(token) as erin:
        applied = await propose(people.alice)
        await erin.ask("review.approve", review=applied)
        await people.alice.ask("review.apply", review=applied)
        number = await propose(people.alice, 7)
        assert (await erin.ask("review.approve", review=number))["state"] == "approved"
    await people.admin.ask("token.revoke", id=str(token_id))
    assert (await people.alice.refusal("review.apply", review=number)).kind == "review_required"
    found = await people.alice.ask("review.get", review=number)
    assert (found["approvals"]["given"], found["decisions"][0]["counts"]) == (0, False)
    assert (await people.alice.ask("review.get", review=applied))["approvals"]["given"] == 1
    other, _ = await issue_token(database_url, name="erin", role="approver")
    async with hub.connect_once_known(other) as erin:
        assert (await erin.ask("review.approve", review=number))["state"] == "approved"
    assert (await people.alice.ask("review.apply", review=number))["changes"][0]["new"] == 7


async def test_a_schedule_stops_without_approvals_and_with_a_revoked_token(
    people: People, hub: RunningHub, database: "asyncpg.Connection[asyncpg.Record]", database_url: str
) -> None:
    tomorrow = (datetime.now(UTC) + timedelta(days=1)).isoformat()
    unapproved = await propose(people.alice)
    await people.alice.ask("review.apply", review=unapproved, at=tomorrow)
    token, token_id = await issue_token(database_url, name="erin", role="editor")
    async with hub.connect_once_known(token) as erin:
        revoked = await propose(erin, 6)
        await people.bob.ask("review.approve", review=revoked)
        await erin.ask("review.apply", review=revoked, at=tomorrow)
        await database.execute(_REVOKE, token_id)
    for number in (unapproved, revoked):
        await database.execute(_SOON, number)
    found = await eventually(lambda: stopped(people.admin, unapproved))
    assert "0 of 1 approvals" in found["decisions"][-1]["text"]
    found = await eventually(lambda: stopped(people.admin, revoked))
    assert "revoked" in found["decisions"][-1]["text"]
    assert await people.admin.revision("production") == 0


async def test_a_time_that_was_put_off_meanwhile_is_not_the_time(people: People, hub: RunningHub) -> None:
    number = await propose(people.alice)
    await people.bob.ask("review.approve", review=number)
    tomorrow = datetime.now(UTC) + timedelta(days=1)
    await people.alice.ask("review.apply", review=number, at=tomorrow.isoformat())
    who = await people.alice.ask("whoami")
    by = Author(who["user"]["id"], UUID(who["token"]))
    # A hub found it due, and then it was put off before that hub came to it.
    due = DueReview(number, by, "editor", None, at=tomorrow - timedelta(hours=1))
    await hub.hub._timetable._apply(due)
    await hub.hub._reviews.stop(due, "of a time that is not")
    found = await people.alice.ask("review.get", review=number)
    assert (found["state"], datetime.fromisoformat(found["apply_at"])) == ("approved", tomorrow)
    assert [one["kind"] for one in found["decisions"]] == ["approve", "schedule"]


async def is_in_state(wire: Wire, number: int, state: str) -> bool:
    return bool((await wire.ask("review.get", review=number))["state"] == state)


async def stopped(wire: Wire, number: int) -> Any:
    found = await wire.ask("review.get", review=number)
    return found if any(one["kind"] == "stop" for one in found["decisions"]) else None


@pytest.mark.parametrize(
    "statement",
    [
        "UPDATE ReviewDecision SET decided_by = decided_by",
        "DELETE FROM ReviewDecision",
        "TRUNCATE ReviewDecision",
        "UPDATE Review SET author = author",
        "UPDATE Review SET reason = 'another'",
        "DELETE FROM Review",
        "UPDATE ReviewEdit SET value = '6'",
        "DELETE FROM ReviewEdit",
        "UPDATE Review SET state = 'open', applied_revision = NULL",
    ],
)
async def test_what_was_proposed_and_decided_stays(
    people: People, database: "asyncpg.Connection[asyncpg.Record]", statement: str
) -> None:
    number = await propose(people.alice)
    await people.bob.ask("review.approve", review=number)
    await people.alice.ask("review.apply", review=number)
    with pytest.raises(asyncpg.RestrictViolationError):
        await database.execute(statement)


@pytest.fixture
async def narrow(people: People, hub: RunningHub, database_url: str) -> AsyncGenerator[Wire]:
    """A connection of an approver whose token reaches `pay` in production, and neither `payments` nor staging."""
    reach = {"environments": ["production"], "namespaces": ["pay", "pay.*"]}
    token, _ = await issue_token(database_url, name="erin", role="approver", **reach)
    await people.admin.create_key("limit", "int", "pay")
    async with hub.connect_once_known(token) as wire:
        yield wire


async def test_a_review_out_of_reach_is_as_one_that_is_none(people: People, narrow: Wire) -> None:
    both = [{**KEY, "value": 5}, {"namespace": "pay", "key": "limit", "value": 5}]
    made = await people.alice.ask("review.create", env="production", changes=both, note="both")
    elsewhere = await people.alice.ask("review.create", env="staging", changes=both[1:], note="elsewhere")
    for number in (made["id"], elsewhere["id"]):
        for method in ("get", "approve", "reject", "comment", "withdraw", "rebase", "apply"):
            refused = await narrow.refusal(f"review.{method}", review=number, text="x")
            nobody = await narrow.refusal(f"review.{method}", review=10**9, text="x")
            assert refused.message == nobody.message.replace(str(10**9), str(number)), method
            assert refused.kind == nobody.kind == "not_found"
        at = (datetime.now(UTC) + timedelta(days=1)).isoformat()
        assert (await narrow.refusal("review.apply", review=number, at=at)).kind == "not_found"
    assert (await narrow.ask("review.list"))["reviews"] == []
    assert (await people.alice.ask("review.get", review=made["id"]))["decisions"] == []


async def test_who_reaches_all_of_a_review_decides_on_it_and_hears_of_it(people: People, narrow: Wire) -> None:
    await narrow.ask("activity.watch")
    await propose(people.alice)
    changes = [{"namespace": "pay", "key": "limit", "value": 5}]
    made = await people.alice.ask("review.create", env="production", changes=changes, note="within")
    assert (await narrow.next("review"))["review"] == made["id"]
    assert [one["id"] for one in (await narrow.ask("review.list", limit=1))["reviews"]] == [made["id"]]
    assert (await narrow.ask("review.approve", review=made["id"]))["state"] == "approved"
    assert (await narrow.ask("review.apply", review=made["id"]))["changes"][0]["new"] == 5


async def test_what_becomes_of_a_request_is_told_to_who_made_it(people: People) -> None:
    request_id = str(uuid4())
    number = await propose(people.alice, request_id=request_id)
    assert (await people.alice.ask("request.status", request_id=request_id))["review"] == number
    assert (await people.admin.ask("request.status", request_id=request_id))["review"] == number
    assert await people.bob.ask("request.status", request_id=request_id) == {"found": False}


async def test_temporary_changes_are_seen_and_confirmed_within_reach(people: People, narrow: Wire) -> None:
    both = [{**KEY, "value": 5}, {"namespace": "pay", "key": "limit", "value": 5}]
    glass = {"env": "production", "note": "down", "break_glass": True, "confirm_within": 3600}
    await people.admin.set_all(both, **glass)
    await people.admin.set_all([{**both[1], "value": 6}], **glass)
    assert [one["revision"] for one in (await narrow.ask("temporary.list"))["changes"]] == [2]
    refused = await narrow.refusal("change.confirm", env="production", revision=1)
    assert (refused.kind, "payments" in refused.message) == ("forbidden", False)
    assert (await narrow.ask("change.confirm", env="production", revision=2))["revision"] == 2
