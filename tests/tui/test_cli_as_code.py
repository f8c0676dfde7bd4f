"""`export`, `plan` and `apply` against a real hub."""

import asyncio
import json
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import pytest

from setpoint.errors import RequestFailed
from support.databases import temporary_database
from support.hubs import RunningHub, issue_token, running_hub
from tui.conftest import CommandLine
from tui.scripted_hub import scripted_hub
from tui.terminals import answer_in_terminal

ENV = ("--env", "staging")
TEXTS = {
    "number": "5",
    "word": "yes",
    "empty": "",
    "lines": "first\n  second\n\nthird",
    "odd": "\u202e\x1b[31m \u00a0\ufeff😀 äöü\t'\"\\",
    "yaml": "- a: &b *c # d",
}
JSONS: dict[str, Any] = {
    "null": None,
    "nested": {"b": [1, 1.0, -0.0, {"a": []}, {}], "a": {"": "x", "on": True}},
    "big": [2**63 - 1, -(2**63), 1e300, 5e-324],
}
ON = '    "on":\n      type: bool\n      value: false\n'
MADE = "    made:\n      type: json\n      value: {a: 1}\n"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    return tmp_path / "staging.yaml"


async def fill(hub: RunningHub) -> None:
    """Give staging values of every type that are easy to get wrong."""
    async with hub.connect() as wire:
        for key, text in TEXTS.items():
            await wire.create_key(key, "string", "texts")
            await wire.set(text, key, namespace="texts")
        for key, value in JSONS.items():
            await wire.create_key(key, "json", "null")
            await wire.set(value, key, namespace="null")
        await wire.create_key("ratio", "float")
        await wire.create_key("on", "bool")
        await wire.set(1, "ratio")
        await wire.set(False, "on")
        await wire.set(-7)


async def export(setpoint: CommandLine, file: Path, env: str = "staging") -> str:
    text = (await setpoint.done("export", "--env", env)).out
    file.write_text(text)
    return text


def edit(file: Path, before: str, after: str) -> None:
    text = file.read_text()
    assert text.count(before) == 1
    file.write_text(text.replace(before, after))


@pytest.fixture
async def exported(setpoint: CommandLine, hub: RunningHub, file: Path) -> CommandLine:
    """A hub whose staging is full, and its export in `file`."""
    await fill(hub)
    await export(setpoint, file)
    return setpoint


@pytest.fixture(scope="module")
async def full_hub(postgres_url: str, template_database: str, redis_url: str) -> AsyncGenerator[RunningHub]:
    """A hub whose staging is full, for the many tests that change nothing."""
    async with temporary_database(postgres_url, template=template_database) as url:
        token, _ = await issue_token(url)
        async with running_hub(url, redis_url, token) as hub:
            async with hub.connect() as wire:
                await wire.create_key()
            await fill(hub)
            yield hub


@pytest.fixture
async def unchanged(
    command_line: CommandLine, clean_environ: pytest.MonkeyPatch, full_hub: RunningHub, file: Path
) -> AsyncGenerator[CommandLine]:
    """The command line with `full_hub`, and its export in `file`; afterwards nothing has changed."""
    clean_environ.setenv("SETPOINT_URL", full_hub.address)
    clean_environ.setenv("SETPOINT_TOKEN", full_hub.token)
    before = await export(command_line, file)
    yield command_line
    assert (await command_line.done("export", *ENV)).out == before


async def test_an_export_applied_to_an_empty_environment_exports_the_same(
    exported: CommandLine, hub: RunningHub, file: Path
) -> None:
    text = file.read_text()
    async with hub.connect() as wire:
        await wire.ask("environment.create", env="qa")
    for other in ("qa", "development"):
        file.write_text(text.replace("env: staging", f"env: {other}"))
        await exported.done("apply", "-f", str(file), "--yes")
        again = await export(exported, file, other)
        assert again.splitlines()[3:] == text.splitlines()[3:]
        assert again.startswith(f"setpoint: 1\nenv: {other}\nrevision: 1\n")
        async with hub.connect() as wire:
            told = [await wire.ask("snapshot", env=env) for env in ("staging", other)]
        assert [repr(values(found)) for found in told] == [repr(values(told[0]))] * 2


def values(found: Any) -> Any:
    return {
        namespace: {key: entry["value"] for key, entry in sorted(keys.items())}
        for namespace, keys in sorted(found["namespaces"].items())
    }


async def test_a_plan_of_an_export_changes_nothing(exported: CommandLine, file: Path) -> None:
    ran = await exported.done("plan", "-f", str(file))
    assert ran.lines == ["staging r12 · nothing to change, 12 keys as the file says"]
    applied = await exported.done("apply", "-f", str(file), "--yes")
    assert applied.lines == ran.lines
    as_json = await exported.done("apply", "-f", str(file), "--yes", "--json")
    assert as_json.json == {"env": "staging", "revision": 12, "changes": []}


