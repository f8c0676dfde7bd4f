"""Options and arguments that several commands share."""

from typing import Annotated

import typer

from setpoint_tui.cli.completion import complete_environment, complete_key, complete_namespace

__all__ = [
    "AnyEnv",
    "AnyNamespace",
    "BreakGlass",
    "Env",
    "Expect",
    "Json",
    "Key",
    "Namespace",
    "Namespaces",
    "Note",
    "OnlyNamespaces",
    "RequireAll",
    "Ticket",
    "Wait",
    "Yes",
]

_ENV_HELP = "The environment."
_JSON_HELP = "Print one JSON document, errors as JSON too."

Env = Annotated[
    str,
    typer.Option(
        "--env", "-e", metavar="ENV", envvar="SETPOINT_ENV", help=_ENV_HELP, autocompletion=complete_environment
    ),
]
AnyEnv = Annotated[
    str | None,
    typer.Option(
        "--env", "-e", metavar="ENV", envvar="SETPOINT_ENV", help=_ENV_HELP, autocompletion=complete_environment
    ),
]
Json = Annotated[bool, typer.Option("--json", help=_JSON_HELP)]
Note = Annotated[str, typer.Option("--note", "-m", metavar="TEXT", help="Why: kept with the change for good.")]
Wait = Annotated[
    float,
    typer.Option("--wait", metavar="SECONDS", min=0, max=60, help="For the instances to confirm; 0: do not wait."),
]
Yes = Annotated[bool, typer.Option("--yes", "-y", help="Go ahead without being asked.")]
RequireAll = Annotated[
    bool,
    typer.Option("--require-all", help="Exit with 8 unless every live instance confirmed in time."),
]
Ticket = Annotated[
    str, typer.Option("--ticket", metavar="ID", help="What it belongs to; kept with the review that it may become.")
]
BreakGlass = Annotated[
    bool,
    typer.Option("--break-glass", help="As an admin, change a protected environment at once; needs --note."),
]
Expect = Annotated[
    str | None,
    typer.Option("--expect", metavar="VERSION", help="Only while this version is active (none: no value yet)."),
]
Namespace = Annotated[
    str,
    typer.Argument(
        metavar="NAMESPACE",
        show_default=False,
        help="Or NAMESPACE/KEY in one word.",
        autocompletion=complete_namespace,
    ),
]
AnyNamespace = Annotated[
    str | None, typer.Argument(metavar="NAMESPACE", show_default=False, autocompletion=complete_namespace)
]
Key = Annotated[
    str | None,
    typer.Argument(metavar="KEY", show_default=False, autocompletion=complete_key),
]
OnlyNamespaces = Annotated[
    list[str] | None,
    typer.Option(
        "--namespace",
        "-n",
        metavar="NAMESPACE",
        help="Only this one; may be given several times.",
        autocompletion=complete_namespace,
    ),
]
Namespaces = Annotated[
    list[str] | None,
    typer.Argument(
        metavar="NAMESPACE...",
        show_default=False,
        help="All when none is named.",
        autocompletion=complete_namespace,
    ),
]
