"""`watch`: changes as they happen."""

import asyncio
from collections.abc import Container
from typing import Annotated

import typer

from setpoint_tui.activity import Following, Happened, Lost, Skipped, follow
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
    """Show changes as they happen, until Ctrl-C.

    A lost connection is made anew, and what was missed meanwhile is shown.
    """

    async def show() -> None:
        shown = _Shown(namespaces)
        remarks = _Remarks()
        async for event in follow(connection(), env):
            match event:
                case Happened(change_set, raw) if json:
                    if any(change.namespace in shown for change in change_set.changes):
                        print_json_line(raw)
                case Happened(change_set):
                    _print_changes(change_set, shown)
                case _:
                    remarks.make(event)

    asyncio.run(show())


class _Shown:
    """Which namespaces are wanted."""

    def __init__(self, namespaces: Container[str] | None) -> None:
        self._namespaces = namespaces

    def __contains__(self, namespace: str) -> bool:
        return not self._namespaces or namespace in self._namespaces


class _Remarks:
    """What there is to say besides the changes, each once: a hub that stays away is told of once."""

    def __init__(self) -> None:
        self._last = ""

    def make(self, event: Following | Skipped | Lost) -> None:
        said = _remark(event)
        if said != self._last:
            note((said, "dim"))
        self._last = said


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


def _remark(event: Following | Skipped | Lost) -> str:
    match event:
        case Following(revisions):
            standing = ", ".join(f"{safe_text(env)} {format_revision(at)}" for env, at in revisions.items())
            return f"following {standing}"
        case Skipped(env, first, last):
            return f"{safe_text(env)}: {format_revision(first)} to {format_revision(last)} went by unseen"
        case Lost(reason):
            return f"{safe_text(reason)} (trying on)"