async def test_the_same_values_are_the_same_text_whenever_they_were_set(exported: CommandLine, file: Path) -> None:
    before = file.read_text()
    await exported.done("set", "texts", "word", "no", *ENV)
    await exported.done("set", "texts", "word", "yes", *ENV)
    assert (await export(exported, file)).replace("revision: 14", "revision: 12") == before


async def test_an_export_of_some_namespaces(exported: CommandLine) -> None:
    ran = await exported.done("export", *ENV, "-n", "payments")
    assert ran.out == (
        "setpoint: 1\nenv: staging\nrevision: 12\nnamespaces:\n  payments:\n"
        '    max_retries:\n      type: int\n      value: -7\n    "on":\n      type: bool\n      value: false\n'
        "    ratio:\n      type: float\n      value: 1.0\n"
    )
    unknown = await exported("export", *ENV, "-n", "payment")
    assert (unknown.code, "nothing is set in payment of staging" in unknown.err) == (3, True)


async def test_a_plan_shows_what_would_change_and_exits_with_2(exported: CommandLine, file: Path) -> None:
    edit(file, "value: -7", "value: 9")
    edit(
        file, '    "on":\n      type: bool\n      value: false\n', "    made:\n      type: json\n      value: {a: 1}\n"
    )
    ran = await exported("plan", "-f", str(file))
    assert ran.code == 2
    assert ran.lines == [
        '+ payments/made         (none) → {"a":1}  (a new key of type json)',
        "~ payments/max_retries  -7 → 9",
        "staging r12 · 1 to create, 1 to change, 0 to remove, 10 as the file says",
    ]
    assert ran.err == "1 key is not in the file and stays: --prune takes such values away\n"

    pruned = await exported("plan", "-f", str(file), "--prune", "--json")
    assert pruned.code == 2
    actions = pruned.json["actions"]
    assert [(action["action"], action["key"]) for action in actions] == [
        ("create", "made"),
        ("change", "max_retries"),
        ("remove", "on"),
    ]
    assert (actions[0]["key_is_new"], actions[1]["old"], actions[1]["new"]) == (True, -7, 9)
    assert ("old" in actions[0], "new" in actions[2]) == (False, False)
    # Nothing of it was done.
    assert (await exported.done("get", "payments", "max_retries", *ENV)).out == "-7\n"


async def test_apply_is_one_change_set_that_makes_the_keys_that_it_needs(exported: CommandLine, file: Path) -> None:
    edit(file, "value: -7", "value: 9")
    edit(
        file, '    "on":\n      type: bool\n      value: false\n', "    made:\n      type: json\n      value: {a: 1}\n"
    )
    ran = await exported.done("apply", "-f", str(file), "--prune", "--yes", "--note", "ticket 4711")
    assert ran.lines[-2:] == [
        "staging r12 · 1 to create, 1 to change, 1 to remove, 10 as the file says",
        "staging r13 · no live instance watches it",
    ]
    assert (await exported.done("plan", "-f", str(file), "--prune")).code == 0
    told = (await exported.done("history", "payments", "made", *ENV, "--json")).json["changes"][0]
    assert (told["how"], told["note"], told["revision"]) == ("set", "ticket 4711", 13)


async def test_apply_for_machines_answers_as_set_does(exported: CommandLine, file: Path) -> None:
    edit(file, "ratio:", "ratios:")
    ran = await exported.done("apply", "-f", str(file), "--yes", "--json")
    assert (ran.json["revision"], ran.json["made_keys"]) == (13, ["payments/ratios"])
    assert [change["new"] for change in ran.json["changes"]] == [1.0]
    assert ran.err == ""


async def test_a_key_without_a_value_is_used_and_not_made_again(setpoint: CommandLine, file: Path) -> None:
    file.write_text("setpoint: 1\nenv: staging\nnamespaces: {payments: {max_retries: {type: int, value: 3}}}\n")
    ran = await setpoint.done("apply", "-f", str(file), "--yes")
    assert ran.lines[0] == "+ payments/max_retries  (none) → 3"


async def test_a_file_from_stdin(exported: CommandLine, file: Path) -> None:
    edit(file, "value: -7", "value: 9")
    text = file.read_text()
    assert (await exported("plan", "-f", "-", stdin=text)).code == 2
    asked = await exported("apply", "-f", "-", stdin=text)
    assert (asked.code, "nobody to ask" in asked.err) == (2, True)
    await exported.done("apply", "-f", "-", "--yes", stdin=text)


