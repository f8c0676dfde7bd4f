"""`audit log`, `verify` and `export` on a real hub, and `verify --file` without one."""

import json
from pathlib import Path

import asyncpg
import pytest

from setpoint.protocol.audit_lines import head_line, line_of
from setpoint.protocol.chain import Link
from setpoint.protocol.strict_json import dumps
from setpoint.protocol.verification import Head
from setpoint.version import __version__
from setpoint_tui import exported_audit
from support.chains import change_sets, events
from support.hubs import RunningHub
from tui.conftest import CommandLine

ENV = ("--env", "staging")
BROKEN = 10


@pytest.fixture
async def written(setpoint: CommandLine) -> CommandLine:
    """The command line, with a hub where staging has three revisions."""
    for value in ("1", "2", "3"):
        await setpoint.done("set", "payments", "max_retries", value, *ENV, "--note", f"to {value}", "--wait", "0")
    return setpoint


async def tamper(hub: RunningHub, *statements: str) -> None:
    """Do what a superuser can: go past every trigger and reference."""
    connection = await asyncpg.connect(hub.owner_url, timeout=10)
    await connection.execute("SET session_replication_role = replica")
    for statement in statements:
        await connection.execute(statement)
    await connection.close(timeout=5)


async def test_log_tells_who_did_what_newest_first(written: CommandLine) -> None:
    lines = (await written.done("audit", "log")).lines
    assert lines[0].split() == ["AGE", "WHO", "FROM", "ENV", "REV", "WHAT", "ABOUT", "NOTE"]
    assert lines[1].split()[1:] == ["admin", "127.0.0.1", "staging", "r3", "set", "payments/max_retries", "to", "3"]
    assert "key.create" in lines[4]
    assert "payments/max_retries type=int" in lines[4]
    entries = (await written.done("audit", "log", "--json")).json["entries"]
    assert {entry["from"]["tool"] for entry in entries} == {f"setpoint/{__version__}"}


async def test_log_is_asked_by_environment_kind_person_and_time(written: CommandLine) -> None:
    async def kinds(*words: str) -> list[str]:
        found = (await written.done("audit", "log", *words, "--json")).json
        return [entry["kind"] for entry in found["entries"]]

    assert await kinds("--kind", "key") == ["key.create"]
    assert await kinds(*ENV, "--limit", "2") == ["change", "change"]
    assert await kinds("--who", "nobody") == []
    assert len(await kinds("--since", "2h")) == 4
    assert await kinds("--until", "2020-01-01") == []
    empty = await written.done("audit", "log", "--who", "nobody")
    assert (empty.out, "nothing on record" in empty.err) == ("", True)


@pytest.mark.parametrize("words", [("--since", "soon"), ("--until", "5x"), ("--since", ""), ("--limit", "0")])
async def test_log_refuses_what_it_cannot_mean(written: CommandLine, words: tuple[str, str]) -> None:
    ran = await written("audit", "log", *words)
    assert (ran.code, ran.out) == (2, "")


