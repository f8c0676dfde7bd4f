"""Reviews and temporary changes on the command line."""

import json
import re
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from support.hubs import RunningHub, issue_token
from tui.conftest import CommandLine, Ran

ENV = ("--env", "production")
As = Callable[..., Awaitable[Ran]]


@pytest.fixture
async def as_bob(setpoint: CommandLine, hub: RunningHub, database_url: str, clean_environ: pytest.MonkeyPatch) -> As:
    """Runs a command as bob, an approver; all others are the admin's."""
    token, _ = await issue_token(database_url, name="bob", role="approver")
    async with hub.connect_once_known(token):
        pass

    async def run(*words: str) -> Ran:
        clean_environ.setenv("SETPOINT_TOKEN", token)
        try:
            return await setpoint(*words)
        finally:
            clean_environ.setenv("SETPOINT_TOKEN", hub.token)

    return run


async def propose(setpoint: CommandLine, value: str = "5", *more: str) -> int:
    """Set a value of production, which becomes a review; return its number."""
    ran = await setpoint("set", "payments", "max_retries", value, *ENV, "--note", "fewer orders", *more, "--json")
    assert ran.code == 9, ran.err
    return int(json.loads(ran.err)["error"]["data"]["review"])


async def test_a_set_that_became_a_review_says_its_number_and_how_to_see_it(setpoint: CommandLine) -> None:
    ran = await setpoint("set", "payments", "max_retries", "5", *ENV, "--note", "fewer orders", "--ticket", "OPS-1")
    assert (ran.code, ran.out) == (9, "")
    assert ran.err == (
        "setpoint: production is protected: this is now review 1 and waits for 1 approval: "
        "see it with `setpoint review show 1`\n"
    )
    assert (await setpoint.done("review", "show", "1", "--json")).json["ticket"] == "OPS-1"
    assert (await setpoint("get", "payments", "max_retries", *ENV)).code == 3


async def test_a_change_without_a_reason_is_a_mistake_of_usage(setpoint: CommandLine) -> None:
    ran = await setpoint("set", "payments", "max_retries", "5", *ENV)
    assert (ran.code, "why" in ran.err) == (2, True)


async def test_a_review_is_shown_approved_and_applied(setpoint: CommandLine, as_bob: As) -> None:
    number = str(await propose(setpoint))
    shown = await setpoint.done("review", "show", number)
    assert shown.lines[0] == f"review {number} · production · open · 0 of 1 approval"
    assert "payments/max_retries  (none) → 5" in shown.lines
    assert shown.lines[-1] == (f"you may: setpoint review rebase {number}, setpoint review withdraw {number}")
    own = await setpoint("review", "approve", number)
    assert (own.code, "your own" in own.err) == (6, True)

    too_early = await setpoint("review", "apply", number)
    assert (too_early.code, "0 of 1 approvals" in too_early.err) == (9, True)
    approved = await as_bob("review", "approve", number, "--note", "looks right")
    assert (approved.code, approved.lines[0]) == (0, f"review {number} · production · approved · 1 of 1 approval")
    assert any(line.endswith("bob · approve: looks right") for line in approved.lines)

    done = await setpoint.done("review", "apply", number, "--wait", "0")
    assert done.lines == ["payments/max_retries  (none) → 5", "production r1"]
    assert (await setpoint.done("review", "show", number)).lines[-1] == "applied as production r1"


async def test_reviews_are_listed_as_objects_with_an_id_and_as_a_table(setpoint: CommandLine, as_bob: As) -> None:
    assert (await setpoint.done("review", "list", "--json")).json == []
    assert "no such reviews" in (await setpoint.done("review", "list")).err
    first, second = await propose(setpoint), await propose(setpoint, "6")
    assert (await as_bob("review", "approve", str(first))).code == 0
    listed = await setpoint.done("review", "list", "--json")
    assert [(one["id"], one["state"]) for one in listed.json] == [(second, "open"), (first, "approved")]
    of_state = await setpoint.done("review", "list", "--state", "approved", *ENV, "--json")
    assert [one["id"] for one in of_state.json] == [first]
    table = await setpoint.done("review", "list")
    assert table.lines[0].split()[:4] == ["ID", "ENV", "STATE", "APPROVALS"]
    assert table.lines[2].split()[:4] == [str(first), "production", "approved", "1/1"]
    assert (await setpoint("review", "list", "--state", "pending")).code == 2


