"""`compare` and `promote` against a real hub."""

import asyncio
import json
from typing import Any

import pytest

from setpoint.errors import RequestFailed
from setpoint_tui.comparing import compare
from support.hubs import RunningHub
from tui.conftest import CommandLine
from tui.scripted_hub import scripted_hub
from tui.terminals import answer_in_terminal

BOTH = ("staging", "production")


async def protect(hub: RunningHub, protected: bool) -> None:
    """Say whether a promotion into production is reviewed first."""
    async with hub.connect() as wire:
        await wire.ask("environment.protect", env="production", protected=protected)


@pytest.fixture
async def four(setpoint: CommandLine, hub: RunningHub) -> CommandLine:
    """A key in each state: `same`, `changed` 5 → 3, `added` in staging alone, `gone` in production alone.

    Production is not protected.
    """
    await protect(hub, False)
    for key in ("same", "changed", "added", "gone"):
        await setpoint.done("create", "payments", key, "--type", "int")
    await setpoint.done("set", "payments", "same=1", "changed=3", "gone=7", "-e", "production")
    await setpoint.done("set", "payments", "same=1", "changed=5", "added=9", "-e", "staging")
    return setpoint


async def held(setpoint: CommandLine, env: str = "production") -> dict[str, Any]:
    found = (await setpoint.done("snapshot", "-e", env, "--json")).json
    return {key: entry["value"] for key, entry in found["namespaces"]["payments"].items()}


async def test_compare_shows_both_sides_of_what_differs(four: CommandLine) -> None:
    ran = await four.done("compare", *BOTH)
    assert [line.split() for line in ran.lines[:2]] == [
        ["KEY", "staging", "r1", "production", "r1", "REMARK"],
        ["payments/added", "9", "(none)"],
    ]
    assert ran.lines[2].split() == ["payments/changed", "5", "3"]
    assert ran.lines[3].split()[:3] == ["payments/gone", "(none)", "7"]
    assert ran.lines[3].endswith("ago by admin")
    assert ran.lines[4] == "3 keys differ, 1 the same"


