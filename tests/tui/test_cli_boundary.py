"""What holds for every command: exit codes, one sentence for an error, machines and terminals."""

import asyncio
import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from setpoint.errors import HubUnreachable, InvalidName, InvalidValue, ProtocolError, RequestFailed
from setpoint_tui.cli import programs
from setpoint_tui.cli.exit_codes import exit_code
from setpoint_tui.cli.parsing import ValueCommand
from setpoint_tui.errors import AnswerLost, Conflict, InvalidFile, InvalidSettings, NotFound
from support.hubs import RunningHub
from tui.conftest import CommandLine
from tui.scripted_hub import scripted_hub
from tui.terminals import run_in_terminal

COMMANDS = [
    *("get", "set", "create", "delete", "list", "history", "rollback", "watch", "snapshot", "status", "fleet"),
    *("compare", "promote", "export", "plan", "apply"),
    *("up", "hub", "demo", "env", "schema"),
]


@pytest.mark.parametrize(
    ("error", "code"),
    [
        (RequestFailed("", kind="not_found"), 3),
        (NotFound(""), 3),
        (RequestFailed("", kind="conflict"), 4),
        (RequestFailed("", kind="invalid_value"), 5),
        (RequestFailed("", kind="too_large"), 5),
        (InvalidValue(""), 5),
        (InvalidName("key", "", ""), 5),
        (RequestFailed("", kind="forbidden"), 6),
        (RequestFailed("", kind="unauthorised"), 6),
        (RequestFailed("", kind="review_required"), 9),
        (RequestFailed("", kind="unavailable"), 7),
        (RequestFailed("", kind="rate_limited"), 7),
        (HubUnreachable(""), 7),
        (AnswerLost(""), 7),
        (InvalidSettings(""), 2),
        (InvalidFile(""), 5),
        (Conflict(""), 4),
        (RequestFailed("", kind="protocol", code=-32602), 2),
        (RequestFailed("", kind="protocol", code=-32603), 1),
        (ProtocolError(""), 1),
    ],
)
def test_each_error_has_its_exit_code(error: Exception, code: int) -> None:
    assert exit_code(error) == code


async def test_help_names_every_command_and_exit_code(command_line: CommandLine) -> None:
    ran = await command_line.done("--help")

    for command in COMMANDS:
        assert re.search(rf"\b{command}\b", ran.out)
    for code in range(10):
        assert re.search(rf"\b{code}\s+\w", ran.out)


@pytest.mark.parametrize("command", COMMANDS)
async def test_every_command_has_help(command_line: CommandLine, command: str) -> None:
    assert "Usage: setpoint" in (await command_line.done(command, "--help")).out


async def test_without_a_hub_the_next_step_is_told(
    command_line: CommandLine, clean_environ: pytest.MonkeyPatch
) -> None:
    clean_environ.setenv("SETPOINT_URL", "http://127.0.0.1:1")

    for words in (["status"], ["list"], ["get", "a", "b", "-e", "c"], ["watch"], ["create", "a", "b", "--type", "int"]):
        ran = await command_line(*words)
        assert ran.code == 7
        assert ran.err == (
            "setpoint: no hub answers at http://127.0.0.1:1: start one with `setpoint up` or set SETPOINT_URL\n"
        )


async def test_a_token_that_is_missing_or_wrong(setpoint: CommandLine, clean_environ: pytest.MonkeyPatch) -> None:
    clean_environ.setenv("SETPOINT_TOKEN", "wrong")
    wrong = await setpoint("status")
    clean_environ.delenv("SETPOINT_TOKEN")
    missing = await setpoint("status", "--json")

    assert wrong.code == missing.code == 6
    assert "does not know the token from SETPOINT_TOKEN" in wrong.err
    assert '"kind":"unauthorised"' in missing.err


@pytest.mark.parametrize("url", ["ftp://x", "127.0.0.1:8430"])
async def test_an_address_that_is_none(command_line: CommandLine, clean_environ: pytest.MonkeyPatch, url: str) -> None:
    clean_environ.setenv("SETPOINT_URL", url)

    assert (await command_line("status")).code == 2


async def test_an_answer_that_is_not_understood_is_no_traceback(
    command_line: CommandLine, clean_environ: pytest.MonkeyPatch
) -> None:
    async with scripted_hub(environment_list=lambda _params: {"environments": [{"env": 5}]}) as hub:
        clean_environ.setenv("SETPOINT_URL", hub.connection.address.url)
        clean_environ.setenv("SETPOINT_TOKEN", "a-token")
        ran = await command_line("env", "list")

    assert ran.code == 1
    assert ran.err.startswith("setpoint: the hub's answer is not understood: environments.0.")


