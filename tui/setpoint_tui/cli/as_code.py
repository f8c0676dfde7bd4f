"""`export`, `plan` and `apply`: an environment as a file that a repository holds and reviews."""

import sys
from collections.abc import Generator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.cells import cell_len

from setpoint_tui.arguments import parse_revision
from setpoint_tui.as_code.applying import create_keys, plan_file, read_without_secrets
from setpoint_tui.as_code.document import EnvironmentFile, read_file, write_file
from setpoint_tui.as_code.planning import Action, Plan, change_params
from setpoint_tui.as_code.strict_yaml import LARGEST_FILE
from setpoint_tui.cli import options
from setpoint_tui.cli.asking import confirm, need_not_ask
from setpoint_tui.cli.exit_codes import ExitCode
from setpoint_tui.cli.output import note, print_json, print_line, print_value
from setpoint_tui.cli.receipts import report_written
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.writes import check_wait, forced, protection, write_once
from setpoint_tui.errors import InvalidFile, InvalidSettings, NotFound
from setpoint_tui.formatting import NO_VALUE, counted, format_revision, format_value
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import is_protected
from setpoint_tui.text_safety import safe_text
from setpoint_tui.writing import Written

__all__ = ["apply", "export", "plan"]

_SIGNS = {"create": ("+", "green"), "change": ("~", "yellow"), "remove": ("-", "red")}

_File = Annotated[
    str,
    typer.Option("--file", "-f", metavar="FILE", show_default=False, help="What export printed, edited; - for stdin."),
]
_Prune = Annotated[
    bool,
    typer.Option("--prune", help="Also take away what the file does not name, in the namespaces that it names."),
]


def export(env: options.Env, namespace: options.OnlyNamespaces = None) -> None:
    """Print an environment as a YAML file, the same text for the same values. Secrets stay out of it.

    setpoint export --env production > production.yaml
    """

    async def read(link: HubLink) -> str:
        found, secrets = await read_without_secrets(link, env, namespace)
        known = {name for name, _ in secrets}
        missing = [name for name in namespace or () if not found.namespaces.get(name) and name not in known]
        if missing:
            raise NotFound(f"nothing is set in {missing[0]} of {env}: see `setpoint list`")
        if secrets:
            note((f"{counted(len(secrets), 'secret')} left out: files hold none", "dim"))
        return write_file(found.env, found.revision, found.namespaces)

    text = with_link(read)
    if sys.stdout.isatty():
        print_value(text.removesuffix("\n"))
    else:
        # The file is UTF-8 whatever the terminal's encoding is.
        typer.echo(text.encode(), nl=False)


def plan(
    file: _File,
    env: options.AnyEnv = None,
    namespace: options.OnlyNamespaces = None,
    prune: _Prune = False,
    json: options.Json = False,
) -> None:
    """Show what `apply` would change. Exits with 2 when something differs, 0 when not, 1 on any error.

    setpoint plan -f production.yaml
    """
    wanted = _wanted(file, env, namespace)
    with _named(file):
        found = with_link(lambda link: plan_file(link, wanted, prune=prune, since=None))
    if json:
        print_json(_as_json(found))
    else:
        _print_plan(found)
    if found.actions:
        raise typer.Exit(ExitCode.DIFFERS)


