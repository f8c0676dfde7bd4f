"""`watch`: changes as they happen."""

import asyncio
from collections.abc import Container
from typing import Annotated

import typer

from setpoint_tui.activity import Followed, Following, Happened, Lost, Skipped, follow
from setpoint_tui.answers import PastChangeSet
from setpoint_tui.cli import options
from setpoint_tui.cli.completion import complete_namespace
from setpoint_tui.cli.output import note, print_json_line, print_line
from setpoint_tui.cli.session import connection
from setpoint_tui.formatting import format_change, format_revision
from setpoint_tui.text_safety import safe_text

__all__ = ["watch"]


def watch(
    namespaces: Annotated[
        list[str] | None,
        typer.Argument(
            metavar="NAMESPACE...",
            show_default=False,
            help="All when none is named.",
            autocompletion=complete_namespace,
        ),
    ] = None,
    env: options.AnyEnv = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON document a line for each change set.")] = False,
) -> None:
    """Show changes as they happen, until Ctrl-C. A lost connection is made anew and what was missed is shown."""

    async def show() -> None:
        shown = _Shown(namespaces)
        async for event in follow(connection(), env):
            if json:
                _print_raw(event, shown)
            else:
                _print_event(event, shown)

    asyncio.run(show())


class _Shown:
    """Which namespaces are wanted."""

    def __init__(self, namespaces: Container[str] | None) -> None:
        self._namespaces = namespaces

    def __contains__(self, namespace: str) -> bool:
        return not self._namespaces or namespace in self._namespaces


def _print_raw(event: Followed, shown: _Shown) -> None:
    match event:
        case Happened(change_set, raw) if any(change.namespace in shown for change in change_set.changes):
            print_json_line(raw)
        case Skipped() | Lost():
            note(_remark(event))
        case _:
            pass


def _print_event(event: Followed, shown: _Shown) -> None:
    match event:
        case Happened(change_set):
            _print_changes(change_set, shown)
        case _:
            note((_remark(event), "dim"))


def _print_changes(done: PastChangeSet, shown: _Shown) -> None:
    when = done.at.astimezone().strftime("%H:%M:%S")
    for change in done.changes:
        if change.namespace in shown:
            old, new = format_change(change, change.type)
            print_line(
                (f"{when} {safe_text(done.env)} {format_revision(done.revision)} ", "dim"),
                (safe_text(f"{change.namespace}/{change.key}"), "bold"),
                f"  {old} → {new}  ",
                (" · ".join(_circumstances(done)), "dim"),
            )


def _circumstances(done: PastChangeSet) -> list[str]:
    how = [] if done.how == "set" else [safe_text(done.how)]
    why = [safe_text(done.note)] if done.note else []
    return [safe_text(done.by.name), *how, *why]


def _remark(event: Following | Skipped | Lost | Happened) -> str:
    match event:
        case Following(revisions):
            standing = ", ".join(f"{safe_text(env)} {format_revision(at)}" for env, at in revisions.items())
            return f"following {standing}"
        case Skipped(env, first, last):
            return f"{safe_text(env)}: {format_revision(first)} to {format_revision(last)} went by unseen"
        case Lost(reason, delay):
            return f"{safe_text(reason)}; trying again in {delay:.1f} s"
        case Happened():
            return ""
