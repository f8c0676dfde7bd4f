"""Asking a person before something is changed."""

import sys

import typer

from setpoint_tui.cli.exit_codes import ExitCode
from setpoint_tui.cli.output import note
from setpoint_tui.errors import InvalidSettings

__all__ = ["confirm", "need_not_ask"]


def need_not_ask(*, yes: bool, proposes: bool) -> bool:
    """Tell whether a change goes ahead unasked: somebody said yes, or it is proposed and there is no terminal.

    What is proposed changes nothing until others have approved it. Raises InvalidSettings for any other change that
    nobody said yes to where there is nobody to ask.
    """
    if yes or sys.stdin.isatty():
        return yes
    if not proposes:
        raise InvalidSettings("there is no terminal to ask in: give --yes to go ahead without being asked")
    return True


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
