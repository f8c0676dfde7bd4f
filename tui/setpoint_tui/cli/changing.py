"""`set`, `delete` and `rollback`: what changes values, and the receipt that says who runs the change."""

from collections.abc import Awaitable, Callable
from typing import Annotated, Any

import typer

from setpoint.errors import InvalidValue, NotJson
from setpoint.protocol.values import Json, parse_value
from setpoint_tui.answers import Key
from setpoint_tui.arguments import (
    KeyName,
    KeyPath,
    is_id,
    parse_assignments,
    parse_keys,
    parse_revision,
)
from setpoint_tui.cli import options
from setpoint_tui.cli.completion import complete_words
from setpoint_tui.cli.output import at_terminal
from setpoint_tui.cli.parsing import read_text
from setpoint_tui.cli.receipts import report_written
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.writes import check_wait, forced, protection, write_once
from setpoint_tui.durations import parse_duration
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import find_key, find_keys, require_environment, type_of
from setpoint_tui.past import earlier_version
from setpoint_tui.writing import Written

__all__ = ["delete", "rollback", "set_values"]

_EXAMPLES = {"int": "5", "float": "0.25"}


def set_values(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    words: Annotated[
        list[str],
        typer.Argument(
            metavar="NAMESPACE KEY VALUE",
            show_default=False,
            help="Or KEY=VALUE several times. VALUE may be @FILE, or - for stdin; a value that begins with @ takes @@. "
            "Without VALUE it is asked for, and not shown.",
            autocompletion=complete_words,
        ),
    ],
    env: options.Env,
    note: options.Note = "",
    wait: options.Wait = 5,
    require_all: options.RequireAll = False,
    expect: options.Expect = None,
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="30m", help="It takes itself back after so long (s, m, h, d, w).")
    ] = None,
    confirm_within: Annotated[
        str | None,
        typer.Option("--confirm-within", metavar="5m", help="It takes itself back unless `setpoint confirm` is run."),
    ] = None,
    ticket: options.Ticket = "",
    break_glass: options.BreakGlass = False,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Set one value, or several in one change set that applies whole or not at all.

    setpoint set payments max_retries 5 --env staging --note "fewer parked orders"

    setpoint set payments max_retries=5 provider=sandbox --env staging

    setpoint set payments/max_retries=5 search/query.fuzzy=true --env staging

    setpoint set global maintenance.enabled true --env staging --expires 30m
    """
    assignments = parse_assignments(_asked_for(words))
    texts = [read_text(assignment.text) for assignment in assignments]
    check_wait(wait, require_all)
    expected = _expected(expect, len(assignments))
    stated = {"note": note, **protection(ticket, break_glass), **_terms(expires, confirm_within)}

    async def change(link: HubLink) -> Written:
        keys = await find_keys(link, [assignment.name for assignment in assignments])
        changes = [
            {"namespace": key.namespace, "key": key.key, "value": _value(key, text), **expected}
            for key, text in zip(keys, texts, strict=True)
        ]
        return await write_once(link, "set", {"env": env, "changes": changes, **stated, **forced(force)}, wait)

    report_written(_run(env, change), require_all=require_all, as_json=json)


def delete(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    words: Annotated[
        list[str],
        typer.Argument(metavar="NAMESPACE KEY...", show_default=False, autocompletion=complete_words),
    ],
    env: options.Env,
    note: options.Note = "",
    wait: options.Wait = 5,
    require_all: options.RequireAll = False,
    expect: options.Expect = None,
    ticket: options.Ticket = "",
    break_glass: options.BreakGlass = False,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Take a key's value away in one environment; rollback brings it back."""
    names = parse_keys(words)
    check_wait(wait, require_all)
    expected = _expected(expect, len(names))
    stated = {"note": note, **protection(ticket, break_glass)}

    async def change(link: HubLink) -> Written:
        keys = await find_keys(link, names)
        changes = [{"namespace": key.namespace, "key": key.key, "delete": True, **expected} for key in keys]
        return await write_once(link, "set", {"env": env, "changes": changes, **stated, **forced(force)}, wait)

    report_written(_run(env, change), require_all=require_all, as_json=json)