async def test_an_unexpected_error_is_one_sentence(setpoint: CommandLine, clean_environ: pytest.MonkeyPatch) -> None:
    def fail(_settings: object) -> None:
        raise ZeroDivisionError("by\nnothing")

    clean_environ.setattr("setpoint_tui.cli.session.find_connection", fail)

    ran = await setpoint("status")

    assert ran.code == 1
    assert ran.err == r"setpoint: unexpected ZeroDivisionError: by\nnothing (SETPOINT_DEBUG=1 shows where)" + "\n"


@pytest.mark.parametrize(
    ("words", "command"),
    [
        (["up"], ["up"]),
        (["up", "--data", "d", "--port", "9", "--host", "::1"], ["up", "--data", "d", "--port", "9", "--host", "::1"]),
        (["up", "--until-stdin-closes"], ["up", "--until-stdin-closes"]),
        (["hub", "--port", "0"], ["hub", "--port", "0"]),
        (["hub", "--allow-plaintext"], ["hub", "--allow-plaintext"]),
        (["schema", "apply"], ["schema", "apply"]),
        (["schema", "print"], ["schema", "print"]),
    ],
)
async def test_the_hubs_programs_take_our_place(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, words: list[str], command: list[str]
) -> None:
    became: list[list[str]] = []
    monkeypatch.setattr("os.execv", lambda _program, arguments: became.append(arguments))

    await command_line.done(*words)

    assert became == [[sys.executable, "-m", "setpoint_hub", *command]]


@pytest.mark.parametrize("words", [["up"], ["hub"], ["schema", "print"], ["demo"]])
async def test_without_the_hubs_parts_it_says_what_to_install(
    command_line: CommandLine, monkeypatch: pytest.MonkeyPatch, words: list[str]
) -> None:
    monkeypatch.setattr(programs, "_NEEDED", ("no_such_package",))

    ran = await command_line(*words)

    assert ran.code == 2
    assert "pip install 'setpoint[hub]'" in ran.err


def test_without_typer_it_says_what_to_install() -> None:
    script = "import sys; sys.modules['typer'] = None; from setpoint_tui.__main__ import main; main()"

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)

    assert (ran.returncode, ran.stdout) == (1, "")
    assert ran.stderr == "setpoint: the command line is not installed: pip install 'setpoint[tui]'\n"


def test_the_core_needs_no_terminal_library() -> None:
    core = Path(programs.__file__).parents[1]
    modules = [f"setpoint_tui.{file.stem}" for file in core.glob("*.py") if not file.stem.startswith("__")]
    script = (
        f"import importlib, sys; [importlib.import_module(name) for name in {modules}]; "
        "print([name for name in ('textual', 'rich', 'typer', 'setpoint_hub') if name in sys.modules])"
    )

    ran = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)

    assert len(modules) > 10
    assert ran.stdout == "[]\n"


async def test_a_terminal_gets_no_control_from_a_value(setpoint: CommandLine, hub: RunningHub) -> None:
    hostile = "\x1b]52;c;aGk=\x07\x9b2J\u202e[bold]x[/]"
    await setpoint.done("create", "payments", "text", "--type", "string", "-d", hostile)
    await setpoint.done("set", "payments", "text", hostile, "-e", "staging", "--note", hostile)

    for words in (
        ["get", "payments", "text", "-e", "staging"],
        ["get", "payments", "text", "-e", "staging", "--json"],
        ["list", "-e", "staging"],
        ["list", "--json"],
        ["history", "payments", "text", "-e", "staging"],
        ["snapshot", "-e", "staging"],
    ):
        seen = await run_in_terminal(hub, *words, columns=300)
        without_colour = re.sub(r"\x1b\[[0-9;]*m", "", seen)
        assert "52;c;aGk=" in without_colour
        assert "[bold]x[/]" in without_colour
        assert not set(without_colour) & {"\x1b", "\x07", "\x9b", "\u202e"}


async def test_no_color_is_respected(setpoint: CommandLine, hub: RunningHub) -> None:
    await setpoint.done("set", "payments", "max_retries", "5", "-e", "staging")

    plain = await run_in_terminal(hub, "list", "-e", "staging", NO_COLOR="1")
    coloured = await run_in_terminal(hub, "list", "-e", "staging", NO_COLOR="")

    assert "\x1b[3" not in plain
    assert "\x1b[" in coloured


