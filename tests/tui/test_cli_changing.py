"""`set`, `delete` and `rollback` against a real hub."""

import asyncio
import json
from pathlib import Path
from typing import Any

import pytest

from support.hubs import RunningHub
from tui.conftest import CommandLine

ENV = ("--env", "staging")


async def value(setpoint: CommandLine, key: str = "max_retries") -> str:
    return (await setpoint.done("get", "payments", key, *ENV)).out.removesuffix("\n")


async def version(setpoint: CommandLine) -> str:
    found = await setpoint.done("get", "payments", "max_retries", *ENV, "--json")
    return str(found.json["version"])


async def test_set_prints_old_and_new_and_the_revision(setpoint: CommandLine) -> None:
    first = await setpoint.done("set", "payments", "max_retries", "5", *ENV, "--note", "why not")
    second = await setpoint.done("set", "payments", "max_retries", "-7", *ENV)

    assert first.lines == ["payments/max_retries  (none) → 5", "staging r1 · no live instance watches it"]
    assert second.lines[0] == "payments/max_retries  5 → -7"
    assert await value(setpoint) == "-7"


async def test_the_receipt_counts_instances_and_names_those_behind(setpoint: CommandLine, hub: RunningHub) -> None:
    async with hub.connect() as keen, hub.connect() as lazy:
        await keen.watch("keen-1")
        await lazy.watch("lazy-1", service="billing")

        async def acknowledge() -> None:
            change = await keen.next("change")
            await keen.heartbeat(change["revision"], applied_ms_ago=0.1)

        acknowledging = asyncio.create_task(acknowledge())
        ran = await setpoint.done("set", "payments", "max_retries", "5", *ENV, "--wait", "0.5")
        await acknowledging
        all_asked = await setpoint("set", "payments", "max_retries", "6", *ENV, "--wait", "0.1", "--require-all")

    assert ran.lines[1].startswith("staging r1 · 1 of 2 instances run it, ")
    assert ran.lines[2] == "  lazy-1 (billing) is still at r0"
    assert all_asked.code == 8


async def test_wait_zero_asks_for_no_receipt(setpoint: CommandLine) -> None:
    ran = await setpoint.done("set", "payments", "max_retries", "5", *ENV, "--wait", "0")

    assert ran.lines == ["payments/max_retries  (none) → 5", "staging r1"]


async def test_several_keys_are_one_change_set(setpoint: CommandLine) -> None:
    await setpoint.done("create", "payments", "ratio", "--type", "float")
    await setpoint.done("create", "search", "fuzzy", "--type", "bool")

    one_namespace = await setpoint.done("set", "payments", "max_retries=5", "ratio=-0.5", *ENV, "--json")
    several = await setpoint.done("set", "payments/max_retries=6", "search/fuzzy=true", *ENV, "--json")

    assert [change["new"] for change in one_namespace.json["changes"]] == [5, -0.5]
    assert several.json["revision"] == 2
    assert [change["new"] for change in several.json["changes"]] == [6, True]


async def test_none_of_them_changes_when_one_is_wrong(setpoint: CommandLine) -> None:
    await setpoint.done("create", "payments", "on", "--type", "bool")

    ran = await setpoint("set", "payments", "max_retries=5", "on=yes", *ENV)

    assert ran.code == 5
    assert "payments/on: 'yes' is not a bool: type true or false" in ran.err
    assert (await setpoint("get", "payments", "max_retries", *ENV)).code == 3


@pytest.mark.parametrize(
    ("value_type", "text", "stored"),
    [
        ("string", "five words, one value", "five words, one value"),
        ("string", "@@home", "@home"),
        ("string", "", ""),
        ("float", "3", 3.0),
        ("bool", "true", True),
        ("json", '{"rps": [1, null]}', {"rps": [1, None]}),
        ("json", "null", None),
    ],
)
async def test_a_value_is_read_as_its_keys_type(setpoint: CommandLine, value_type: str, text: str, stored: Any) -> None:
    await setpoint.done("create", "ns", "typed", "--type", value_type)

    ran = await setpoint.done("set", "ns", "typed", text, *ENV, "--json")

    assert ran.json["changes"][0]["new"] == stored


@pytest.mark.parametrize("text", ["five", "5.0", "1e400", "true", "99999999999999999999", "NaN", "", "0x5"])
async def test_a_value_of_another_type_is_refused(setpoint: CommandLine, text: str) -> None:
    ran = await setpoint("set", "payments", "max_retries", text, *ENV)

    assert ran.code == 5
    assert ran.err.startswith("setpoint: payments/max_retries: ")
    assert len(ran.err.splitlines()) == 1


async def test_a_value_comes_from_a_file_or_from_stdin(setpoint: CommandLine, tmp_path: Path) -> None:
    await setpoint.done("create", "payments", "limits", "--type", "json")
    await setpoint.done("create", "payments", "text", "--type", "string")
    file = tmp_path / "limits.json"
    file.write_text('{\n "rps": 50\n}\n')

    await setpoint.done("set", "payments", "limits", f"@{file}", *ENV)
    await setpoint.done("set", "payments", "text", "-", *ENV, stdin="one\ntwo\n")

    assert await value(setpoint, "limits") == '{"rps":50}'
    assert await value(setpoint, "text") == "one\ntwo"


async def test_a_file_that_is_not_there_is_told_with_how_to_write_an_at_sign(setpoint: CommandLine) -> None:
    ran = await setpoint("set", "payments", "max_retries", "@nowhere", *ENV)

    assert ran.code == 2
    assert "@@nowhere" in ran.err


