"""`get`, `list`, `history`, `snapshot`, `create`, `env`, `status` and `fleet` against a real hub."""

import json

import pytest

from support.hubs import RunningHub
from tui.conftest import CommandLine

ENV = ("--env", "staging")


async def test_get_prints_the_value_and_nothing_else(setpoint: CommandLine) -> None:
    await setpoint.done("create", "payments", "text", "--type", "string")
    await setpoint.done("create", "payments", "limits", "--type", "json")
    await setpoint.done("set", "payments", "text=two words", "max_retries=5", 'limits={"rps": 50}', *ENV)

    printed = [(await setpoint.done("get", "payments", key, *ENV)).out for key in ("text", "max_retries", "limits")]

    assert printed == ["two words\n", "5\n", '{"rps":50}\n']


async def test_get_for_machines_tells_where_the_value_comes_from(setpoint: CommandLine) -> None:
    await setpoint.done("set", "payments", "max_retries", "5", *ENV, "--note", "why")

    found = (await setpoint.done("get", "payments/max_retries", *ENV, "--json")).json

    assert (found["value"], found["revision"], found["note"], found["by"]["name"]) == (5, 1, "why", "admin")


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["payments", "max_retries", *ENV], "payments/max_retries has no value in staging"),
        (["payments", "max_retries", "--env", "prod"], "there are development, staging, production"),
        (["payments", "nothing", *ENV], "there is no key payments/nothing"),
        (["payments/nothing", *ENV], "there is no key payments/nothing"),
    ],
)
async def test_get_of_nothing_exits_with_3(setpoint: CommandLine, words: list[str], said: str) -> None:
    ran = await setpoint("get", *words)

    assert (ran.code, ran.out) == (3, "")
    assert said in ran.err


async def test_a_path_that_can_mean_two_keys_is_not_guessed(setpoint: CommandLine) -> None:
    await setpoint.done("create", "a", "b/c", "--type", "int")
    await setpoint.done("create", "a/b", "c", "--type", "int")
    await setpoint.done("set", "a", "b/c", "1", *ENV)

    ran = await setpoint("get", "a/b/c", *ENV)
    words = await setpoint.done("get", "a", "b/c", *ENV)

    assert ran.code == 2
    assert "a b/c or a/b c" in ran.err
    assert words.out == "1\n"


async def test_the_environment_may_come_from_a_variable(
    setpoint: CommandLine, clean_environ: pytest.MonkeyPatch
) -> None:
    clean_environ.setenv("SETPOINT_ENV", "staging")
    await setpoint.done("set", "payments", "max_retries", "5")

    assert (await setpoint.done("get", "payments", "max_retries")).out == "5\n"


async def test_list_shows_keys_and_with_an_environment_their_values(setpoint: CommandLine) -> None:
    await setpoint.done(
        "create",
        "search",
        "fuzzy",
        "--type",
        "bool",
        "-d",
        "Near misses",
        "--owner",
        "team",
        "--tag",
        "a",
        "--tag",
        "b",
    )
    await setpoint.done("set", "payments", "max_retries", "5", *ENV)

    keys = await setpoint.done("list")
    values = await setpoint.done("list", *ENV)
    one = await setpoint.done("list", "payments", *ENV, "--json")

    assert [line.split() for line in keys.lines] == [
        ["KEY", "TYPE", "OWNER", "TAGS", "DESCRIPTION"],
        ["payments/max_retries", "int"],
        ["search/fuzzy", "bool", "team", "a,", "b", "Near", "misses"],
    ]
    assert values.lines[1].split() == ["payments/max_retries", "int", "5", "r1", "0s"]
    assert values.lines[2].split() == ["search/fuzzy", "bool", "(none)", "Near", "misses"]
    assert [key["value"] for key in one.json["keys"]] == [5]


async def test_list_pages_through_more_keys_than_one_answer_holds(setpoint: CommandLine, hub: RunningHub) -> None:
    async with hub.connect() as wire:
        for number in range(1_005):
            await wire.create_key(f"key{number:04}", namespace="many")

    ran = await setpoint.done("list", "many", "--json")

    assert [key["key"] for key in ran.json["keys"]] == [f"key{number:04}" for number in range(1_005)]


async def test_list_of_nothing_says_what_to_do(setpoint: CommandLine) -> None:
    ran = await setpoint("list", "nothing")

    assert (ran.code, ran.out) == (3, "")


async def test_history_tells_the_story_newest_first(setpoint: CommandLine) -> None:
    await setpoint.done("set", "payments", "max_retries", "5", *ENV, "--note", "first")
    await setpoint.done("set", "payments", "max_retries", "6", *ENV)
    await setpoint.done("rollback", "payments", "max_retries", *ENV, "--note", "worse")
    await setpoint.done("delete", "payments", "max_retries", *ENV)

    ran = await setpoint.done("history", "payments", "max_retries", *ENV)

    columns = [[word for word in line.split("  ") if word] for line in ran.lines]
    assert [row[3].strip() for row in columns[1:]] == ["5 → (none)", "6 → 5", "5 → 6", "(none) → 5"]
    assert columns[2][-1].strip() == "worse"


