"""`key show` and `key update`: what a key is for, who answers for it, what its values keep."""

from typing import Annotated, Any

import typer

from setpoint.protocol.strict_json import dumps
from setpoint_tui.answers import ActiveValue, Answer, Key, Warned, read_answer
from setpoint_tui.arguments import parse_keys
from setpoint_tui.cli import options
from setpoint_tui.cli.output import console, note, print_json, print_line
from setpoint_tui.cli.parsing import read_constraints
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.formatting import format_revision, format_secret, format_value
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import find_key
from setpoint_tui.text_safety import safe_text

__all__ = ["show", "update"]


class _Updated(Answer):
    warnings: tuple[Warned, ...] = ()


def show(namespace: options.Namespace, key: options.Key = None, json: options.Json = False) -> None:
    """Show a key: what it is for, what its values keep, and its value in each environment."""
    [name] = parse_keys([namespace] if key is None else [namespace, key])

    async def read(link: HubLink) -> tuple[Key, Any]:
        found = await find_key(link, name)
        return found, await link.request("key.get", {"namespace": found.namespace, "key": found.key})

    found, raw = with_link(read)
    if json:
        print_json(raw)
        return
    print_line((safe_text(f"{found.namespace}/{found.key}"), "bold"), f"  {safe_text(found.type)}", _secrecy(found))
    about = {"about": found.description, "owner": found.owner, "tags": ", ".join(found.tags)}
    if found.constraints is not None:
        about["constraints"] = dumps(found.constraints)
    for label, text in about.items():
        if text:
            print_line((f"{label:<12}", "dim"), safe_text(text, limit=None))
    if found.environments:
        _print_values(found)


def update(
    namespace: options.Namespace,
    key: options.Key = None,
    description: Annotated[str | None, typer.Option("--description", "-d", help="What it is for.")] = None,
    owner: Annotated[str | None, typer.Option("--owner", help="Who answers for it.")] = None,
    tag: Annotated[list[str] | None, typer.Option("--tag", help="May be given several times; replaces all.")] = None,
    constraints: options.Constraints = None,
    force: Annotated[bool, typer.Option("--force", help="Also when active values break the constraints.")] = False,
    json: options.Json = False,
) -> None:
    """Change what a key says of itself; what is not given stays. --constraints null takes them away."""
    [name] = parse_keys([namespace] if key is None else [namespace, key])
    given = {"description": description, "owner": owner, "tags": tag or None}
    params: dict[str, Any] = {member: value for member, value in given.items() if value is not None}
    if constraints is not None:
        params["constraints"] = read_constraints(constraints)
    if not params:
        raise InvalidSettings("nothing is to be changed: give --description, --owner, --tag or --constraints")

    async def change(link: HubLink) -> tuple[Key, Any]:
        found = await find_key(link, name)
        place = {"namespace": found.namespace, "key": found.key, "force": force}
        return found, await link.request("key.update", {**place, **params})

    found, raw = with_link(change)
    if json:
        print_json(raw)
        return
    for warned in read_answer(_Updated, raw).warnings:
        note((f"warning: in {safe_text(warned.env or 'another environment')} {safe_text(warned.message)}", "yellow"))
    print_line("changed ", (safe_text(f"{found.namespace}/{found.key}"), "bold"))


def _secrecy(key: Key) -> tuple[str, str]:
    return ("  secret", "yellow") if key.secret else ("", "")


def _print_values(key: Key) -> None:
    columns = [
        Column("ENV", style="bold"),
        Column("VALUE", flexible=True, least=20),
        Column("REV", right=True, drop=1),
        Column("WHO", flexible=True, drop=2),
    ]
    print_table(console(), columns, [_value_row(key, env, active) for env, active in key.environments.items()])


def _value_row(key: Key, env: str, active: ActiveValue) -> list[Cell]:
    value = format_secret(active.value) if key.secret else format_value(key.type, active.value)
    by = "" if active.by is None else safe_text(active.by.name)
    return [safe_text(env), value, format_revision(active.revision), by]
