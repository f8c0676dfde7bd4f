"""`compare` and `promote`: what differs between two environments, and taking it over as one change set."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer
from rich.cells import cell_len

from setpoint_tui.answers import LeftOut, read_answer
from setpoint_tui.arguments import KeyName, KeyPath, parse_paths_or_keys
from setpoint_tui.cli import options
from setpoint_tui.cli.asking import confirm, need_not_ask
from setpoint_tui.cli.completion import complete_environment
from setpoint_tui.cli.exit_codes import ExitCode
from setpoint_tui.cli.output import console, note, print_json, print_line
from setpoint_tui.cli.receipts import report_written
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.cli.writes import check_wait, forced, protection, write_once
from setpoint_tui.comparing import choose, compare, promotion_params
from setpoint_tui.comparison_answers import ComparedKey, ComparedValue, Comparison
from setpoint_tui.errors import Conflict, InvalidSettings
from setpoint_tui.formatting import NO_VALUE, counted, format_age, format_revision, format_secret, format_value
from setpoint_tui.link import HubLink
from setpoint_tui.lookup import find_keys, require_environment
from setpoint_tui.text_safety import safe_text

__all__ = ["compare_environments", "promote"]

_MOST_LEFT_OUT = 20
"""Keys that are named with the reason why they are not promoted; `setpoint compare` shows all."""

_Source = Annotated[str, typer.Argument(metavar="SOURCE", show_default=False, autocompletion=complete_environment)]
_Target = Annotated[str, typer.Argument(metavar="TARGET", show_default=False, autocompletion=complete_environment)]


def compare_environments(
    source: _Source,
    target: _Target,
    namespace: options.OnlyNamespaces = None,
    exit_code: Annotated[
        bool, typer.Option("--exit-code", help="Exit with 2 when they differ, 0 when not, 1 on any error.")
    ] = False,
    json: options.Json = False,
) -> None:
    """Show what differs between two environments.

    setpoint compare staging production --namespace payments
    """
    raw = with_link(lambda link: _compare(link, source, target, namespace, None))
    found = read_answer(Comparison, raw)
    if json:
        print_json({name: member for name, member in raw.items() if name != "next"})
    else:
        _print_comparison(found)
    if exit_code and found.different:
        raise typer.Exit(ExitCode.DIFFERS)


def promote(  # noqa: PLR0913, PLR0917 - each is an option of the command line
    source: _Source,
    target: _Target,
    words: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="KEYS", show_default=False, help="NAMESPACE/KEY…, or NAMESPACE KEY…; all that differs if none."
        ),
    ] = None,
    namespace: options.OnlyNamespaces = None,
    note_text: options.Note = "",
    deletions: Annotated[
        bool, typer.Option("--deletions", help="Also take away in TARGET what has no value in SOURCE.")
    ] = False,
    yes: options.Yes = False,
    wait: options.Wait = 5,
    require_all: options.RequireAll = False,
    ticket: options.Ticket = "",
    break_glass: options.BreakGlass = False,
    force: options.Force = False,
    json: options.Json = False,
) -> None:
    """Take values of one environment over into another, as one change set.

    It shows what would change and asks. If any of that changes meanwhile, on either side, nothing is done.

    setpoint promote staging production payments/max_retries --note "as tested on Monday"
    """
    if words and namespace:
        raise InvalidSettings("name keys, or a --namespace: not both")
    names = parse_paths_or_keys(words) if words else None
    check_wait(wait, require_all)
    found = read_answer(Comparison, with_link(lambda link: _compare(link, source, target, namespace, names)))
    choice = choose(found, deletions=deletions)
    proposes = found.target.protected and not break_glass
    agreed = not choice.chosen or need_not_ask(yes=yes, proposes=proposes)
    if not json:
        _print_choice(found, choice.chosen, choice.left_out)
    if not choice.chosen:
        _nothing_to_promote(found, choice.left_out, as_json=json)
    place = f"{safe_text(found.target.env)}{' (protected)' if found.target.protected else ''}"
    confirm(f"Promote {counted(len(choice.chosen), 'key')} to {place}?", yes=agreed)
    params = {
        **promotion_params(found, choice.chosen, note=note_text),
        **protection(ticket, break_glass),
        **forced(force),
    }
    written = with_link(lambda link: write_once(link, "promote", params, wait))
    report_written(written, require_all=require_all, as_json=json, changes_are_shown=True)


async def _compare(
    link: HubLink,
    source: str,
    target: str,
    namespaces: Sequence[str] | None,
    names: Sequence[KeyName | KeyPath] | None,
) -> dict[str, Any]:
    for env in (source, target):
        await require_environment(link, env)
    params: dict[str, Any] = {"source": source, "target": target}
    if namespaces:
        params["namespaces"] = list(namespaces)
    if names is not None:
        keys = await find_keys(link, names)
        params["keys"] = [{"namespace": key.namespace, "key": key.key} for key in keys]
        # So that a key that was named and is the same is said to be.
        params["all"] = True
    return await compare(link, params)


def _nothing_to_promote(found: Comparison, left_out: Sequence[LeftOut], *, as_json: bool) -> None:
    """End the command: it is an error only when there is something that could not be promoted."""
    if found.different:
        reasons = [f"{one.namespace}/{one.key}: {one.reason}" for one in left_out[:1]]
        more = f", and {len(left_out) - 1} more" if len(left_out) > 1 else ""
        raise Conflict(f"nothing can be promoted to {found.target.env}: {reasons[0]}{more}")
    if as_json:
        print_json({"env": found.target.env, "revision": found.target.revision, "changes": [], "left_out": []})
    else:
        note(f"there is nothing to promote: {safe_text(found.target.env)} has all of it")
    raise typer.Exit


def _print_comparison(found: Comparison) -> None:
    if found.rows:
        now = datetime.now(UTC)
        columns = [
            Column("KEY", style="bold", flexible=True, least=20),
            Column(_side(found.source.env, found.source.revision), flexible=True, least=14),
            Column(_side(found.target.env, found.target.revision), flexible=True, least=14),
            Column("REMARK", flexible=True, drop=1),
        ]
        print_table(console(), columns, [_row(found, row, now) for row in found.rows])
    differ = "1 key differs" if found.different == 1 else f"{counted(found.different, 'key')} differ"
    print_line((f"{differ if found.different else 'nothing differs'}, {found.same:,} the same", "dim"))


def _side(env: str, revision: int) -> str:
    return f"{safe_text(env)} {format_revision(revision)}"


def _row(found: Comparison, row: ComparedKey, now: datetime) -> list[Cell]:
    return [
        safe_text(f"{row.namespace}/{row.key}"),
        _value(row, row.source),
        _value(row, row.target),
        (_remark(found, row, now), "yellow"),
    ]


def _value(row: ComparedKey, held: ComparedValue | None) -> Cell:
    return (NO_VALUE, "dim") if held is None else _text(row, held)


def _remark(found: Comparison, row: ComparedKey, now: datetime) -> str:
    if not row.valid:
        return f"not valid: {safe_text(row.problem or 'no reason told')}"
    if not row.newer_in_target:
        return ""
    env = safe_text(found.target.env)
    if row.target is None:
        return f"deleted later in {env}"
    return f"changed later in {env}: {format_age(row.target.at, now)} ago by {safe_text(row.target.by.name)}"


def _print_choice(found: Comparison, chosen: Sequence[ComparedKey], left_out: Sequence[LeftOut]) -> None:
    now = datetime.now(UTC)
    names = [safe_text(f"{row.namespace}/{row.key}") for row in chosen]
    width = max((cell_len(name) for name in names), default=0)
    for name, row in zip(names, chosen, strict=True):
        remark = _remark(found, row, now)
        print_line(
            name + " " * (width - cell_len(name)),
            "  ",
            (_text(row, row.target), "dim"),
            " → ",
            (_text(row, row.source), "bold"),
            (f"  ({remark})" if remark else "", "yellow"),
        )
    for one in left_out[:_MOST_LEFT_OUT]:
        note((safe_text(f"left out: {one.namespace}/{one.key}: {one.reason}"), "yellow"))
    if len(left_out) > _MOST_LEFT_OUT:
        note((f"and {len(left_out) - _MOST_LEFT_OUT:,} more are left out: see `setpoint compare`", "yellow"))


def _text(row: ComparedKey, held: ComparedValue | None) -> str:
    if held is None:
        return NO_VALUE
    return format_secret(held.value) if row.secret else format_value(row.type, held.value, limit=200)
