"""`up`, `hub`, `schema` and `secrets`: programs of the hub's package, which takes the place of this process."""

import importlib.util
import os
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Annotated

import typer

from setpoint_tui.errors import InvalidSettings
from setpoint_tui.settings import DEFAULT_PORT

__all__ = ["hub", "require_hub", "schema_apply", "schema_print", "secrets_key_new", "secrets_rotate", "up"]

_NEEDED = ("setpoint_hub", "asyncpg", "redis", "pydantic_settings", "prometheus_client", "cryptography", "jsonschema")

Port = Annotated[int | None, typer.Option("--port", min=0, max=65535, help=f"Default: {DEFAULT_PORT}.")]
Host = Annotated[str | None, typer.Option("--host", metavar="ADDRESS", help="Default: 127.0.0.1.")]
Plaintext = Annotated[
    bool, typer.Option("--allow-plaintext", help="Listen without TLS where other machines reach it: behind a proxy.")
]


def up(
    context: typer.Context,
    data: Annotated[
        Path | None, typer.Option("--data", metavar="DIR", help="Default: ~/.local/share/setpoint.")
    ] = None,
    port: Port = None,
    host: Host = None,
    allow_plaintext: Plaintext = False,
) -> None:
    """Run the whole stack on this machine: PostgreSQL, Valkey and a hub, until Ctrl-C.

    Where SETPOINT_DATABASE_URL or SETPOINT_REDIS_URL is set, that server is used instead.
    """
    _become("up", [*_given("--data", data), *_listen(port, host, allow_plaintext), *context.args])


def hub(context: typer.Context, port: Port = None, host: Host = None, allow_plaintext: Plaintext = False) -> None:
    """Run a hub alone, on a PostgreSQL and a Redis that are there. Several may run side by side.

    SETPOINT_DATABASE_URL and SETPOINT_REDIS_URL say where these are; docs/deploy.md lists all settings.
    """
    _become("hub", [*_listen(port, host, allow_plaintext), *context.args])


def schema_apply(context: typer.Context) -> None:
    """Apply the schema to the database of SETPOINT_DATABASE_URL; a second time changes nothing.

    With SETPOINT_OWNER_DATABASE_URL, as that user, who owns the tables; the other one, made if need be, is let in.
    """
    _become("schema", ["apply", *context.args])


def schema_print(context: typer.Context) -> None:
    """Print schema.sql."""
    _become("schema", ["print", *context.args])


def secrets_rotate(context: typer.Context) -> None:
    """Wrap the keys of all secrets under the first key of SETPOINT_MASTER_KEY_FILE, while hubs go on.

    Every hub has to have that key already. SETPOINT_DATABASE_URL names the database.
    """
    _become("secrets", ["rotate", *context.args])


def secrets_key_new(context: typer.Context) -> None:
    """Print a fresh master key: put it first in the file that SETPOINT_MASTER_KEY_FILE names."""
    _become("secrets", ["key", "new", *context.args])


def _listen(port: int | None, host: str | None, allow_plaintext: bool) -> list[str]:
    return [*_given("--port", port), *_given("--host", host), *(["--allow-plaintext"] if allow_plaintext else [])]


def _given(option: str, value: object) -> list[str]:
    return [] if value is None else [option, str(value)]


def require_hub() -> None:
    """Raise InvalidSettings, with what to install, when the hub's package cannot run here."""
    if any(importlib.util.find_spec(package) is None for package in _NEEDED):
        raise InvalidSettings("the hub is not installed: pip install 'setpoint[hub]'")


def _become(program: str, arguments: Sequence[str]) -> None:
    require_hub()
    sys.stdout.flush()
    sys.stderr.flush()
    command = [sys.executable, "-m", "setpoint_hub", program, *arguments]
    # The same interpreter and no shell; signals then reach the program itself.
    os.execv(sys.executable, command)  # noqa: S606