def apply(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    file: _File,
    env: options.AnyEnv = None,
    namespace: options.OnlyNamespaces = None,
    prune: _Prune = False,
    planned: Annotated[
        str | None,
        typer.Option("--planned", metavar="REV", help="Only if no key of the file has changed since that revision."),
    ] = None,
    note_text: options.Note = "",
    yes: options.Yes = False,
    wait: options.Wait = 5,
    require_all: options.RequireAll = False,
    ticket: options.Ticket = "",
    break_glass: options.BreakGlass = False,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Make an environment as a file says, in one change set; keys that do not exist are made first.

    It shows the plan and asks. If any of what was shown changes meanwhile, nothing is done. Without a terminal, what
    becomes a review goes ahead, and anything else needs --yes.

    setpoint apply -f production.yaml --note "ticket 4711"
    """
    since = _revision(planned)
    check_wait(wait, require_all)
    if file == "-" and not yes:
        raise InvalidSettings("the file comes from stdin, so there is nobody to ask: give --yes")
    wanted = _wanted(file, env, namespace)

    async def look(link: HubLink) -> tuple[Plan, bool]:
        planned = await plan_file(link, wanted, prune=prune, since=since)
        return planned, not break_glass and await is_protected(link, wanted.env)

    with _named(file):
        found, proposes = with_link(look)
    agreed = not found.actions or need_not_ask(yes=yes, proposes=proposes)
    params = {**change_params(found, note=note_text), **protection(ticket, break_glass), **forced(force)}
    if not json:
        _print_plan(found)
    if not found.actions:
        if json:
            print_json({"env": found.env, "revision": found.revision, "changes": []})
        return
    confirm(f"Apply {counted(len(found.actions), 'change')} to {safe_text(found.env)}?", yes=agreed)
    written = with_link(lambda link: _carry_out(link, found, params, wait))
    report_written(written, require_all=require_all, as_json=json, changes_are_shown=True)


async def _carry_out(link: HubLink, found: Plan, params: dict[str, Any], wait: float) -> Written:
    made = await create_keys(link, found.actions)
    written = await write_once(link, "set", params, wait)
    return replace(written, result={**written.result, "made_keys": made})


def _wanted(file: str, env: str | None, namespaces: list[str] | None) -> EnvironmentFile:
    with _named(file):
        found = read_file(_read_text(file))
    if env is not None and env != found.env:
        raise InvalidSettings(f"{file} is for {found.env}, and {env} was asked for: check --env and SETPOINT_ENV")
    if not namespaces:
        return found
    for name in namespaces:
        if name not in found.namespaces:
            raise NotFound(f"{file} holds no namespace {name}")
    return replace(found, namespaces={name: found.namespaces[name] for name in namespaces})


@contextmanager
def _named(file: str) -> Generator[None]:
    """Have what is wrong with a file say which."""
    try:
        yield
    except InvalidFile as error:
        raise InvalidFile(f"{'stdin' if file == '-' else file}: {error}") from error


def _read_text(file: str) -> str:
    try:
        if file == "-":
            return sys.stdin.read(LARGEST_FILE + 1)
        with Path(file).open(encoding="utf-8", newline="") as opened:
            return opened.read(LARGEST_FILE + 1)
    except UnicodeDecodeError as error:
        raise InvalidFile("not text in UTF-8") from error
    except OSError as error:
        raise InvalidSettings(f"{file} cannot be read: {error.strerror}") from error


def _revision(planned: str | None) -> int | None:
    if planned is None:
        return None
    revision = parse_revision(planned)
    if revision is None:
        raise InvalidSettings(f"{planned[:40]!r} is no revision: type the number that `setpoint plan` printed")
    return revision


def _as_json(found: Plan) -> dict[str, Any]:
    return {
        "env": found.env,
        "revision": found.revision,
        "actions": [_action_as_json(action) for action in found.actions],
        "same": found.same,
        "unlisted": found.unlisted,
    }


def _action_as_json(action: Action) -> dict[str, Any]:
    shown: dict[str, Any] = {
        "action": action.kind,
        "namespace": action.namespace,
        "key": action.key,
        "type": action.type,
        "key_is_new": action.key_is_new,
    }
    if action.kind != "create":
        shown["old"] = action.old
    if action.kind != "remove":
        shown["new"] = action.new
    return shown


def _print_plan(found: Plan) -> None:
    names = [safe_text(f"{action.namespace}/{action.key}") for action in found.actions]
    width = max((cell_len(name) for name in names), default=0)
    for name, action in zip(names, found.actions, strict=True):
        _print_action(name + " " * (width - cell_len(name)), action)
    place = f"{safe_text(found.env)} {format_revision(found.revision)}"
    print_line((place, "bold"), " · ", _summary(found))
    if found.unlisted:
        stay = "is not in the file and stays" if found.unlisted == 1 else "are not in the file and stay"
        note((f"{counted(found.unlisted, 'key')} {stay}: --prune takes such values away", "dim"))


def _print_action(name: str, action: Action) -> None:
    sign, style = _SIGNS[action.kind]
    old = NO_VALUE if action.kind == "create" else format_value(action.type, action.old, limit=200)
    new = NO_VALUE if action.kind == "remove" else format_value(action.type, action.new, limit=200)
    remark = f"  (a new key of type {action.type})" if action.key_is_new else ""
    print_line((sign, style), " ", name, "  ", (old, "dim"), " → ", (new, "bold"), (remark, "dim"))


def _summary(found: Plan) -> str:
    if not found.actions:
        return f"nothing to change, {counted(found.same, 'key')} as the file says"
    parts = [
        f"{found.count('create')} to create",
        f"{found.count('change')} to change",
        f"{found.count('remove')} to remove",
    ]
    return f"{', '.join(parts)}, {found.same:,} as the file says"
