"""`expiring` and `confirm`: changes that take themselves back, and keeping those that wait for a word."""

from typing import Annotated, Any

import typer

from setpoint_tui.answers import read_answer
from setpoint_tui.arguments import parse_revision
from setpoint_tui.cli import options
from setpoint_tui.cli.output import console, note, print_json, print_line
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.formatting import format_countdown, format_revision
from setpoint_tui.link import HubLink
from setpoint_tui.protected_answers import TemporaryChange, TemporaryList
from setpoint_tui.text_safety import safe_text

__all__ = ["confirm", "expiring"]

_COLUMNS = (
    Column("ENV"),
    Column("REV", right=True, style="bold"),
    Column("BACK IN", right=True),
    Column("UNLESS", flexible=True, least=12),
    Column("WHO", drop=2),
    Column("KEYS", flexible=True, least=16),
    Column("NOTE", flexible=True, drop=1),
)


def expiring(env: options.AnyEnv = None, json: options.Json = False) -> None:
    """List changes that take themselves back, the soonest first."""
    params = {} if env is None else {"env": env}

    async def read(link: HubLink) -> Any:
        return await link.request("temporary.list", params)

    raw = with_link(read)
    found = read_answer(TemporaryList, raw).changes
    if json:
        print_json(raw["changes"])
    elif found:
        print_table(console(), _COLUMNS, [_row(change) for change in found])
    else:
        note("nothing takes itself back: `setpoint set` with --expires or --confirm-within makes such a change")


def confirm(
    revision: Annotated[str, typer.Argument(metavar="REVISION", show_default=False, help="Such as 43 or r43.")],
    env: options.Env,
    json: options.Json = False,
) -> None:
    """Keep a change that takes itself back unless it is confirmed; one that also expires stays until then."""
    number = parse_revision(revision)
    if number is None:
        raise InvalidSettings(f"{revision[:40]!r} is no revision: type a number such as 43")

    async def keep(link: HubLink) -> tuple[Any, TemporaryList]:
        temporary = read_answer(TemporaryList, await link.request("temporary.list", {"env": env}))
        return await link.request("change.confirm", {"env": env, "revision": number}), temporary

    raw, temporary = with_link(keep)
    if json:
        print_json(raw)
        return
    place = f"{safe_text(env)} {format_revision(number)}"
    print_line("confirmed: ", (place, "bold"), " stays", _until(temporary, number))


def _row(change: TemporaryChange) -> list[Cell]:
    first = [safe_text(f"{key.namespace}/{key.key}") for key in change.keys[:1]]
    more = f" and {len(change.keys) - 1} more" if len(change.keys) > 1 else ""
    unless = f"confirm {change.revision} --env {safe_text(change.env)}" if change.kind == "confirmation" else ""
    return [
        safe_text(change.env),
        format_revision(change.revision),
        format_countdown(change.due_in_seconds),
        unless,
        safe_text(change.by.name),
        "".join(first) + more,
        safe_text(change.note),
    ]


def _until(temporary: TemporaryList, revision: int) -> str:
    ends = (one.due_in_seconds for one in temporary.changes if (one.revision, one.kind) == (revision, "expiry"))
    due = next(ends, None)
    return "" if due is None else f" until it expires, in {format_countdown(due)}"