async def test_a_moved_base_is_shown_and_rebased(setpoint: CommandLine, as_bob: As) -> None:
    number = str(await propose(setpoint))
    broken = ("--note", "down", "--break-glass")
    await setpoint.done("set", "payments", "max_retries", "4", *ENV, *broken)
    shown = await setpoint.done("review", "show", number)
    assert " · stale · " in shown.lines[0]
    assert "  changed since: it is 4 now" in shown.lines
    refused = await as_bob("review", "approve", number)
    assert (refused.code, "rebase" in refused.err) == (4, True)
    rebased = await setpoint.done("review", "rebase", number)
    assert "payments/max_retries  4 → 5" in rebased.lines


async def test_an_approval_that_lapsed_says_why(setpoint: CommandLine, as_bob: As) -> None:
    number = str(await propose(setpoint))
    await as_bob("review", "approve", number)
    bobs = next(
        one["id"]
        for one in (await setpoint.done("token", "list", "--json")).json["tokens"]
        if one["user"]["name"] == "bob"
    )
    await setpoint.done("token", "revoke", bobs)
    shown = await setpoint.done("review", "show", number)
    assert shown.lines[0].endswith("0 of 1 approval")
    assert any(line.endswith("approve (its token was revoked: it does not count any more)") for line in shown.lines)

    await setpoint.done("set", "payments", "max_retries", "4", *ENV, "--note", "down", "--break-glass")
    rebased = await setpoint.done("review", "rebase", number)
    assert any(line.endswith("approve (of another diff: it does not count any more)") for line in rebased.lines)


async def test_only_the_diff_that_was_looked_at_is_approved(setpoint: CommandLine, as_bob: As) -> None:
    number = str(await propose(setpoint))
    seen = (await setpoint.done("review", "show", number, "--json")).json["diff_hash"]
    other = await as_bob("review", "approve", number, "--diff", "0" * 12)
    assert (other.code, seen[:12] in other.err) == (4, True)
    for short in (seen[:4], ""):
        refused = await as_bob("review", "approve", number, "--diff", short)
        assert (refused.code, f"review show {number}" in refused.err) == (2, True)
    assert (await as_bob("review", "approve", number, "--diff", seen[:12])).code == 0


async def test_a_review_is_commented_rejected_and_withdrawn(setpoint: CommandLine, as_bob: As) -> None:
    number = str(await propose(setpoint))
    said = await setpoint.done("review", "comment", number, "\x1b[31mhurry")
    assert any(line.endswith(r"admin · comment: \x1b[31mhurry") for line in said.lines)
    assert any(
        line.endswith("comment: again") for line in (await as_bob("review", "comment", number, "-m", "again")).lines
    )
    for words in ((), ("once", "--note", "twice")):
        assert (await setpoint("review", "comment", number, *words)).code == 2
    rejected = await as_bob("review", "reject", number, "--note", "not on a Friday")
    assert (rejected.code, " · rejected · " in rejected.lines[0]) == (0, True)
    assert (await setpoint("review", "apply", number)).code == 4
    again = str(await propose(setpoint))
    assert " · withdrawn · " in (await setpoint.done("review", "withdraw", again)).lines[0]


