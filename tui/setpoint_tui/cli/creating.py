"""`create` and `env`: keys, and environments with their protection."""

from typing import Annotated, Any

import typer

from setpoint.errors import InvalidValue
from setpoint.protocol.values import VALUE_TYPES, is_value_type
from setpoint_tui.answers import Environment, EnvironmentList, read_answer
from setpoint_tui.cli import options
from setpoint_tui.cli.completion import complete_environment, complete_namespace
from setpoint_tui.cli.output import console, print_json, print_line
from setpoint_tui.cli.parsing import read_constraints
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.formatting import counted, format_revision
from setpoint_tui.link import HubLink
from setpoint_tui.text_safety import safe_text

__all__ = ["create", "create_environment", "list_environments", "protect_environment"]


def create(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    namespace: Annotated[
        str, typer.Argument(metavar="NAMESPACE", show_default=False, autocompletion=complete_namespace)
    ],
    key: Annotated[str, typer.Argument(metavar="KEY", show_default=False)],
    value_type: Annotated[
        str,
        typer.Option(
            "--type", "-t", metavar="TYPE", help=", ".join(VALUE_TYPES), autocompletion=lambda: list(VALUE_TYPES)
        ),
    ],
    description: Annotated[str, typer.Option("--description", "-d", help="What it is for.")] = "",
    owner: Annotated[str, typer.Option("--owner", help="Who answers for it.")] = "",
    tag: Annotated[list[str] | None, typer.Option("--tag", help="May be given several times.")] = None,
    constraints: options.Constraints = None,
    secret: Annotated[
        bool, typer.Option("--secret", help="Its values are stored encrypted and shown masked; that never changes.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Make a key, without a value. Its type holds in every environment and never changes."""
    if not is_value_type(value_type):
        raise InvalidValue(f"{value_type[:40]!r} is no type: choose one of {', '.join(VALUE_TYPES)}")
    params: dict[str, Any] = {"namespace": namespace, "key": key, "type": value_type}
    more = {"description": description, "owner": owner, "tags": tag, "secret": secret}
    params.update({name: value for name, value in more.items() if value})
    if constraints is not None:
        params["constraints"] = read_constraints(constraints)

    async def make(link: HubLink) -> Any:
        return await link.request("key.create", params)

    raw = with_link(make)
    if json:
        print_json(raw)
        return
    print_line("made ", (safe_text(f"{namespace}/{key}"), "bold"), f" of type {value_type}")
    value = "" if secret else " VALUE"
    print_line((f"give it a value: setpoint set {namespace} {key}{value} --env ENV", "dim"))


def list_environments(json: options.Json = False) -> None:
    """List the environments in the order of promotion."""

    async def read(link: HubLink) -> Any:
        return await link.request("environment.list", {})

    raw = with_link(read)
    if json:
        print_json(raw)
        return
    columns = [
        Column("ENV", style="bold"),
        Column("REV", right=True),
        Column("KEYS", right=True),
        Column("PROTECTED"),
    ]
    rows: list[list[Cell]] = [
        [safe_text(one.env), format_revision(one.revision), f"{one.keys:,}", _protection(one)]
        for one in read_answer(EnvironmentList, raw).environments
    ]
    print_table(console(), columns, rows)


def create_environment(
    env: Annotated[str, typer.Argument(metavar="ENV", show_default=False)],
    protected: Annotated[bool, typer.Option("--protected", help="Changes will need a review.")] = False,
    approvals: Annotated[int, typer.Option("--approvals", min=0, max=10, help="How many a change needs.")] = 0,
    after: Annotated[
        str | None, typer.Option("--after", metavar="ENV", help="Its place in the order of promotion; else last.")
    ] = None,
    json: options.Json = False,
) -> None:
    """Make an environment."""
    params: dict[str, Any] = {"env": env, "protected": protected, "required_approvals": approvals}
    if after is not None:
        params["after"] = after

    async def make(link: HubLink) -> Any:
        return await link.request("environment.create", params)

    raw = with_link(make)
    if json:
        print_json(raw)
        return
    made = read_answer(Environment, raw)
    protection = f", protected: {_protection(made)}" if made.protected else ""
    print_line("made environment ", (safe_text(made.env), "bold"), protection)


def protect_environment(
    env: Annotated[str, typer.Argument(metavar="ENV", show_default=False, autocompletion=complete_environment)],
    approvals: Annotated[
        int | None, typer.Option("--approvals", min=0, max=10, help="How many a change needs; else as many as before.")
    ] = None,
    off: Annotated[bool, typer.Option("--off", help="Take the protection off.")] = False,
    json: options.Json = False,
) -> None:
    """Have changes of an environment reviewed first, from now on; or, with --off, no more."""
    params: dict[str, Any] = {"env": env, "protected": not off}
    if approvals is not None:
        params["required_approvals"] = approvals

    async def protect(link: HubLink) -> Any:
        return await link.request("environment.protect", params)

    raw = with_link(protect)
    if json:
        print_json(raw)
        return
    done = read_answer(Environment, raw)
    is_so = f" is protected: {_protection(done)}" if done.protected else " is not protected"
    print_line((safe_text(done.env), "bold"), is_so)


def _protection(environment: Environment) -> str:
    if not environment.protected:
        return "no"
    return counted(environment.required_approvals, "approval")