def rollback(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    env: options.Env,
    namespace: options.AnyNamespace = None,
    key: options.Key = None,
    to: Annotated[
        str | None,
        typer.Option("--to", metavar="VERSION|REV", help="The version, or the revision where it was active."),
    ] = None,
    change_set: Annotated[
        str | None,
        typer.Option("--change-set", metavar="REV", help="Take back all that this revision changed."),
    ] = None,
    note: options.Note = "",
    wait: options.Wait = 5,
    require_all: options.RequireAll = False,
    ticket: options.Ticket = "",
    break_glass: options.BreakGlass = False,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Make an earlier value active again, as a new revision: nothing is removed.

    Without --to, the value before the present one.
    """
    check_wait(wait, require_all)
    stated = {"note": note, **protection(ticket, break_glass)}
    undone = _undone(change_set, namespace, to)
    name = None if namespace is None else parse_keys([namespace] if key is None else [namespace, key])[0]

    async def change(link: HubLink) -> Written:
        where = undone if name is None else await _target(link, env, name, to)
        return await write_once(link, "rollback", {"env": env, **stated, **where, **forced(force)}, wait)

    report_written(_run(env, change), require_all=require_all, as_json=json)


def _terms(expires: str | None, confirm_within: str | None) -> dict[str, Any]:
    asked = {"expires_in": expires, "confirm_within": confirm_within}
    return {name: parse_duration(text) for name, text in asked.items() if text is not None}


def _undone(change_set: str | None, namespace: str | None, to: str | None) -> dict[str, Any]:
    if change_set is None:
        if namespace is None:
            raise InvalidSettings("what is to be rolled back? Type NAMESPACE KEY, or --change-set REV")
        return {}
    if namespace is not None or to is not None:
        raise InvalidSettings("--change-set rolls back a whole revision: leave out the key and --to")
    revision = parse_revision(change_set)
    if revision is None:
        raise InvalidSettings(f"{change_set[:40]!r} is no revision: type a number such as 41")
    return {"change_set": revision}


async def _target(link: HubLink, env: str, name: KeyName | KeyPath, to: str | None) -> dict[str, Any]:
    key = await find_key(link, name)
    version = await earlier_version(link, env, key, to)
    return {"namespace": key.namespace, "key": key.key, "version": version}


def _run(env: str, change: Callable[[HubLink], Awaitable[Written]]) -> Written:
    async def checked(link: HubLink) -> Written:
        await require_environment(link, env)
        return await change(link)

    return with_link(checked)


def _expected(expect: str | None, changes: int) -> dict[str, Any]:
    if expect is None:
        return {}
    if changes != 1:
        raise InvalidSettings("--expect names the version of one key: change one key at a time with it")
    if expect != "none" and not is_id(expect):
        raise InvalidSettings("--expect takes a version as `setpoint get --json` shows it, or none")
    return {"expected_version": None if expect == "none" else expect}


def _asked_for(words: list[str]) -> list[str]:
    """Ask at the terminal for the value of a key that was named without one, so that no list of commands keeps it."""
    is_key = len(words) == 2 and "=" not in "".join(words)
    if not is_key or not at_terminal():
        return words
    value: str = typer.prompt(f"value of {words[0]}/{words[1]} (not shown)", hide_input=True, err=True)
    return [*words, "@@" + value[1:] if value.startswith("@") else value]


def _value(key: Key, text: str) -> Json:
    value_type = type_of(key)
    try:
        return parse_value(value_type, text if value_type == "string" else text.strip())
    except InvalidValue as error:
        if key.secret:
            # The reason may repeat it.
            raise InvalidValue(f"{key.namespace}/{key.key}: that is no value of type {value_type}") from None
        is_no_number = value_type in ("int", "float") and isinstance(error.__cause__, NotJson)
        # Where in a word it stops to be a number is of no help.
        reason = f"{text[:40]!r} is not of type {value_type}: type a number such as {_EXAMPLES.get(value_type)}"
        raise InvalidValue(f"{key.namespace}/{key.key}: {reason if is_no_number else error.reason}") from error
