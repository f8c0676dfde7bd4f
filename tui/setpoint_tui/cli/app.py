"""The commands, put together."""

from importlib.metadata import version
from typing import Annotated

import typer

from setpoint_tui.cli import (
    accounts,
    as_code,
    auditing,
    changing,
    comparing,
    creating,
    following,
    keys,
    looking,
    playing,
    programs,
    reading,
    reviewing,
    state,
    temporary,
)
from setpoint_tui.cli.exit_codes import EXIT_CODES_HELP
from setpoint_tui.cli.output import print_line
from setpoint_tui.cli.parsing import ValueCommand

__all__ = ["app"]

_LOOK, _CHANGE, _ACCESS, _RUN = "Look", "Change", "Access", "Run"
_PASSED_ON = {"allow_extra_args": True, "ignore_unknown_options": True}

app = typer.Typer(
    name="setpoint",
    epilog=EXIT_CODES_HELP,
    invoke_without_command=True,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"]},
)


def _print_version(wanted: bool) -> None:
    if wanted:
        print_line(f"setpoint {version('setpoint')}")
        raise typer.Exit


@app.callback()
def setpoint(
    context: typer.Context,
    _version: Annotated[
        bool, typer.Option("--version", callback=_print_version, is_eager=True, help="Print the version.")
    ] = False,
) -> None:
    """Runtime configuration with receipts: who changed what, and which instances run it.

    SETPOINT_URL names the hub; without it, the one that runs on this machine is meant.

    SETPOINT_TOKEN or SETPOINT_TOKEN_FILE gives the token; without them, what `setpoint up` left here is used.

    SETPOINT_ENV stands for --env.

    Alone, in a terminal, it opens the console.
    """
    if context.invoked_subcommand is not None:
        return
    if looking.has_terminal():
        looking.console()
    else:
        print_line(context.get_help())
        raise typer.Exit(2)


app.command("console", rich_help_panel=_LOOK)(looking.console)
app.command("get", rich_help_panel=_LOOK)(reading.get)
app.command("list", rich_help_panel=_LOOK)(reading.list_keys)
app.command("history", rich_help_panel=_LOOK)(reading.history)
app.command("snapshot", rich_help_panel=_LOOK)(reading.snapshot)
app.command("compare", rich_help_panel=_LOOK)(comparing.compare_environments)
app.command("export", rich_help_panel=_LOOK)(as_code.export)
app.command("plan", rich_help_panel=_LOOK)(as_code.plan)
app.command("watch", rich_help_panel=_LOOK)(following.watch)
app.command("expiring", rich_help_panel=_LOOK)(temporary.expiring)
app.command("fleet", rich_help_panel=_LOOK)(state.fleet)
app.command("status", rich_help_panel=_LOOK)(state.status)
app.command("create", rich_help_panel=_CHANGE)(creating.create)
app.command("set", rich_help_panel=_CHANGE, cls=ValueCommand)(changing.set_values)
app.command("delete", rich_help_panel=_CHANGE)(changing.delete)
app.command("rollback", rich_help_panel=_CHANGE)(changing.rollback)
app.command("promote", rich_help_panel=_CHANGE)(comparing.promote)
app.command("apply", rich_help_panel=_CHANGE)(as_code.apply)
app.command("confirm", rich_help_panel=_CHANGE)(temporary.confirm)

_review = typer.Typer(help="Look at, decide on and apply changes that wait for approval.", no_args_is_help=True)
_review.command("list")(reviewing.list_reviews)
_review.command("show")(reviewing.show)
_review.command("approve")(reviewing.approve)
_review.command("reject")(reviewing.reject)
_review.command("comment")(reviewing.comment)
_review.command("withdraw")(reviewing.withdraw)
_review.command("rebase")(reviewing.rebase)
_review.command("apply")(reviewing.apply)
app.add_typer(_review, name="review", rich_help_panel=_CHANGE)

_key = typer.Typer(help="Show keys and change what they say of themselves.", no_args_is_help=True)
_key.command("show")(keys.show)
_key.command("update")(keys.update)
app.add_typer(_key, name="key", rich_help_panel=_CHANGE)

_env = typer.Typer(help="List, make and protect environments.", no_args_is_help=True)
_env.command("list")(creating.list_environments)
_env.command("create")(creating.create_environment)
_env.command("protect")(creating.protect_environment)
app.add_typer(_env, name="env", rich_help_panel=_CHANGE)

app.command("whoami", rich_help_panel=_ACCESS)(accounts.whoami)

_user = typer.Typer(help="List and make users.", no_args_is_help=True)
_user.command("list")(accounts.list_users)
_user.command("create")(accounts.create_user)
app.add_typer(_user, name="user", rich_help_panel=_ACCESS)

_token = typer.Typer(help="Give and take tokens.", no_args_is_help=True)
_token.command("list")(accounts.list_tokens)
_token.command("create")(accounts.create_token)
_token.command("revoke")(accounts.revoke_token)
app.add_typer(_token, name="token", rich_help_panel=_ACCESS)

_audit = typer.Typer(help="Read, verify and export what is on record.", no_args_is_help=True)
_audit.command("log")(auditing.audit_log)
_audit.command("verify")(auditing.verify)
_audit.command("export")(auditing.export)
app.add_typer(_audit, name="audit", rich_help_panel=_ACCESS)

app.command("demo", rich_help_panel=_RUN)(playing.demo)
app.command("up", rich_help_panel=_RUN, context_settings=_PASSED_ON)(programs.up)
app.command("hub", rich_help_panel=_RUN, context_settings=_PASSED_ON)(programs.hub)

_schema = typer.Typer(help="Apply or print the database's schema.", no_args_is_help=True)
_schema.command("apply", context_settings=_PASSED_ON)(programs.schema_apply)
_schema.command("print", context_settings=_PASSED_ON)(programs.schema_print)
app.add_typer(_schema, name="schema", rich_help_panel=_RUN)

_secrets = typer.Typer(help="Make master keys, and wrap all secrets under the newest.", no_args_is_help=True)
_secrets.command("rotate", context_settings=_PASSED_ON)(programs.secrets_rotate)
_master_key = typer.Typer(help="Master keys.", no_args_is_help=True)
_master_key.command("new", context_settings=_PASSED_ON)(programs.secrets_key_new)
_secrets.add_typer(_master_key, name="key")
app.add_typer(_secrets, name="secrets", rich_help_panel=_RUN)