async def test_one_namespace_of_a_file(exported: CommandLine, file: Path) -> None:
    edit(file, "value: -7", "value: 9")
    edit(file, 'value: "yes"', 'value: "no"')
    ran = await exported("plan", "-f", str(file), "--namespace", "texts")
    assert [line.split()[1] for line in ran.lines[:-1]] == ["texts/word"]
    unknown = await exported("plan", "-f", str(file), "-n", "text")
    assert (unknown.code, "holds no namespace text" in unknown.err) == (1, True)


@pytest.mark.parametrize("change", ["value", "delete"])
async def test_what_changed_since_the_plan_is_a_conflict(exported: CommandLine, file: Path, change: str) -> None:
    edit(file, "value: -7", "value: 9")
    planned = (await exported("plan", "-f", str(file), "--json")).json["revision"]
    words = ("apply", "-f", str(file), "--planned", f"r{planned}", "--yes")
    if change == "value":
        await exported.done("set", "texts", "word", "no", *ENV)
    else:
        await exported.done("delete", "texts", "word", *ENV)
    ran = await exported(*words)
    assert ran.code == 4
    assert "texts/word changed in staging since r12: plan again" in ran.err
    assert (await exported.done("get", "payments", "max_retries", *ENV)).out == "-7\n"


async def test_a_change_of_what_is_not_in_the_file_does_not_stop_a_planned_apply(
    exported: CommandLine, file: Path
) -> None:
    edit(file, "value: -7", "value: 9")
    await exported.done("create", "other", "key", "--type", "int")
    await exported.done("set", "other", "key", "1", *ENV)
    ran = await exported.done("apply", "-f", str(file), "--planned", "12", "--yes", "--wait", "0")
    assert ran.lines[-1] == "staging r14"


@pytest.mark.parametrize(("answer", "code", "value"), [("y", 0, "9\n"), ("n", 1, "-7\n")])
async def test_in_a_terminal_it_asks(
    exported: CommandLine, hub: RunningHub, file: Path, answer: str, code: int, value: str
) -> None:
    edit(file, "value: -7", "value: 9")
    seen, ended = await answer_in_terminal(hub, answer, "apply", "-f", str(file), "--wait", "0")
    assert "~ payments/max_retries  -7 → 9" in seen
    assert "Apply 1 change to staging? [y/N]" in seen
    assert ended == code
    assert (await exported.done("get", "payments", "max_retries", *ENV)).out == value


async def test_without_a_terminal_a_change_that_nobody_said_yes_to_is_not_made(
    exported: CommandLine, file: Path
) -> None:
    assert "nothing to change" in (await exported.done("apply", "-f", str(file))).out
    edit(file, 'value: "yes"', 'value: "no"')
    ran = await exported("apply", "-f", str(file))
    assert (ran.code, ran.out, "give --yes" in ran.err) == (2, "", True)
    assert (await exported.done("get", "texts", "word", *ENV)).out == "yes\n"


async def test_without_a_terminal_a_change_that_others_review_is_proposed(exported: CommandLine, file: Path) -> None:
    edit(file, "env: staging", "env: production")
    ran = await exported("apply", "-f", str(file), "--note", "PR 17")
    assert (ran.code, "review 1" in ran.err) == (9, True)
    glass = await exported("apply", "-f", str(file), "--note", "PR 17", "--break-glass")
    assert (glass.code, "give --yes" in glass.err) == (2, True)


async def test_what_changes_while_it_asks_is_a_conflict(exported: CommandLine, hub: RunningHub, file: Path) -> None:
    edit(file, "value: -7", "value: 9")

    async def meanwhile() -> None:
        async with hub.connect() as other:
            await other.set(8)

    seen, ended = await answer_in_terminal(hub, "y", "apply", "-f", str(file), "--wait", "0", before_answer=meanwhile)
    assert (ended, "payments/max_retries changed in staging" in seen) == (4, True)
    assert (await exported.done("get", "payments", "max_retries", *ENV)).out == "8\n"


@pytest.mark.parametrize(
    ("before", "after", "words", "code", "said"),
    [
        ("env: staging", "env: production", ENV, 2, "is for production, and staging was asked for"),
        ("env: staging", "env: nowhere", (), 3, "there are development, staging, production"),
        ("value: -7", "value: seven", (), 5, "staging.yaml: line "),
        ("value: -7", "value: .nan", (), 5, "can be read in several ways"),
        ("value: 1.0", "value: &a 1.0", (), 5, "aliases"),
        ("value: 1.0", "value: !!float 1", (), 5, "tags"),
        ("setpoint: 1", "setpoint: 2", (), 5, "not known here"),
        ("setpoint: 1", "- setpoint", (), 5, "not YAML"),
        ("type: float", "type: int", (), 5, "a float was given where the key's type is int"),
        (
            "type: float\n      value: 1.0",
            "type: int\n      value: 1",
            (),
            5,
            "staging.yaml: line 37: payments/ratio is of type float, and int here",
        ),
        ("", "\n---\nsetpoint: 1\n", (), 5, "a second document"),
        (None, "", (), 5, "the file is empty"),
        (None, "\xff", (), 5, "not text in UTF-8"),
    ],
    ids=lambda found: found[-24:] if isinstance(found, str) else "",
)
async def test_a_file_that_cannot_be_meant_changes_nothing(
    unchanged: CommandLine, file: Path, before: str | None, after: str, words: tuple[str, ...], code: int, said: str
) -> None:
    if before is None:
        file.write_bytes(after.encode("latin-1"))
    elif before == "":
        file.write_text(file.read_text() + after)
    else:
        edit(file, before, after)
    applied = await unchanged("apply", "-f", str(file), "--yes", *words)
    planned = await unchanged("plan", "-f", str(file), *words)
    assert (applied.code, planned.code) == (code, 1)
    for ran in (applied, planned):
        assert ran.out == ""
        assert said in ran.err
        assert len(ran.err.splitlines()) == 1