async def test_compare_for_machines_is_one_document_of_all_pages(
    four: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = (await four.done("compare", *BOTH, "--json")).json
    monkeypatch.setattr(
        "setpoint_tui.cli.comparing.compare", lambda link, params: compare(link, {**params, "limit": 1})
    )
    by_one = (await four.done("compare", *BOTH, "--json")).json
    assert by_one == whole
    assert [row["key"] for row in whole["rows"]] == ["added", "changed", "gone"]
    assert (whole["source"]["revision"], whole["same"], whole["different"]) == (1, 1, 3)


async def test_compare_of_one_namespace(four: CommandLine) -> None:
    await four.done("create", "search", "fuzzy", "--type", "bool")
    await four.done("set", "search", "fuzzy", "true", "-e", "staging")
    ran = await four.done("compare", *BOTH, "--namespace", "search")
    assert [line.split()[0] for line in ran.lines[1:]] == ["search/fuzzy", "1"]
    unknown = await four("compare", *BOTH, "-n", "serch")
    assert (unknown.code, "no namespace serch" in unknown.err) == (3, True)


@pytest.mark.parametrize("words", [(), ("--json",)])
async def test_by_its_exit_code_compare_tells_whether_they_differ(four: CommandLine, words: tuple[str, ...]) -> None:
    assert (await four("compare", *BOTH, *words)).code == 0
    assert (await four("compare", *BOTH, "--exit-code", *words)).code == 2
    await four.done("promote", *BOTH, "--deletions", "--yes")
    assert (await four("compare", *BOTH, "--exit-code", *words)).code == 0


@pytest.mark.parametrize("words", [["staging"], ["staging", "nowhere"], ["staging", "staging"], ["a", "b", "--evn"]])
async def test_where_2_means_that_they_differ_every_error_is_1(four: CommandLine, words: list[str]) -> None:
    ran = await four("compare", *words, "--exit-code")
    assert (ran.code, ran.out) == (1, "")
    assert len(ran.err.splitlines()) == 1
    assert (await four("compare", *words)).code in {2, 3}


async def test_promote_takes_over_what_differs_and_says_what_it_leaves_out(four: CommandLine) -> None:
    ran = await four.done("promote", *BOTH, "--yes", "--note", "release")
    assert ran.lines == [
        "payments/added    (none) → 9",
        "payments/changed  3 → 5",
        "production r2 · no live instance watches it",
    ]
    assert ran.err == ("left out: payments/gone: it has a value in production only: --deletions takes it away\n")
    assert await held(four) == {"same": 1, "changed": 5, "added": 9, "gone": 7}
    told = (await four.done("history", "payments", "changed", "-e", "production", "--json")).json["changes"][0]
    assert (told["how"], told["note"]) == ("promotion from staging r1", "release")


async def test_promote_with_deletions_takes_away_what_only_the_target_has(four: CommandLine) -> None:
    await four.done("promote", *BOTH, "--deletions", "--yes")
    assert await held(four) == await held(four, "staging")


@pytest.mark.parametrize(
    "words",
    [["payments/changed", "payments/added"], ["payments", "changed", "added"], ["--namespace", "payments"]],
)
async def test_keys_are_named_as_paths_or_by_their_namespace(four: CommandLine, words: list[str]) -> None:
    ran = await four.done("promote", *BOTH, *words, "--yes", "--json")
    assert [change["key"] for change in ran.json["changes"]] == ["added", "changed"]
    assert (ran.json["left_out"], ran.err) == ([], "")


async def test_a_later_change_of_the_target_is_remarked(four: CommandLine) -> None:
    await four.done("set", "payments", "changed", "4", "-e", "production")
    ran = await four.done("promote", *BOTH, "payments/changed", "--yes")
    assert ran.lines[0].startswith("payments/changed  4 → 5  (changed later in production: 0s ago by admin)")


async def test_nothing_to_promote_is_no_error(four: CommandLine) -> None:
    ran = await four.done("promote", *BOTH, "payments/same", "--yes")
    assert (ran.lines, ran.err.splitlines()[-1]) == ([], "there is nothing to promote: production has all of it")
    as_json = await four.done("promote", *BOTH, "payments/same", "--yes", "--json")
    assert as_json.json == {"env": "production", "revision": 1, "changes": [], "left_out": []}


async def test_what_cannot_be_promoted_is_an_error(four: CommandLine) -> None:
    ran = await four("promote", *BOTH, "payments/gone", "--yes")
    assert ran.code == 4
    assert "--deletions takes it away" in ran.err
    assert await held(four) == {"same": 1, "changed": 3, "gone": 7}


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["staging", "staging", "--yes"], 2, "name two environments"),
        (["staging", "prod", "--yes"], 3, "there are development, staging, production"),
        ([*BOTH, "payments/none", "--yes"], 3, "no key payments/none"),
        ([*BOTH, "payments", "--yes"], 2, "namespace alone"),
        ([*BOTH, "payments/a", "-n", "payments", "--yes"], 2, "not both"),
        ([*BOTH, "--yes", "--wait", "0", "--require-all"], 2, "--require-all"),
        (BOTH, 2, "give --yes"),
    ],
)
async def test_a_mistake_is_one_sentence_and_a_code(four: CommandLine, words: list[str], code: int, said: str) -> None:
    ran = await four("promote", *words)
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(("answer", "code", "after"), [("y", 0, 5), ("n", 1, 3), ("", 1, 3), ("\x04", 1, 3)])
async def test_in_a_terminal_it_asks(four: CommandLine, hub: RunningHub, answer: str, code: int, after: int) -> None:
    seen, ended = await answer_in_terminal(hub, answer, "promote", *BOTH, "payments/changed", "--wait", "0")
    assert "Promote 1 key to production? [y/N]" in seen
    assert ended == code
    assert ("not confirmed: nothing was changed" in seen) == (code == 1)
    assert (await held(four))["changed"] == after


