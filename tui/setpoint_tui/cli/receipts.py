"""What a write did, printed: old → new, the revision, and which instances run it."""

import typer
from rich.cells import cell_len

from setpoint_tui.answers import Change, ChangeSet, Receipt, read_answer
from setpoint_tui.cli.exit_codes import ExitCode
from setpoint_tui.cli.output import note, print_json, print_line
from setpoint_tui.formatting import (
    behind_sentence,
    counted,
    format_change,
    format_revision,
    receipt_sentence,
)
from setpoint_tui.text_safety import safe_text
from setpoint_tui.writing import Written

__all__ = ["print_change_set", "report_written"]

_MOST_NAMED = 10
"""Instances that are named when they are behind; `setpoint fleet` shows all."""


def report_written(written: Written, *, require_all: bool, as_json: bool, changes_are_shown: bool = False) -> None:
    """Print what a write did, less the changes when a person has just seen and confirmed them.

    Exits with NOT_ALL when every instance had to confirm and did not.
    """
    done = read_answer(ChangeSet, written.result)
    if written.answer_lost:
        note("the connection was lost before the answer came; the hub says that the change was made")
    if as_json:
        print_json(written.result)
    elif changes_are_shown:
        _print_outcome(done)
    else:
        print_change_set(done)
    if require_all and not (done.receipt and done.receipt.complete):
        raise typer.Exit(ExitCode.NOT_ALL)


def print_change_set(done: ChangeSet) -> None:
    """Print a change set for people."""
    names = [safe_text(f"{change.namespace}/{change.key}") for change in done.changes]
    width = max((cell_len(name) for name in names), default=0)
    for name, change in zip(names, done.changes, strict=True):
        _print_change(name + " " * (width - cell_len(name)), change)
    _print_ends(done)
    _print_outcome(done)


def _print_outcome(done: ChangeSet) -> None:
    place = f"{safe_text(done.env)} {format_revision(done.revision)}"
    if done.receipt is None:
        print_line((place, "bold"))
        return
    style = "green" if done.receipt.complete else "yellow"
    print_line((place, "bold"), " · ", (receipt_sentence(done.receipt), style))
    _print_behind(done.receipt)


def _print_ends(done: ChangeSet) -> None:
    if done.expires_at is not None:
        print_line(("takes itself back at ", "dim"), f"{done.expires_at:%Y-%m-%d %H:%M:%S} UTC")
    if done.confirm_by is not None:
        print_line(
            ("takes itself back at ", "dim"),
            f"{done.confirm_by:%Y-%m-%d %H:%M:%S} UTC",
            (f" unless: setpoint confirm {done.revision} --env {safe_text(done.env)}", "dim"),
        )


def _print_change(name: str, change: Change) -> None:
    old, new = format_change(change, change.type)
    print_line(name, "  ", (old, "dim"), " → ", (new, "bold"))


def _print_behind(receipt: Receipt) -> None:
    for instance in receipt.behind_instances[:_MOST_NAMED]:
        print_line("  ", (behind_sentence(instance), "yellow"))
    more = receipt.instances - receipt.current - min(len(receipt.behind_instances), _MOST_NAMED)
    if more > 0:
        print_line("  ", (f"and {counted(more, 'more instance')}: see `setpoint fleet`", "yellow"))