@pytest.mark.parametrize(
    ("words", "code", "said"),
    [
        (["apply"], 2, "--file"),
        (["apply", "-f", "/nowhere.yaml", "--yes"], 2, "/nowhere.yaml cannot be read"),
        (["apply", "-f", "/", "--yes"], 2, "cannot be read"),
        (["apply", "-f", "FILE", "--yes", "--planned", "latest"], 2, "'latest' is no revision"),
        (["apply", "-f", "FILE", "--yes", "--planned", "99"], 3, "revision 99"),
        (["apply", "-f", "FILE", "--yes", "--wait", "0", "--require-all"], 2, "--require-all"),
        (["plan"], 1, "--file"),
        (["plan", "-f", "/nowhere.yaml"], 1, "cannot be read"),
        (["plan", "-f", "FILE", "--evn"], 1, "--evn"),
        (["export"], 2, "--env"),
        (["export", "--env", "nowhere"], 3, "there are development"),
    ],
)
async def test_a_mistake_is_one_sentence_and_a_code(
    unchanged: CommandLine, file: Path, words: list[str], code: int, said: str
) -> None:
    ran = await unchanged(*[str(file) if word == "FILE" else word for word in words])
    assert (ran.code, ran.out) == (code, "")
    assert said in ran.err
    assert len(ran.err.splitlines()) == 1


async def test_more_than_one_change_set_can_carry_says_how_to_go_on(setpoint: CommandLine, file: Path) -> None:
    keys = "".join(f"    k{number}: {{type: int, value: 1}}\n" for number in range(1_001))
    file.write_text(f"setpoint: 1\nenv: staging\nnamespaces:\n  many:\n{keys}")
    ran = await setpoint("apply", "-f", str(file), "--yes")
    assert (ran.code, "one --namespace after the other" in ran.err) == (5, True)
    # It was told before any key was made.
    assert (await setpoint("list", "many")).code == 3


async def test_a_protected_environment_answers_with_a_review(
    command_line: CommandLine, clean_environ: pytest.MonkeyPatch, file: Path
) -> None:
    file.write_text("setpoint: 1\nenv: production\nnamespaces: {payments: {retries: {type: int, value: 3}}}\n")

    def refuse(_params: dict[str, Any]) -> Any:
        raise RequestFailed("production is protected: review 88 waits", kind="review_required", data={"review": 88})

    production = {"env": "production", "revision": 1, "protected": True, "required_approvals": 1, "position": 1}
    held = {"retries": {"type": "int", "value": 2, "version": "v"}}
    snapshot = {"env": "production", "epoch": "e", "revision": 1, "namespaces": {"payments": held}}
    answers = {"environment_list": lambda _p: {"environments": [production]}, "snapshot": lambda _p: snapshot}
    async with scripted_hub(set=refuse, **answers) as hub:
        clean_environ.setenv("SETPOINT_URL", hub.connection.address.url)
        clean_environ.setenv("SETPOINT_TOKEN", "a-token")
        ran = await command_line("apply", "-f", str(file), "--yes", "--json")

    assert (ran.code, ran.out) == (9, "")
    error = json.loads(ran.err)["error"]
    assert error == {
        "kind": "review_required",
        "message": "production is protected: review 88 waits: see it with `setpoint review show 88`",
        "exit_code": 9,
        "data": {"review": 88},
    }


async def test_the_receipt_of_an_apply_counts_instances(exported: CommandLine, hub: RunningHub, file: Path) -> None:
    edit(file, "value: -7", "value: 9")
    async with hub.connect() as service:
        await service.watch()

        async def acknowledge() -> None:
            await service.heartbeat((await service.next("change"))["revision"])

        acknowledging = asyncio.create_task(acknowledge())
        ran = await exported.done("apply", "-f", str(file), "--yes", "--require-all")
        await acknowledging
    assert ran.lines[-1].startswith("staging r13 · 1 of 1 instance runs it")