async def test_history_shows_so_many_and_says_that_there_are_more(setpoint: CommandLine) -> None:
    for number in range(3):
        await setpoint.done("set", "payments", "max_retries", str(number), *ENV)

    ran = await setpoint.done("history", "payments", "max_retries", *ENV, "--limit", "2")

    assert len(ran.lines) == 3
    assert "--limit" in ran.err


async def test_a_snapshot_of_the_past(setpoint: CommandLine) -> None:
    await setpoint.done("set", "payments", "max_retries", "5", *ENV)
    await setpoint.done("set", "payments", "max_retries", "6", *ENV)

    now = await setpoint.done("snapshot", *ENV, "--json")
    then = await setpoint.done("snapshot", *ENV, "--at", "r1")
    by_time = await setpoint.done("snapshot", *ENV, "payments", "--at", "2999-01-01T00:00", "--json")
    before = await setpoint.done("snapshot", *ENV, "--at", "2001-01-01")

    assert now.json["namespaces"]["payments"]["max_retries"]["value"] == 6
    assert then.lines[1].split() == ["payments/max_retries", "int", "5"]
    assert by_time.json["revision"] == 2
    assert "nothing is set in staging at r0" in before.err


@pytest.mark.parametrize(("at", "code"), [("9", 3), ("tomorrow", 2)])
async def test_a_position_that_is_not_there(setpoint: CommandLine, at: str, code: int) -> None:
    assert (await setpoint("snapshot", *ENV, "--at", at)).code == code


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["payments", "max_retries", "--type", "int"], 4),
        (["payments", "other", "--type", "integer"], 5),
        (["two words", "other", "--type", "int"], 5),
        (["payments", "other"], 2),
        (["payments", "--type", "int"], 2),
    ],
)
async def test_a_key_that_cannot_be_made(setpoint: CommandLine, words: list[str], code: int) -> None:
    ran = await setpoint("create", *words)

    assert ran.code == code
    assert len(ran.err.splitlines()) == 1


async def test_environments_are_made_and_listed_in_the_order_of_promotion(setpoint: CommandLine) -> None:
    await setpoint.done("env", "create", "qa", "--protected", "--approvals", "2", "--after", "development")

    ran = await setpoint.done("env", "list")
    again = await setpoint("env", "create", "qa")

    assert [line.split()[0] for line in ran.lines] == ["ENV", "development", "qa", "staging", "production"]
    assert ran.lines[2].split()[-2:] == ["2", "approvals"]
    assert again.code == 4


async def test_an_environment_is_protected_and_that_is_taken_off(setpoint: CommandLine) -> None:
    protected = await setpoint.done("env", "protect", "staging", "--approvals", "2")
    again = await setpoint.done("env", "protect", "staging", "--json")
    off = await setpoint.done("env", "protect", "staging", "--off")
    nowhere = await setpoint("env", "protect", "nowhere")

    assert protected.lines == ["staging is protected: 2 approvals"]
    assert (again.json["protected"], again.json["required_approvals"]) == (True, 2)
    assert off.lines == ["staging is not protected"]
    assert nowhere.code == 3


async def test_status_and_fleet_show_who_runs_what(setpoint: CommandLine, hub: RunningHub) -> None:
    async with hub.connect() as wire:
        await wire.watch("checkout-1", service="checkout")
        await setpoint.done("set", "payments", "max_retries", "5", *ENV, "--wait", "0")
        status = await setpoint.done("status")
        machine = await setpoint.done("status", "--json")
        fleet = await setpoint.done("fleet", *ENV)
        other = await setpoint("fleet", "--service", "billing")

    row = next(line.split() for line in status.lines if line.startswith("staging"))
    assert row == ["staging", "r1", "1", "no", "1", "0", "1"]
    assert machine.json["fleet"][0]["state"] == "behind"
    assert machine.json["you"]["role"] == "admin"
    assert fleet.lines[1].split()[:6] == ["checkout-1", "checkout", "staging", "r0", "r1", "behind"]
    assert "no instance" in other.err


async def test_what_became_of_a_request_can_be_asked(setpoint: CommandLine, hub: RunningHub) -> None:
    request_id = "8f0c8f5e-3a30-4c0e-9a51-0242ac120002"
    async with hub.connect() as wire:
        await wire.set(5, request_id=request_id)

    done = await setpoint.done("status", "--request", request_id)
    unknown = await setpoint("status", "--request", request_id.replace("8", "9"), "--json")
    nonsense = await setpoint("status", "--request", "x")

    assert done.out == "the change was made: staging r1\n"
    assert (unknown.code, json.loads(unknown.out)) == (3, {"found": False})
    assert nonsense.code == 2