async def test_a_review_is_applied_at_a_time(setpoint: CommandLine) -> None:
    number = str(await propose(setpoint))
    at = (datetime.now(UTC) + timedelta(hours=1)).replace(microsecond=0)
    shown = await setpoint.done("review", "apply", number, "--at", at.isoformat())
    (line,) = [line for line in shown.lines if line.startswith("time ")]
    assert line.startswith(f"time    is applied at {at:%Y-%m-%d %H:%M:%S} UTC, in ")
    assert line.endswith(", if it is approved by then")
    for words in (("--at", "soon"), ("--at", "1999-01-01"), ("--at", at.isoformat(), "--break-glass")):
        assert (await setpoint("review", "apply", number, *words)).code == 2
    again = await setpoint.done("review", "apply", number, "--at", "in 2d", "--json")
    assert datetime.fromisoformat(again.json["apply_at"]) > at + timedelta(days=1)
    withdrawn = await setpoint.done("review", "withdraw", number)
    assert not [line for line in withdrawn.lines if line.startswith("time ")]


async def test_an_admin_breaks_the_glass_with_a_reason(setpoint: CommandLine, as_bob: As) -> None:
    words = ("payments", "max_retries", "5", *ENV, "--break-glass")
    assert (await setpoint("set", *words)).code == 2
    assert (await as_bob("set", *words, "--note", "down")).code == 6
    await setpoint.done("set", *words, "--note", "down")
    await setpoint.done("set", "payments", "max_retries", "6", *ENV, "--break-glass", "--note", "still down")
    undone = await setpoint.done("rollback", "payments", "max_retries", *ENV, "--break-glass", "--note", "up again")
    assert undone.lines[0] == "payments/max_retries  6 → 5"
    await setpoint.done("delete", "payments", "max_retries", *ENV, "--break-glass", "--note", "gone")
    history = await setpoint.done("history", "payments", "max_retries", *ENV, "--json")
    assert [one["how"] for one in history.json["changes"]] == [
        "break glass: set",
        "break glass: rollback",
        "break glass: set",
        "break glass: set",
    ]
    number = str(await propose(setpoint))
    assert (await setpoint("review", "apply", number, "--break-glass")).code == 2
    kept = await setpoint("review", "apply", number, "--note", "a reason that would be lost")
    assert (kept.code, "--break-glass" in kept.err) == (2, True)
    await setpoint.done("review", "apply", number, "--break-glass", "--note", "down again")


async def test_the_glass_is_broken_for_a_promotion_and_for_a_file(setpoint: CommandLine, tmp_path: Path) -> None:
    glass = ("--yes", "--break-glass", "--wait", "0")
    await setpoint.done("set", "payments", "max_retries", "5", "--env", "staging")
    promoted = ("promote", "staging", "production", "payments/max_retries")
    assert (await setpoint(*promoted, *glass)).code == 2
    await setpoint.done(*promoted, *glass, "--note", "down")
    file = tmp_path / "production.yaml"
    file.write_text((await setpoint.done("export", *ENV)).out.replace(": 5\n", ": 6\n"))
    applied = ("apply", "-f", str(file))
    held = await setpoint(*applied, "--yes", "--note", "as the file says", "--ticket", "OPS-7", "--json")
    assert held.code == 9
    waiting = (await setpoint.done("review", "list", "--json")).json[0]
    assert (waiting["ticket"], waiting["reason"]) == ("OPS-7", "as the file says")
    await setpoint.done(*applied, *glass, "--note", "still down")
    history = await setpoint.done("history", "payments", "max_retries", *ENV, "--json")
    assert [one["how"] for one in history.json["changes"]] == [
        "break glass: set",
        "break glass: promotion from staging r1",
    ]


async def test_a_change_that_expires_says_when(setpoint: CommandLine) -> None:
    staging = ("--env", "staging")
    ran = await setpoint.done("set", "payments", "max_retries", "5", *staging, "--expires", "30m", "--wait", "0")
    assert ran.lines[1].startswith("takes itself back at ")
    told = await setpoint.done("set", "payments", "max_retries", "6", *staging, "--expires", "2h", "--json")
    due = datetime.fromisoformat(told.json["expires_at"]) - datetime.now(UTC)
    assert timedelta(hours=1.9) < due < timedelta(hours=2.1)


