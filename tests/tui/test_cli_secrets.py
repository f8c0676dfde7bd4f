"""Keys, constraints and secrets at the command line."""

from pathlib import Path

import pytest

from setpoint_hub.sealing import new_master_key
from support.hubs import Hubs, RunningHub
from support.wire import Wire
from tui.conftest import CommandLine

ENV = ("--env", "staging")
CLEAR = "hunter2-correct-horse"
API_KEY = ("payments", "api_key")


@pytest.fixture
async def hub(hubs: Hubs) -> RunningHub:
    """A hub with a master key."""
    return await hubs.start(master_key=new_master_key())


@pytest.fixture
async def secretive(setpoint: CommandLine) -> CommandLine:
    """The command line, where the secret `payments/api_key` has a value, given by stdin."""
    await setpoint.done("create", *API_KEY, "--type", "string", "--secret")
    ran = await setpoint.done("set", *API_KEY, "-", *ENV, stdin=CLEAR + "\n")
    assert CLEAR not in ran.out + ran.err
    return setpoint


async def test_a_secret_is_masked_in_everything_that_is_printed(secretive: CommandLine) -> None:
    shown = ""
    for words in (
        ["set", *API_KEY, CLEAR, *ENV],
        ["set", *API_KEY, CLEAR + "2", *ENV, "--json"],
        ["rollback", *API_KEY, *ENV],
        ["list", *ENV],
        ["list", *ENV, "--json"],
        ["history", *API_KEY, *ENV],
        ["history", *API_KEY, *ENV, "--json"],
        ["snapshot", *ENV],
        ["snapshot", *ENV, "--json"],
        ["key", "show", *API_KEY],
        ["get", *API_KEY, *ENV, "--json"],
    ):
        ran = await secretive.done(*words)
        assert "secret" in ran.out, words
        shown += ran.out + ran.err
    assert CLEAR not in shown


async def test_get_prints_a_secret_only_when_it_is_asked_to_reveal_it(secretive: CommandLine) -> None:
    hidden = await secretive("get", *API_KEY, *ENV)
    revealed = await secretive.done("get", *API_KEY, *ENV, "--reveal")
    as_json = await secretive.done("get", *API_KEY, *ENV, "--reveal", "--json")
    assert hidden.code == 2
    assert hidden.out == ""
    assert "--reveal prints its value" in hidden.err
    assert revealed.out == CLEAR + "\n"
    assert as_json.json["value"] == CLEAR


async def test_a_value_that_is_left_out_is_asked_for_at_a_terminal(
    secretive: CommandLine, monkeypatch: pytest.MonkeyPatch
) -> None:
    no_terminal = await secretive("set", *API_KEY, *ENV)
    monkeypatch.setattr("setpoint_tui.cli.changing.at_terminal", lambda: True)
    monkeypatch.setattr("typer.prompt", lambda *_words, **_how: "@home-and-away")
    await secretive.done("set", *API_KEY, *ENV)
    assert no_terminal.code == 2
    assert (await secretive.done("get", *API_KEY, *ENV, "--reveal")).out == "@home-and-away\n"


async def test_a_value_of_the_wrong_type_is_not_repeated_when_it_is_secret(setpoint: CommandLine) -> None:
    await setpoint.done("create", "payments", "pin", "--type", "int", "--secret")
    ran = await setpoint("set", "payments", "pin", CLEAR, *ENV)
    assert ran.code == 5
    assert ran.err == "setpoint: payments/pin: that is no value of type int\n"


