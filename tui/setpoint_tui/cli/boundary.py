"""The edge of the command line: runs a command and turns what it raises into one sentence and an exit code."""

import os
import sys
from collections.abc import Sequence
from typing import Any

import typer
import typer.main

from setpoint.errors import RequestFailed, SetpointError
from setpoint.protocol.strict_json import dumps
from setpoint_tui.cli.app import app
from setpoint_tui.cli.exit_codes import ExitCode, exit_code, kind_of
from setpoint_tui.cli.output import note
from setpoint_tui.text_safety import safe_text

__all__ = ["run"]


def run(arguments: Sequence[str]) -> int:
    """Run one command line and return its exit code."""
    as_json = "--json" in arguments
    _never_fail_to_print()
    try:
        command = typer.main.get_command(app)
        code = command.main(args=list(arguments), prog_name="setpoint", standalone_mode=False)
    except SetpointError as error:
        code = exit_code(error)
        return _report(error, _sentence(error), as_json=as_json, code=_of_error(code, arguments))
    except typer.TyperException as error:
        code = _of_error(error.exit_code, arguments)
        return _report(error, _usage_sentence(error), as_json=as_json, code=code)
    except typer.Abort:
        return ExitCode.UNEXPECTED
    except Exception as error:
        if os.environ.get("SETPOINT_DEBUG"):
            raise
        said = f"unexpected {type(error).__name__}: {error} (SETPOINT_DEBUG=1 shows where)"
        return _report(error, said, as_json=as_json, code=ExitCode.UNEXPECTED)
    return code if isinstance(code, int) else ExitCode.OK


def _of_error(code: int, arguments: Sequence[str]) -> int:
    # Where 2 says that something differs, a script must not take a mistake for that.
    tells_differences = "plan" in arguments[:1] or "--exit-code" in arguments
    return ExitCode.UNEXPECTED if tells_differences else code


def _report(error: Exception, said: str, *, as_json: bool, code: int) -> int:
    if as_json:
        body: dict[str, object] = {"kind": _kind(error), "message": said, "exit_code": int(code)}
        if isinstance(error, RequestFailed) and error.data:
            body["data"] = error.data
        sys.stderr.write(dumps({"error": body}) + "\n")
    elif said:
        note(("setpoint: ", "bold red"), safe_text(said))
    return code


def _sentence(error: SetpointError) -> str:
    said = str(error)
    if not isinstance(error, RequestFailed):
        return said
    if error.kind == "review_required" and "review" in error.data:
        return f"{said}: see it with `setpoint review show {error.data['review']}`"
    conflicts: list[Any] = error.data.get("conflicts", [])
    active = [str(one.get("active_version") or "none") for one in conflicts[:1]]
    return f"{said} (active now: {active[0]})" if active else said


def _usage_sentence(error: typer.TyperException) -> str:
    said = error.format_message()
    path = getattr(getattr(error, "ctx", None), "command_path", None)
    return f"{said.removesuffix('.')}: see `{path} --help`" if said and path else said


def _kind(error: Exception) -> str:
    is_usage = isinstance(error, typer.TyperException) and error.exit_code == ExitCode.USAGE
    return "usage" if is_usage else kind_of(error)


def _never_fail_to_print() -> None:
    # A terminal of another encoding than UTF-8 gets an escape where it lacks a character, and no traceback.
    for stream in (sys.stdout, sys.stderr):
        reconfigure = getattr(stream, "reconfigure", None)
        if reconfigure is not None:
            reconfigure(errors="backslashreplace")