async def test_log_comes_in_pages_up_to_its_limit(written: CommandLine, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("setpoint_tui.cli.auditing._PAGE", 2)
    found = (await written.done("audit", "log", "--limit", "3", "--json")).json["entries"]
    assert [entry.get("revision") for entry in found] == [3, 2, 1]
    assert len((await written.done("audit", "log", "--json")).json["entries"]) == 4


async def test_verify_says_what_holds(written: CommandLine) -> None:
    lines = (await written.done("audit", "verify")).lines
    assert [line.partition(":")[0] for line in lines] == ["development", "staging", "production", "events"]
    assert lines[1].startswith("staging: holds, 3 revisions, the last with the hash ")
    one = (await written.done("audit", "verify", *ENV, "--json")).json
    assert (one["ok"], one["chains"][0]["head"]["revision"]) == (True, 3)


async def test_verify_names_the_first_broken_link_and_exits_with_10(written: CommandLine, hub: RunningHub) -> None:
    await tamper(hub, "UPDATE ConfigVersion SET value = '9' WHERE value = '2'")
    ran = await written("audit", "verify", *ENV)
    assert ran.code == BROKEN
    assert ran.out.startswith("staging: broken at r2: revision 2 is not what its hash was made of")
    as_json = await written("audit", "verify", "--json")
    assert (as_json.code, as_json.json["ok"]) == (BROKEN, False)


async def test_an_exported_head_notices_a_cut_tail(written: CommandLine, hub: RunningHub, tmp_path: Path) -> None:
    whole, alone = tmp_path / "audit.jsonl", tmp_path / "head.json"
    exported = await written.done("audit", "export")
    whole.write_text(exported.out)
    alone.write_text(exported.lines[-1])
    for file in (whole, alone):
        assert (await written.done("audit", "verify", "--head", str(file))).code == 0
    await tamper(
        hub,
        "DELETE FROM Change WHERE revision = 3",
        "DELETE FROM ChangeSet WHERE revision = 3",
        "UPDATE Environment SET revision = 2, head_hash = (SELECT hash FROM ChangeSet WHERE revision = 2) "
        "WHERE env = 'staging'",
        "UPDATE ConfigVersion SET is_active = false",
        "UPDATE ConfigVersion SET is_active = true WHERE value = '2'",
    )
    assert (await written.done("audit", "verify", *ENV)).code == 0
    for file in (whole, alone):
        for words in ((), ENV):
            ran = await written("audit", "verify", *words, "--head", str(file))
            assert (ran.code, "staging: broken at r3" in ran.out) == (BROKEN, True)


async def test_an_export_verifies_without_a_hub(
    written: CommandLine, clean_environ: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    file = tmp_path / "audit.jsonl"
    exported = await written.done("audit", "export")
    file.write_text(exported.out)
    assert json.loads(exported.lines[-1])["kind"] == "head"
    only = await written.done("audit", "export", *ENV)
    assert [json.loads(line)["kind"] for line in only.lines] == [*["change_set"] * 3, "head"]
    clean_environ.delenv("SETPOINT_URL")
    assert (await written.done("audit", "verify", "--file", str(file))).lines[1].startswith("staging: holds, 3")
    file.write_text(exported.out.replace("to 2", "to 5"))
    ran = await written("audit", "verify", "--file", str(file))
    assert (ran.code, "staging: broken at r2" in ran.out) == (BROKEN, True)


def exported(*links: Link, heads: dict[str | None, Head]) -> str:
    return "".join(dumps(line) + "\n" for line in [*map(line_of, links), head_line(heads)])


STAGING, EVENTS = change_sets(3), events(2)
HEADS: dict[str | None, Head] = {"staging": Head(3, STAGING[2].hash), None: Head(2, EVENTS[1].hash)}


@pytest.mark.parametrize(
    ("text", "said"),
    [
        (exported(*STAGING[:2], *EVENTS, heads=HEADS), "staging: broken at r3: revision 3 is missing at the end"),
        (exported(*STAGING[1:], *EVENTS, heads=HEADS), "staging: broken at r1"),
        (exported(*STAGING, EVENTS[1], heads=HEADS), "events: broken at event 1"),
        (
            exported(*STAGING, heads={None: Head(0, b"")}),
            "staging: broken at r3: the last line of the file",
        ),
        (exported(STAGING[0], STAGING[2], STAGING[1], heads=HEADS), "staging: broken at r2"),
    ],
)
async def test_a_file_that_is_not_what_it_was_is_broken(
    command_line: CommandLine, tmp_path: Path, text: str, said: str
) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text(text)
    ran = await command_line("audit", "verify", "--file", str(file))
    assert (ran.code, said in ran.out) == (BROKEN, True), ran.out


async def test_chains_in_any_order_verify(command_line: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_text(exported(EVENTS[0], STAGING[0], EVENTS[1], *STAGING[1:], heads=HEADS))
    assert (await command_line.done("audit", "verify", "--file", str(file))).code == 0


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{}\n",
        b"no json\n",
        b"\xff\xfe",
        exported(*STAGING, heads=HEADS).rpartition('{"kind":"head"')[0].encode(),
        exported(*STAGING, heads=HEADS).encode() * 2,
        (dumps(head_line(HEADS)) + "\n").replace("null", '"staging"').encode(),
    ],
    ids=["empty", "no kind", "no JSON", "no UTF-8", "no heads", "two exports", "two heads"],
)
@pytest.mark.parametrize("option", ["--file", "--head"])
async def test_a_file_that_is_no_export_is_refused_with_the_reason(
    command_line: CommandLine, tmp_path: Path, content: bytes, option: str
) -> None:
    file = tmp_path / "audit.jsonl"
    file.write_bytes(content)
    ran = await command_line("audit", "verify", option, str(file))
    if option == "--head" and content.count(b'"kind":"head"') == 2:
        # Its last line is all that is asked of it: what is missing is the hub to compare with.
        assert (ran.code, "audit" in ran.err) == (7, False), ran.err
        return
    assert (ran.code, ran.out) == (5, "")
    assert "Traceback" not in ran.err
    assert ran.err.startswith("setpoint: ")


async def test_a_file_without_line_breaks_is_not_read_whole(
    command_line: CommandLine, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exported_audit, "LONGEST_LINE", 100)
    monkeypatch.setattr("setpoint_tui.cli.auditing.LONGEST_LINE", 100)
    file = tmp_path / "audit.jsonl"
    file.write_text("x" * 1000)
    ran = await command_line("audit", "verify", "--file", str(file))
    assert (ran.code, "longer than any line" in ran.err) == (5, True)


@pytest.mark.parametrize("words", [("--file", "missing"), ("--head", "missing"), ("--file", "."), ("--head", ".")])
async def test_a_file_that_is_not_there_is_refused(command_line: CommandLine, words: tuple[str, str]) -> None:
    ran = await command_line("audit", "verify", *words)
    assert (ran.code, "cannot be read" in ran.err) == (5, True)


async def test_a_file_is_verified_whole_and_without_a_hub(command_line: CommandLine, tmp_path: Path) -> None:
    for more in (ENV, ("--head", str(tmp_path))):
        assert (await command_line("audit", "verify", "--file", str(tmp_path), *more)).code == 2


async def test_heads_of_another_environment_do_not_answer_for_this_one(written: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "head.json"
    file.write_text(dumps(head_line({"elsewhere": Head(1, b"\x01" * 32)})))
    assert (await written("audit", "verify", *ENV, "--head", str(file))).code == 5
    ran = await written("audit", "verify", "--head", str(file))
    assert (ran.code, "elsewhere: broken" in ran.out) == (BROKEN, True)