async def test_it_says_that_the_target_is_protected_and_a_promotion_into_it_waits(
    four: CommandLine, hub: RunningHub
) -> None:
    await protect(hub, True)
    words = ("promote", *BOTH, "payments/changed", "--note", "it held", "--wait", "0")
    seen, ended = await answer_in_terminal(hub, "y", *words)
    assert "Promote 1 key to production (protected)? [y/N]" in seen
    assert "review 1" in seen
    assert ended == 9
    assert (await held(four))["changed"] == 3


async def test_without_a_terminal_a_promotion_that_others_review_is_proposed(
    four: CommandLine, hub: RunningHub
) -> None:
    await protect(hub, True)
    ran = await four("promote", *BOTH, "payments/changed", "--note", "it held")
    assert (ran.code, "review 1" in ran.err) == (9, True)
    glass = await four("promote", *BOTH, "payments/changed", "--note", "it held", "--break-glass")
    assert (glass.code, "give --yes" in glass.err) == (2, True)


async def test_what_changes_while_it_asks_is_a_conflict(four: CommandLine, hub: RunningHub) -> None:
    async def meanwhile() -> None:
        async with hub.connect() as other:
            await other.set(8, "changed")

    words = ("promote", *BOTH, "payments/changed", "--wait", "0")
    seen, ended = await answer_in_terminal(hub, "y", *words, before_answer=meanwhile)
    assert ended == 4
    assert "payments/changed in staging" in seen
    assert (await held(four))["changed"] == 3


async def test_a_promotion_that_became_a_review_says_so_with_a_code_of_its_own(
    command_line: CommandLine, clean_environ: pytest.MonkeyPatch
) -> None:
    def refuse(_params: dict[str, Any]) -> Any:
        raise RequestFailed(
            "production is protected: the change waits as a review", kind="review_required", data={"review": 88}
        )

    side = {"value": 5, "version": "v", "revision": 1, "by": {"id": 1, "name": "a"}, "at": "2030-01-01T00:00:00Z"}
    row = {"namespace": "n", "key": "k", "type": "int", "state": "only_source", "source": side, "target": None}
    found = {
        "source": {"env": "staging", "revision": 1},
        "target": {"env": "production", "revision": 1, "protected": True, "required_approvals": 1},
        "rows": [{**row, "newer_in_target": False, "valid": True, "problem": None}],
        "same": 0,
        "different": 1,
        "next": None,
    }
    environments = [
        {"env": env, "revision": 1, "protected": False, "required_approvals": 0, "position": 1} for env in BOTH
    ]
    answers = {"environment_list": lambda _p: {"environments": environments}, "compare": lambda _p: found}
    async with scripted_hub(promote=refuse, **answers) as hub:
        clean_environ.setenv("SETPOINT_URL", hub.connection.address.url)
        clean_environ.setenv("SETPOINT_TOKEN", "a-token")
        ran = await command_line("promote", *BOTH, "--yes")
        as_json = await command_line("promote", *BOTH, "--yes", "--json")

    assert (ran.code, as_json.code) == (9, 9)
    assert ran.err == (
        "setpoint: production is protected: the change waits as a review: see it with `setpoint review show 88`\n"
    )
    error = json.loads(as_json.err)["error"]
    assert (error["kind"], error["data"], error["exit_code"]) == ("review_required", {"review": 88}, 9)


async def test_the_receipt_of_a_promotion_counts_instances(four: CommandLine, hub: RunningHub) -> None:
    async with hub.connect() as service:
        await service.watch(env="production")

        async def acknowledge() -> None:
            await service.heartbeat((await service.next("change"))["revision"])

        acknowledging = asyncio.create_task(acknowledge())
        ran = await four.done("promote", *BOTH, "payments/changed", "--yes", "--require-all")
        await acknowledging
    assert ran.lines[-1].startswith("production r2 · 1 of 1 instance runs it")