async def test_a_table_fits_the_terminal(setpoint: CommandLine, hub: RunningHub) -> None:
    await setpoint.done("create", "payments", "text", "--type", "string", "-d", "long " * 50)
    await setpoint.done("set", "payments", "text", "x" * 500, "-e", "staging")

    for columns in (60, 80, 120):
        seen = await run_in_terminal(hub, "list", "-e", "staging", columns=columns, NO_COLOR="1")
        lines = re.sub(r"\x1b\[[0-9;]*m", "", seen).splitlines()
        assert max(len(line) for line in lines) <= columns
        assert "payments/text" in lines[-1]


async def test_a_reader_that_hangs_up_is_no_error_to_talk_about(setpoint: CommandLine, hub: RunningHub) -> None:
    for number in range(50):
        await setpoint.done("create", "many", f"key{number}", "--type", "int", "-d", "x" * 1_900)
    process = await asyncio.create_subprocess_shell(
        f"{sys.executable} -m setpoint_tui list | head -c 1",
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={**os.environ, "SETPOINT_URL": hub.address, "SETPOINT_TOKEN": hub.token},
    )

    out, err = await process.communicate()

    assert (out, err) == (b"K", b"")


async def test_watch_shows_changes_until_it_is_interrupted(setpoint: CommandLine, hub: RunningHub) -> None:
    environ = {**os.environ, "SETPOINT_URL": hub.address, "SETPOINT_TOKEN": hub.token}
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-m", "setpoint_tui", "watch", "payments", "-e", "staging"],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env=environ,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    assert await process.stderr.readline() == b"following staging r0\n"

    await setpoint.done("create", "other", "key", "--type", "int")
    await setpoint.done("set", "other", "key", "1", "-e", "staging")
    await setpoint.done("set", "payments", "max_retries", "5", "-e", "staging", "-m", "why")
    line = (await process.stdout.readline()).decode()
    process.send_signal(2)

    assert line.split(maxsplit=1)[1] == "staging r2 payments/max_retries  (none) → 5  admin · why\n"
    assert await asyncio.wait_for(process.wait(), 10) == 130
    assert await process.stderr.read() == b""


@pytest.mark.parametrize(
    ("words", "incomplete", "offered"),
    [
        ("setpoint get pay", 2, "payments"),
        ("setpoint get payments m", 3, "max_retries"),
        ("setpoint set payments m", 3, "max_retries"),
        ("setpoint set payments x=1 m", 4, "max_retries"),
        ("setpoint delete payments m", 3, "max_retries"),
        ("setpoint get payments x --env st", 5, "staging"),
        ("setpoint create a b --type bo", 5, "bool"),
    ],
)
@pytest.mark.usefixtures("setpoint")
async def test_the_shell_is_offered_names_from_the_hub(
    hub: RunningHub, words: str, incomplete: int, offered: str
) -> None:
    assert await complete(words, incomplete, hub.address, hub.token) == offered


async def test_completion_is_silent_without_a_hub() -> None:
    assert await complete("setpoint get pay", 2, "http://127.0.0.1:1", "x") == ""


async def complete(words: str, place: int, url: str, token: str) -> str:
    process = await asyncio.create_subprocess_exec(
        *[sys.executable, "-c", "import sys; from setpoint_tui.__main__ import main; sys.argv[0] = 'setpoint'; main()"],
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.PIPE,
        env={
            **os.environ,
            "SETPOINT_URL": url,
            "SETPOINT_TOKEN": token,
            "_SETPOINT_COMPLETE": "complete_bash",
            "COMP_WORDS": words,
            "COMP_CWORD": str(place),
        },
    )
    out, err = await process.communicate()
    assert err == b""
    return out.decode().strip()


def test_the_command_for_values_has_no_option_called_by_a_digit() -> None:
    import typer.main  # noqa: PLC0415

    from setpoint_tui.cli.app import app  # noqa: PLC0415

    for command in vars(typer.main.get_command(app))["commands"].values():
        if isinstance(command, ValueCommand):
            assert not [name for option in command.params for name in option.opts if re.match(r"-\d", name)]


async def test_the_console_without_a_terminal_says_what_it_needs(command_line: CommandLine) -> None:
    ran = await command_line("console")

    assert ran.code == 2
    assert "the console needs a terminal" in ran.err


async def test_setpoint_alone_without_a_terminal_prints_the_help(command_line: CommandLine) -> None:
    ran = await command_line()

    assert ran.code == 2
    assert "console" in ran.out
