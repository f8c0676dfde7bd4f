"""`status` and `fleet`: how the hub fares, and what every instance runs."""

import asyncio
from collections import Counter
from typing import Annotated, Any

import typer

from setpoint_tui.answers import (
    Environment,
    EnvironmentList,
    Fleet,
    HubStatus,
    Instance,
    RequestFate,
    WhoAmI,
    read_answer,
)
from setpoint_tui.arguments import is_id
from setpoint_tui.cli import options
from setpoint_tui.cli.output import console, note, print_json, print_line
from setpoint_tui.cli.session import with_link
from setpoint_tui.cli.tables import Cell, Column, print_table
from setpoint_tui.errors import InvalidSettings, NotFound
from setpoint_tui.formatting import counted, format_duration, format_milliseconds, format_revision
from setpoint_tui.link import HubLink
from setpoint_tui.text_safety import safe_text

__all__ = ["fleet", "print_fleet", "status"]

_STATES = {"refused": "red", "silent": "red", "behind": "yellow", "unknown": "yellow", "current": "green"}
"""Every state and its colour, problems first."""

_INSTANCE_COLUMNS = (
    Column("INSTANCE", style="bold", flexible=True, least=20),
    Column("SERVICE", flexible=True, least=12, drop=4),
    Column("ENV"),
    Column("RUNS", right=True),
    Column("TARGET", right=True, drop=2),
    Column("STATE"),
    Column("SOURCE", drop=5),
    Column("SEEN", right=True, drop=3),
    Column("APPLIED", right=True, drop=1),
)


def status(
    request: Annotated[
        str | None,
        typer.Option("--request", metavar="ID", help="Ask what became of a change whose answer was lost."),
    ] = None,
    json: options.Json = False,
) -> None:
    """Show the hub, the environments, and how many instances run what they should."""
    if request is not None:
        _show_request(request, as_json=json)
        return

    async def read(link: HubLink) -> dict[str, Any]:
        methods = {"hub": "hub.status", "you": "whoami", "environments": "environment.list", "fleet": "fleet.list"}
        found = await asyncio.gather(*(link.request(method, {}) for method in methods.values()))
        return {**dict(zip(methods, found, strict=True)), "url": link.connection.address.url}

    raw = with_link(read)
    if json:
        print_json({**raw, **raw["environments"], "fleet": raw["fleet"]["instances"]})
        return
    _print_hub(raw["url"], read_answer(HubStatus, raw["hub"]), read_answer(WhoAmI, raw["you"]))
    environments = read_answer(EnvironmentList, raw["environments"]).environments
    _print_environments(environments, read_answer(Fleet, raw["fleet"]).instances)


def fleet(
    env: options.AnyEnv = None,
    service: Annotated[str | None, typer.Option("--service", "-s", help="Only its instances.")] = None,
    json: options.Json = False,
) -> None:
    """Show what every instance runs, by its own word; problems first."""
    params = {name: value for name, value in (("env", env), ("service", service)) if value is not None}

    async def read(link: HubLink) -> Any:
        return await link.request("fleet.list", params, timeout=30)

    raw = with_link(read)
    if json:
        print_json(raw)
        return
    instances = read_answer(Fleet, raw).instances
    if instances:
        print_fleet(instances)
    else:
        note("no instance has connected yet: start a service with setpoint.ConfigClient")


def print_fleet(instances: tuple[Instance, ...]) -> None:
    """Print instances as a table, problems first."""
    order = list(_STATES)
    ranked = sorted(
        instances,
        key=lambda one: (
            order.index(one.state) if one.state in order else 0,
            one.env,
            one.service,
            one.client_id,
        ),
    )
    with_errors = any(instance.error for instance in instances)
    columns = [*_INSTANCE_COLUMNS, *([Column("ERROR", flexible=True, least=24)] if with_errors else [])]
    print_table(console(), columns, [_instance_row(one)[: len(columns)] for one in ranked])


def _instance_row(instance: Instance) -> list[Cell]:
    return [
        safe_text(instance.client_id),
        safe_text(instance.service),
        safe_text(instance.env),
        format_revision(instance.revision),
        format_revision(instance.target),
        (safe_text(instance.state), _STATES.get(instance.state, "")),
        safe_text(instance.source),
        format_duration(instance.last_seen_seconds),
        "" if instance.applied_ms is None else format_milliseconds(instance.applied_ms),
        safe_text(instance.error or ""),
    ]


def _print_hub(url: str, hub: HubStatus, you: WhoAmI) -> None:
    ready = ("ready", "green") if hub.ready else (f"not ready: {safe_text(hub.reason or 'no reason told')}", "red")
    print_line(("hub     ", "dim"), (url, "bold"), f" · {safe_text(hub.version)} · ", ready)
    print_line(("up      ", "dim"), format_duration(hub.uptime_seconds), f" · Redis {safe_text(hub.redis)}")
    print_line(
        ("clients ", "dim"),
        f"{counted(hub.watchers, 'instance')} on this hub, {counted(hub.connections, 'connection')} in all",
    )
    print_line(("you     ", "dim"), f"{safe_text(you.user.name)} ({safe_text(you.role)})")
    print_line()


def _print_environments(environments: tuple[Environment, ...], instances: tuple[Instance, ...]) -> None:
    states = Counter((one.env, one.state) for one in instances)
    shown = [state for state in _STATES if state == "current" or any(key[1] == state for key in states)]
    columns = [
        Column("ENV", style="bold"),
        Column("REV", right=True),
        Column("KEYS", right=True),
        Column("PROTECTED", drop=1),
        Column("INSTANCES", right=True),
        *(Column(state.upper(), right=True) for state in reversed(shown)),
    ]
    rows: list[list[Cell]] = [
        [
            safe_text(one.env),
            format_revision(one.revision),
            f"{one.keys:,}",
            "yes" if one.protected else "no",
            str(sum(number for (env, _), number in states.items() if env == one.env)),
            *(_number(states[one.env, state], state) for state in reversed(shown)),
        ]
        for one in environments
    ]
    print_table(console(), columns, rows)


def _number(number: int, state: str) -> Cell:
    return (str(number), _STATES[state] if number else "dim")


def _show_request(request_id: str, *, as_json: bool) -> None:
    if not is_id(request_id):
        raise InvalidSettings("--request takes the id that the interrupted command printed")

    async def read(link: HubLink) -> Any:
        return await link.request("request.status", {"request_id": request_id})

    raw = with_link(read)
    fate = read_answer(RequestFate, raw)
    if as_json:
        print_json(raw)
    elif fate.found and fate.revision is not None:
        print_line("the change was made: ", (f"{safe_text(fate.env or '')} {format_revision(fate.revision)}", "bold"))
    elif fate.review is not None:
        print_line("the change waits for approval: ", (f"setpoint review show {fate.review}", "bold"))
    if not fate.found and fate.review is None:
        raise NotFound(f"the hub has no record of the request {request_id}: the change was not made")