async def test_a_change_is_confirmed(setpoint: CommandLine) -> None:
    staging = ("--env", "staging")
    ran = await setpoint.done("set", "payments", "max_retries", "5", *staging, "--confirm-within", "5m")
    assert ran.lines[1].endswith(" unless: setpoint confirm 1 --env staging")
    kept = await setpoint.done("confirm", "r1", *staging)
    assert kept.lines == ["confirmed: staging r1 stays"]
    assert (await setpoint("confirm", "1", *staging)).code == 4
    assert (await setpoint("confirm", "9", *staging)).code == 3
    assert (await setpoint("confirm", "x", *staging)).code == 2


async def test_what_takes_itself_back_is_listed_the_soonest_first(setpoint: CommandLine) -> None:
    none = await setpoint.done("expiring")
    assert (none.lines, "--expires" in none.err) == ([], True)
    staging = ("--env", "staging")
    await setpoint.done("set", "payments", "max_retries", "5", *staging, "--expires", "30m", "--note", "the bank")
    await setpoint.done("set", "payments", "max_retries", "6", *staging, "--confirm-within", "5m")
    listed = await setpoint.done("expiring", *staging)
    assert listed.lines[0].split() == ["ENV", "REV", "BACK", "IN", "UNLESS", "WHO", "KEYS", "NOTE"]
    assert re.match(r"staging +r2 +0[45]:\d\d +confirm 2 --env staging +admin +payments/max_retries", listed.lines[1])
    assert re.match(r"staging +r1 +(30:00|29:\d\d) +admin +payments/max_retries +the bank", listed.lines[2])
    as_json = (await setpoint.done("expiring", "--json")).json
    assert [(one["revision"], one["kind"]) for one in as_json] == [(2, "confirmation"), (1, "expiry")]
    assert (await setpoint.done("expiring", "--env", "production", "--json")).json == []
    assert (await setpoint("expiring", "--env", "nowhere")).code == 3


async def test_what_is_confirmed_and_expires_all_the_same_says_until_when_it_stays(setpoint: CommandLine) -> None:
    staging = ("--env", "staging")
    both = ("--confirm-within", "5m", "--expires", "10m")
    await setpoint.done("set", "payments", "max_retries", "5", *staging, *both)
    kept = await setpoint.done("confirm", "1", *staging)
    assert re.fullmatch(r"confirmed: staging r1 stays until it expires, in (10:00|09:[0-9]{2})", kept.lines[0])


@pytest.mark.parametrize("text", ["30", "m", "-5m", "0.5s", "91d", "13w", "1e3s", "", "5 minutes"])
async def test_a_duration_that_is_none_is_told(setpoint: CommandLine, text: str) -> None:
    ran = await setpoint("set", "payments", "max_retries", "5", "--env", "staging", "--expires", text)
    assert ran.code == 2
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    "words", [("show", "0"), ("show", "x"), ("show",), ("approve",), ("comment", "1"), ("apply", "1", "--wait", "99")]
)
async def test_a_mistake_is_one_sentence(setpoint: CommandLine, words: tuple[str, ...]) -> None:
    ran = await setpoint("review", *words)
    assert (ran.code, len(ran.err.splitlines())) == (2, 1)


async def test_a_review_that_is_none_is_not_found(setpoint: CommandLine) -> None:
    for words in (("show", "99"), ("approve", "99"), ("apply", "99"), ("comment", "99", "hello")):
        assert (await setpoint("review", *words)).code == 3


async def test_what_became_of_a_request_that_waits_is_told(setpoint: CommandLine, hub: RunningHub) -> None:
    request_id = "0d5c2f0e-8a54-4c8a-9f61-6f2a3b4c5d6e"
    async with hub.connect() as wire:
        changes: list[dict[str, Any]] = [{"namespace": "payments", "key": "max_retries", "value": 5}]
        await wire.refusal("set", env="production", changes=changes, note="why", request_id=request_id)
    ran = await setpoint.done("status", "--request", request_id)
    assert ran.lines == ["the change waits for approval: setpoint review show 1"]