async def test_constraints_are_given_shown_and_changed(setpoint: CommandLine, tmp_path: Path) -> None:
    file = tmp_path / "constraints.json"
    file.write_text('{"minimum": 0}\n')
    await setpoint.done("create", "payments", "ratio", "--type", "float", "--constraints", f"@{file}")
    refused = await setpoint("set", "payments", "ratio", "-1", *ENV)
    await setpoint.done("set", "payments", "ratio", "3", *ENV)
    stopped = await setpoint("key", "update", "payments", "ratio", "--constraints", '{"maximum": 1}')
    forced = await setpoint.done("key", "update", "payments/ratio", "--constraints", '{"maximum": 1}', "--force")
    warned = await setpoint.done("set", "payments", "ratio", "2", *ENV)
    shown = await setpoint.done("key", "show", "payments", "ratio")
    assert (refused.code, stopped.code) == (5, 5)
    assert "minimum: 0" in refused.err
    assert "in staging the value breaks the constraint maximum: 1" in stopped.err
    assert "warning: in staging" in forced.err
    assert "as before" in warned.err
    assert '{"maximum":1}' in shown.out
    await setpoint.done("key", "update", "payments", "ratio", "--constraints", "null", "--owner", "payments team")
    assert (await setpoint.done("key", "show", "payments", "ratio", "--json")).json["owner"] == "payments team"


@pytest.mark.parametrize(
    ("words", "code"),
    [
        (["key", "update", "payments", "max_retries"], 2),
        (["key", "update", "payments", "max_retries", "--constraints", "{"], 5),
        (["key", "update", "payments", "max_retries", "--constraints", "@/nowhere"], 2),
        (["key", "update", "payments", "none", "--owner", "x"], 3),
        (["key", "show", "payments", "none"], 3),
        (["create", "a", "b", "--type", "int", "--constraints", "[1]"], 5),
    ],
)
async def test_what_cannot_be_is_told_in_a_sentence(setpoint: CommandLine, words: list[str], code: int) -> None:
    ran = await setpoint(*words)
    assert ran.code == code
    assert len(ran.err.splitlines()) == 1


async def test_a_large_share_of_an_environment_needs_force(setpoint: CommandLine, hub: RunningHub) -> None:
    async with hub.connect() as wire:
        await fill(wire)
    names = [f"k{number}=2" for number in range(6)]
    refused = await setpoint("set", "payments", *names, *ENV)
    forced = await setpoint.done("set", "payments", *names, *ENV, "--force")
    assert refused.code != 0
    assert "--force" in refused.err
    assert forced.lines[-1].startswith("staging r2")


async def fill(wire: Wire) -> None:
    for number in range(20):
        await wire.create_key(f"k{number}")
    await wire.set_all([{"namespace": "payments", "key": f"k{number}", "value": 1} for number in range(20)])


async def test_files_hold_no_secrets_and_take_none_away(secretive: CommandLine, tmp_path: Path) -> None:
    await secretive.done("set", "payments", "max_retries", "5", *ENV)
    file = tmp_path / "staging.yaml"
    exported = await secretive.done("export", *ENV)
    file.write_text(exported.out)
    same = await secretive.done("apply", "-f", str(file), "--prune", "--yes")
    file.write_text(exported.out + f"    api_key:\n      type: string\n      value: {CLEAR}\n")
    named = await secretive("plan", "-f", str(file))
    assert "1 secret left out" in exported.err
    assert "max_retries" in exported.out
    assert "api_key" not in exported.out
    assert "nothing to change" in same.out
    assert named.code not in (0, 2)
    assert "payments/api_key is a secret, which no file holds" in named.err
    assert CLEAR not in named.out + named.err
    assert (await secretive.done("get", *API_KEY, *ENV, "--reveal")).out == CLEAR + "\n"


async def test_a_secret_is_compared_and_promoted_masked(secretive: CommandLine) -> None:
    compared = await secretive.done("compare", "staging", "development")
    promoted = await secretive.done("promote", "staging", "development", "--yes", "--force")
    again = await secretive.done("compare", "staging", "development")
    revealed = await secretive.done("get", *API_KEY, "--env", "development", "--reveal")
    assert "secret " in compared.out
    assert CLEAR not in compared.out + promoted.out + promoted.err
    assert again.lines == ["nothing differs, 1 the same"]
    assert revealed.out == CLEAR + "\n"