async def test_expect_guards_against_a_change_by_others(setpoint: CommandLine) -> None:
    await setpoint.done("set", "payments", "max_retries", "5", *ENV, "--expect", "none")
    read = await version(setpoint)
    await setpoint.done("set", "payments", "max_retries", "6", *ENV, "--expect", read)

    stale = await setpoint("set", "payments", "max_retries", "7", *ENV, "--expect", read)
    nonsense = await setpoint("set", "payments", "max_retries", "7", *ENV, "--expect", "latest")

    assert stale.code == 4
    assert await version(setpoint) in stale.err
    assert nonsense.code == 2
    assert await value(setpoint) == "6"


async def test_delete_and_its_rollback(setpoint: CommandLine) -> None:
    await setpoint.done("set", "payments", "max_retries", "5", *ENV)

    deleted = await setpoint.done("delete", "payments", "max_retries", *ENV)
    gone = await setpoint("get", "payments", "max_retries", *ENV)
    back = await setpoint.done("rollback", "payments", "max_retries", *ENV)

    assert deleted.lines[0] == "payments/max_retries  5 → (none)"
    assert gone.code == 3
    assert back.lines[0] == "payments/max_retries  (none) → 5"


async def test_rollback_takes_the_value_before_the_present_one(setpoint: CommandLine) -> None:
    await setpoint.done("set", "payments", "max_retries", "5", *ENV)
    await setpoint.done("set", "payments", "max_retries", "6", *ENV)

    ran = await setpoint.done("rollback", "payments/max_retries", *ENV, "--note", "worse")

    assert ran.lines == ["payments/max_retries  6 → 5", "staging r3 · no live instance watches it"]


async def test_rollback_to_a_revision_or_a_version(setpoint: CommandLine) -> None:
    for text in ("5", "6", "7"):
        await setpoint.done("set", "payments", "max_retries", text, *ENV)
    first = (await setpoint.done("history", "payments", "max_retries", *ENV, "--json")).json["changes"][-1]["version"]

    by_revision = await setpoint.done("rollback", "payments", "max_retries", *ENV, "--to", "r2")
    by_version = await setpoint.done("rollback", "payments", "max_retries", *ENV, "--to", first[:8] + first[8:])

    assert by_revision.lines[0] == "payments/max_retries  7 → 6"
    assert by_version.lines[0] == "payments/max_retries  6 → 5"


async def test_rollback_of_a_whole_change_set(setpoint: CommandLine) -> None:
    await setpoint.done("create", "payments", "ratio", "--type", "float")
    await setpoint.done("set", "payments", "max_retries", "5", *ENV)
    await setpoint.done("set", "payments", "max_retries=6", "ratio=0.5", *ENV)

    ran = await setpoint.done("rollback", "--change-set", "2", *ENV)

    assert ran.lines[:2] == ["payments/max_retries  6 → 5", "payments/ratio        0.5 → (none)"]


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["payments", "max_retries"], 3),
        (["payments", "max_retries", "--to", "1"], 3),
        (["payments", "max_retries", "--to", "abc"], 2),
        (["payments", "max_retries", "--to", "abcdef12"], 3),
        (["--change-set", "9"], 3),
        (["--change-set", "x"], 2),
        (["--change-set", "1", "payments", "max_retries"], 2),
        (["payments"], 2),
        ([], 2),
    ],
)
async def test_a_rollback_that_cannot_be_is_told(setpoint: CommandLine, words: list[str], code: int) -> None:
    ran = await setpoint("rollback", *words, *ENV)

    assert ran.code == code
    assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["payments", "max_retries", "5", "--env", "stagin"], 3, "development, staging, production"),
        (["payments", "max_retris", "5", *ENV], 3, "no key payments/max_retris"),
        (["payment", "max_retries", "5", *ENV], 3, "no key payment/max_retries"),
        (["payments", "max_retries", *ENV], 2, "is given no value"),
        (["payments", "max_retries", "5", "6", *ENV], 2, "too many words"),
        (["payments", "max_retries", "5"], 2, "--env"),
        (["payments", "max_retries=5", "max_retries=6", *ENV], 2, "stands twice"),
        (["payments", "max_retries", "5", *ENV, "--wait", "61"], 2, "--wait"),
        (["payments", "max_retries", "5", *ENV, "--wait", "0", "--require-all"], 2, "--require-all"),
        (["payments", "max_retries", "5", *ENV, "--evn", "x"], 2, "--evn"),
        (["payments", *[f"key{number}=1" for number in range(101)], *ENV], 3, "no key"),
    ],
)
async def test_a_mistake_is_one_sentence_and_a_code(
    setpoint: CommandLine, words: list[str], code: int, said: str
) -> None:
    ran = await setpoint("set", *words)

    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


async def test_errors_are_json_too(setpoint: CommandLine) -> None:
    ran = await setpoint("set", "payments", "max_retries", "five", *ENV, "--json")

    assert ran.out == ""
    error = json.loads(ran.err)["error"]
    assert (error["kind"], error["exit_code"]) == ("invalid_value", 5)


async def test_a_note_that_looks_like_a_number_is_a_note(setpoint: CommandLine) -> None:
    await setpoint.done("set", "payments", "max_retries", "-5", *ENV, "--note", "-7")

    history = await setpoint.done("history", "payments", "max_retries", *ENV, "--json")

    assert history.json["changes"][0]["note"] == "-7"
    assert history.json["changes"][0]["value"] == -5


async def test_hostile_text_is_made_visible(setpoint: CommandLine) -> None:
    await setpoint.done("create", "payments", "text", "--type", "string")

    ran = await setpoint.done("set", "payments", "text", "\x1b[31m[bold]\u202e", *ENV, "--note", "\x9b2J")
    history = await setpoint.done("history", "payments", "text", *ENV)

    assert r"(none) → \x1b[31m[bold]\u202e" in ran.out
    assert r"\x9b2J" in history.out
