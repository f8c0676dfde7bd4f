"""`whoami`, `user` and `token`: who may do what, and until when."""

from collections.abc import Sequence
from datetime import UTC, datetime
from typing import Annotated, Any

import typer

from setpoint_tui.account_answers import Token, TokenList, User, UserList
from setpoint_tui.answers import Powers, WhoAmI, read_answer
from setpoint_tui.arguments import is_id
from setpoint_tui.cli import options
from setpoint_tui.cli.completion import complete_environment, complete_namespace
from setpoint_tui.cli.output import console, note, print_json, print_line
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.durations import parse_duration
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.formatting import format_age, format_duration
from setpoint_tui.link import HubLink
from setpoint_tui.text_safety import safe_text

__all__ = ["create_token", "create_user", "list_tokens", "list_users", "revoke_token", "whoami"]

_ROLES = ("reader", "editor", "approver", "admin")

_TOKEN_COLUMNS = (
    Column("ID"),
    Column("USER", style="bold", flexible=True),
    Column("ROLE"),
    Column("ENVIRONMENTS", flexible=True, drop=1),
    Column("NAMESPACES", flexible=True, drop=2),
    Column("EXPIRES", right=True),
    Column("USED", right=True, drop=3),
)


def whoami(json: options.Json = False) -> None:
    """Show whose token this is, what it reaches, and what it may do there."""
    raw = _ask("whoami", {})
    if json:
        print_json(raw)
        return
    me = read_answer(WhoAmI, raw)
    for label, said in (
        ("user", safe_text(me.user.name)),
        ("role", safe_text(me.role)),
        ("environments", _joined(me.environments)),
        ("namespaces", _joined(me.namespaces)),
        ("expires", _until(me.expires_at)),
    ):
        print_line((f"{label:<13}", "dim"), said)
    print_line()
    columns = [Column("ENV", style="bold"), *(Column(power.upper()) for power in Powers.model_fields)]
    rows: list[list[Cell]] = [[safe_text(env), *map(_yes, dict(powers).values())] for env, powers in me.may.items()]
    print_table(console(), columns, rows)


def create_user(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False)], json: options.Json = False
) -> None:
    """Make a user: a person or a program that tokens are given to."""
    raw = _ask("user.create", {"name": name})
    if json:
        print_json(raw)
        return
    user = read_answer(User, raw)
    print_line("made the user ", (safe_text(user.name), "bold"))
    note(("give it a token: setpoint token create NAME --role ROLE --env ENV --namespace PATTERN", "dim"))


def list_users(json: options.Json = False) -> None:
    """List the users."""
    raw = _ask("user.list", {})
    if json:
        print_json(raw)
        return
    now = datetime.now(UTC)
    rows: list[list[Cell]] = [
        [safe_text(user.name), f"{format_age(user.created_at, now)} ago"] for user in read_answer(UserList, raw).users
    ]
    print_table(console(), [Column("USER", style="bold"), Column("MADE", right=True)], rows)


def create_token(
    name: Annotated[str, typer.Argument(metavar="NAME", show_default=False, help="The user that it is for.")],
    role: Annotated[
        str, typer.Option("--role", metavar="ROLE", help=", ".join(_ROLES), autocompletion=lambda: list(_ROLES))
    ],
    env: Annotated[
        list[str],
        typer.Option(
            "--env", metavar="ENV", help="What it reaches; several times, or '*'.", autocompletion=complete_environment
        ),
    ],
    namespace: Annotated[
        list[str],
        typer.Option(
            "--namespace",
            metavar="PATTERN",
            help="What it reaches: a name, 'team.*' or '*'; several times.",
            autocompletion=complete_namespace,
        ),
    ],
    expires: Annotated[
        str | None, typer.Option("--expires", metavar="SPAN", help="Such as 12h or 30d; without it, when revoked.")
    ] = None,
    new_user: Annotated[bool, typer.Option("--create-user", help="Make the user when there is none.")] = False,
    json: options.Json = False,
) -> None:
    """Make a token. It is printed this once, alone on stdout; the hub keeps only its hash."""
    if role not in _ROLES:
        raise InvalidSettings(f"{role[:40]!r} is no role: choose one of {', '.join(_ROLES)}")
    params: dict[str, Any] = {
        "user": name,
        "role": role,
        "environments": env,
        "namespaces": namespace,
        "create_user": new_user,
    }
    if expires is not None:
        params["expires_in"] = parse_duration(expires)
    raw = _ask("token.create", params)
    if json:
        print_json(raw)
        return
    token = read_answer(Token, raw)
    typer.echo(safe_text(str(raw["token"]), limit=None))
    reach = f"{_joined(token.environments)} · {_joined(token.namespaces)}"
    note((f"the token of {safe_text(token.user.name)}, {safe_text(token.role)} of {reach}", "dim"))
    note((f"expires: {_until(token.expires_at)} · it is not shown again: keep it now", "dim"))


def list_tokens(
    user: Annotated[str | None, typer.Option("--user", metavar="NAME", help="Only this user's.")] = None,
    past: Annotated[bool, typer.Option("--all", help="Those that are revoked or expired, too.")] = False,
    json: options.Json = False,
) -> None:
    """List the tokens within your reach, newest first: what each may do, and when it was used last."""
    params: dict[str, Any] = {"all": past} if user is None else {"all": past, "user": user}
    raw = _ask("token.list", params)
    if json:
        print_json(raw)
        return
    now = datetime.now(UTC)
    print_table(console(), _TOKEN_COLUMNS, [_token_row(token, now) for token in read_answer(TokenList, raw).tokens])


def revoke_token(
    token_id: Annotated[
        str, typer.Argument(metavar="ID", show_default=False, help="As `setpoint token list` shows it.")
    ],
    json: options.Json = False,
) -> None:
    """Revoke a token for good: its connections are closed within seconds, on every hub."""
    if not is_id(token_id):
        raise InvalidSettings("a token's id is expected, as `setpoint token list` shows it: not the token itself")
    raw = _ask("token.revoke", {"id": token_id})
    if json:
        print_json(raw)
        return
    token = read_answer(Token, raw)
    print_line("revoked a token of ", (safe_text(token.user.name), "bold"), f" ({safe_text(token.role)})")


def _ask(method: str, params: dict[str, Any]) -> Any:
    async def ask(link: HubLink) -> Any:
        return await link.request(method, params)

    return with_link(ask)


def _token_row(token: Token, now: datetime) -> list[Cell]:
    return [
        safe_text(token.id),
        safe_text(token.user.name),
        safe_text(token.role),
        _joined(token.environments),
        _joined(token.namespaces),
        _expiry(token, now),
        "never" if token.last_used_at is None else f"{format_age(token.last_used_at, now)} ago",
    ]


def _expiry(token: Token, now: datetime) -> Cell:
    if token.revoked_at is not None:
        return ("revoked", "red")
    if token.expires_at is None:
        return "never"
    left = (token.expires_at - now).total_seconds()
    return f"in {format_duration(left)}" if left > 0 else ("expired", "red")


def _until(moment: datetime | None) -> str:
    return "never" if moment is None else moment.astimezone().isoformat(sep=" ", timespec="seconds")


def _joined(patterns: Sequence[str]) -> str:
    return safe_text(", ".join(patterns))


def _yes(allowed: bool) -> Cell:
    return ("yes", "green") if allowed else ("no", "dim")
