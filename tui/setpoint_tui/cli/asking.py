"""Asking a person before something is changed."""

import sys

import typer

from setpoint_tui.cli.exit_codes import ExitCode
from setpoint_tui.cli.output import note
from setpoint_tui.errors import InvalidSettings

__all__ = ["confirm", "require_somebody_to_ask"]


def require_somebody_to_ask(*, yes: bool) -> None:
    """Raise InvalidSettings when nobody said yes beforehand and nobody can be asked."""
    if not yes and not sys.stdin.isatty():
        raise InvalidSettings("there is no terminal to ask in: give --yes to go ahead without being asked")


def confirm(question: str, *, yes: bool) -> None:
    """Ask on the terminal unless it was said already. Exits with 1 when the answer is no.

    Call it while no connection is open: a person may take longer to answer than a hub waits.
    """
    if yes:
        return
    try:
        agreed = typer.confirm(question, err=True)
    except typer.Abort:
        # What comes next begins on a line of its own.
        note()
        agreed = False
    if not agreed:
        note("not confirmed: nothing was changed")
        raise typer.Exit(ExitCode.UNEXPECTED)
