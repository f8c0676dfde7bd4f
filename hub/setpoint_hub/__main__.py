"""The hub's own command line: `python -m setpoint_hub hub | up | schema | secrets`. `setpoint` hands over to it."""

import argparse
import asyncio
import logging
import os
import signal
import sys
from collections.abc import Coroutine
from pathlib import Path
from typing import Any

from setpoint_hub.database_users import let_in, user_of
from setpoint_hub.embedded import EmbeddedError
from setpoint_hub.errors import DatabaseUnavailable, HubError
from setpoint_hub.rotation import rotate
from setpoint_hub.schema import apply_schema, schema_text
from setpoint_hub.sealing import new_master_key
from setpoint_hub.settings import HubSettings, read_settings
from setpoint_hub.up import Listen, default_data_folder, serve_hub, up

__all__ = ["main"]


def main() -> None:
    """Run one of the commands; exit 0 when stopped by a signal, 1 with a sentence when it could not run."""
    asked = _parser().parse_args()
    logging.basicConfig(
        level=os.environ.get("SETPOINT_LOG_LEVEL", "INFO").upper(),
        format="%(asctime)s %(levelname)s %(name)s: %(message)s",
        stream=sys.stderr,
    )
    # It logs frames with their content, and a traceback for whatever a stranger sends.
    logging.getLogger("websockets").setLevel(logging.CRITICAL)
    try:
        asyncio.run(_until_stopped(_work(asked), watch_stdin=getattr(asked, "until_stdin_closes", False)))
    except* (HubError, EmbeddedError) as failures:
        sys.exit(f"setpoint: {_reason(failures)}")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="setpoint", description="The Setpoint hub.")
    commands = parser.add_subparsers(dest="command", required=True)

    hub = commands.add_parser("hub", help="the hub alone, on SETPOINT_DATABASE_URL and SETPOINT_REDIS_URL")
    _add_listen(hub)

    stack = commands.add_parser("up", help="hub, PostgreSQL and Valkey on this machine, from one data folder")
    stack.add_argument("--data", type=Path, default=default_data_folder(), help="the data folder (%(default)s)")
    _add_listen(stack)
    # For a program that starts the stack and wants it to end with itself, even when it is killed.
    stack.add_argument("--until-stdin-closes", action="store_true", help=argparse.SUPPRESS)

    schema = commands.add_parser("schema", help="apply schema.sql to SETPOINT_DATABASE_URL, or print it")
    schema.add_argument("action", choices=["apply", "print"])

    secrets = commands.add_parser("secrets", help="master keys: print a new one, or wrap all secrets under the newest")
    doing = secrets.add_subparsers(dest="action", required=True)
    doing.add_parser("rotate", help="wrap the keys of all secrets under the first key of SETPOINT_MASTER_KEY_FILE")
    key = doing.add_parser("key", help="print a new master key")
    key.add_argument("making", choices=["new"])
    return parser


def _add_listen(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("--host", help="address to listen on (127.0.0.1)")
    parser.add_argument("--port", type=int, help="port to listen on; 0 lets the system choose (8430)")
    clear = "listen without TLS where other machines reach it: behind a proxy that speaks TLS"
    parser.add_argument("--allow-plaintext", action="store_const", const=True, help=clear)


async def _work(asked: argparse.Namespace) -> None:
    match asked.command:
        case "hub":
            given = {"host": asked.host, "port": asked.port, "allow_plaintext": asked.allow_plaintext}
            await serve_hub(read_settings(**given), _say)
        case "up":
            await up(asked.data, Listen(asked.host, asked.port, asked.allow_plaintext), _say)
        case "schema" if asked.action == "print":
            sys.stdout.write(schema_text())
        case "secrets" if asked.action == "key":
            _say(new_master_key())
        case "secrets":
            _say(await rotate(read_settings(redis_url="redis://unused")))
        case _:
            await _apply_schema()


async def _apply_schema() -> None:
    settings = read_settings(redis_url="unused")
    try:
        await apply_schema(settings.owner_database_url or settings.database_url)
        _say("schema.sql is applied")
        await _let_hub_in(settings)
    except DatabaseUnavailable as error:
        raise HubError(f"PostgreSQL cannot be reached: {error}") from error


async def _let_hub_in(settings: HubSettings) -> None:
    """Give the user of the hub's URL its rights, when the owner's URL is another."""
    owner, user = settings.owner_database_url, user_of(settings.database_url)
    if owner is None or user is None or user_of(owner) == user:
        return
    made = await let_in(owner, user)
    _say(f"the database user {user.name} {'was made, and ' if made else ''}has a hub's rights")


async def _until_stopped(work: Coroutine[Any, Any, None], *, watch_stdin: bool) -> None:
    """Run until done, or until SIGINT, SIGTERM or, when asked, the end of standard input; then stop in order."""
    loop = asyncio.get_running_loop()
    task = asyncio.create_task(work)
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, task.cancel)
    if watch_stdin:
        loop.add_reader(sys.stdin.fileno(), _cancel_at_end, task)
    try:
        await task
    except asyncio.CancelledError:
        _say("stopped")


def _cancel_at_end(task: "asyncio.Task[None]") -> None:
    if not os.read(sys.stdin.fileno(), 4096):
        asyncio.get_running_loop().remove_reader(sys.stdin.fileno())
        task.cancel()


def _reason(failures: BaseExceptionGroup[Exception]) -> str:
    failure: BaseException = failures
    while isinstance(failure, BaseExceptionGroup):
        failure = failure.exceptions[0]
    return str(failure)


def _say(line: str) -> None:
    """Tell the person who started us; a pipe that nobody reads any more is no reason to stop."""
    try:
        sys.stdout.write(line + "\n")
        sys.stdout.flush()
    except BrokenPipeError:
        sys.stdout = open(os.devnull, "w", encoding="utf-8")  # noqa: SIM115, PTH123  # it lives as long as we do


if __name__ == "__main__":
    main()
