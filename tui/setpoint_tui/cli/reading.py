"""`get`, `list`, `history` and `snapshot`."""

from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from setpoint.protocol.values import render_value
from setpoint_tui.answers import History, Key, SnapshotAnswer, read_answer
from setpoint_tui.arguments import parse_keys, parse_revision
from setpoint_tui.cli import options
from setpoint_tui.cli.histories import print_history
from setpoint_tui.cli.output import console, note, print_json, print_line, print_value
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.formatting import NO_VALUE, format_age, format_revision, format_secret, format_value
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import all_keys, find_key, require_environment, type_of, value_in
from setpoint_tui.text_safety import safe_text

__all__ = ["get", "history", "list_keys", "snapshot"]


def get(
    namespace: options.Namespace,
    env: options.Env,
    key: options.Key = None,
    reveal: Annotated[bool, typer.Option("--reveal", help="Print a secret's value; that goes on record.")] = False,
    json: options.Json = False,
) -> None:
    """Print a value and nothing else: a string as it is, others as JSON."""
    [name] = parse_keys([namespace] if key is None else [namespace, key])

    async def read(link: HubLink) -> None:
        found = await find_key(link, name)
        active = await value_in(link, found, env)
        place = {"env": env, "namespace": found.namespace, "key": found.key}
        value = active.value
        if found.secret and reveal:
            value = (await link.request("secret.reveal", place))["value"]
        if json:
            print_json(
                {**place, "type": found.type, "secret": found.secret, **active.model_dump(mode="json"), "value": value}
            )
        elif found.secret and not reveal:
            # Not printed like a value: a script would take the mark for one.
            raise InvalidSettings(
                f"{found.namespace}/{found.key} is a secret ({format_secret(value)}): "
                "--reveal prints its value, which goes on record"
            )
        else:
            print_value(render_value(type_of(found), value))

    with_link(read)


def list_keys(
    namespace: options.AnyNamespace = None,
    env: options.AnyEnv = None,
    json: options.Json = False,
) -> None:
    """List keys and, with --env, their values there."""
    params = {name: value for name, value in (("namespace", namespace), ("env", env)) if value is not None}

    async def read(link: HubLink) -> list[tuple[Key, dict[str, Any]]]:
        return [found async for found in all_keys(link, params)]

    found = with_link(read)
    if json:
        print_json({"keys": [raw for _, raw in found]})
    elif not found:
        where = "" if namespace is None else f" in {safe_text(namespace)}"
        note(f"there are no keys{where} yet: make one with `setpoint create NAMESPACE KEY --type int`")
    elif env is None:
        _print_keys([key for key, _ in found])
    else:
        _print_values([key for key, _ in found])


def history(
    namespace: options.Namespace,
    env: options.Env,
    key: options.Key = None,
    limit: Annotated[int, typer.Option("--limit", min=1, max=500, help="How many changes.")] = 20,
    json: options.Json = False,
) -> None:
    """Show who changed a value, when, from what to what, and why."""
    [name] = parse_keys([namespace] if key is None else [namespace, key])

    async def read(link: HubLink) -> dict[str, Any]:
        found = await find_key(link, name)
        place = {"env": env, "namespace": found.namespace, "key": found.key}
        return dict(await link.request("history", {**place, "limit": limit}))

    raw = with_link(read)
    if json:
        print_json(raw)
        return
    found = read_answer(History, raw)
    if not found.changes:
        note(f"{safe_text(f'{found.namespace}/{found.key}')} never had a value in {safe_text(found.env)}")
        return
    print_history(found)
    if found.next is not None:
        note(f"… and older ones: --limit {min(limit * 2, 500)}")


def snapshot(
    env: options.Env,
    namespaces: options.Namespaces = None,
    at: Annotated[
        str | None, typer.Option("--at", metavar="REV|TIME", help="As it was: 41, or 2026-02-03T14:00 (local).")
    ] = None,
    json: options.Json = False,
) -> None:
    """Show all values of an environment, now or in the past."""
    params: dict[str, Any] = {"env": env}
    if namespaces:
        params["namespaces"] = namespaces
    if at is not None:
        params["at"] = _position(at)

    async def read(link: HubLink) -> Any:
        await require_environment(link, env)
        return await link.request("snapshot", params, timeout=30)

    raw = with_link(read)
    if json:
        print_json(raw)
        return
    found = read_answer(SnapshotAnswer, raw)
    rows: list[list[Cell]] = [
        [
            safe_text(f"{namespace}/{key}"),
            safe_text(entry.type),
            format_secret(entry.value) if entry.secret else format_value(entry.type, entry.value),
        ]
        for namespace, keys in sorted(found.namespaces.items())
        for key, entry in sorted(keys.items())
    ]
    if rows:
        print_table(
            console(), [Column("KEY", style="bold"), Column("TYPE"), Column("VALUE", flexible=True, least=20)], rows
        )
    else:
        note(f"nothing is set in {safe_text(env)} at {format_revision(found.revision)}")
        return
    print_line((f"{safe_text(found.env)} at {format_revision(found.revision)}", "dim"))


def _position(at: str) -> int | str:
    revision = parse_revision(at)
    if revision is not None:
        return revision
    try:
        # A time without a zone is the person's own.
        return datetime.fromisoformat(at).astimezone(UTC).isoformat()
    except ValueError as error:
        raise InvalidSettings(f"{at[:40]!r} is neither a revision nor a time: type 41 or 2026-02-03T14:00") from error


def _print_keys(keys: list[Key]) -> None:
    columns = [
        Column("KEY", style="bold"),
        Column("TYPE"),
        Column("OWNER", flexible=True, drop=1),
        Column("TAGS", flexible=True, drop=2),
        Column("DESCRIPTION", flexible=True, least=24, drop=3),
    ]
    rows: list[list[Cell]] = [
        [
            safe_text(f"{key.namespace}/{key.key}"),
            safe_text(key.type),
            safe_text(key.owner),
            safe_text(", ".join(key.tags)),
            safe_text(key.description),
        ]
        for key in keys
    ]
    print_table(console(), columns, rows)


def _print_values(keys: list[Key]) -> None:
    now = datetime.now(UTC)
    columns = [
        Column("KEY", style="bold"),
        Column("TYPE"),
        Column("VALUE", flexible=True, least=20),
        Column("REV", right=True, drop=1),
        Column("AGE", right=True, drop=2),
        Column("DESCRIPTION", flexible=True, least=24, drop=3),
    ]
    print_table(console(), columns, [_value_row(key, now) for key in keys])


def _value_row(key: Key, now: datetime) -> list[Cell]:
    value: Cell = (NO_VALUE, "dim")
    if key.version is not None:
        value = format_secret(key.value) if key.secret else format_value(key.type, key.value)
    return [
        safe_text(f"{key.namespace}/{key.key}"),
        safe_text(key.type),
        value,
        "" if key.revision is None else format_revision(key.revision),
        "" if key.at is None else format_age(key.at, now),
        safe_text(key.description),
    ]
