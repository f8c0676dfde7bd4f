"""Every method and every path, by every token that may not: a method or a path without a case here fails."""

import inspect
import json
import re
from collections.abc import AsyncGenerator
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from websockets.exceptions import InvalidStatus

from setpoint.protocol.close_codes import CloseCode
from setpoint_hub import errors
from setpoint_hub.access import new_token
from setpoint_hub.sealing import new_master_key
from support.databases import temporary_database
from support.hubs import RunningHub, issue_token, running_hub
from support.method_cases import (
    CASES,
    ENVIRONMENT,
    HIDDEN_ENVIRONMENT,
    HIDDEN_NAMESPACE,
    NAMESPACE,
    OTHER_ENVIRONMENT,
    MethodCase,
)
from support.tokens import give_token, token_of
from support.wire import Refused, Wire, http, open_wire

OPEN_PATHS = {"/healthz", "/readyz", "/metrics"}
SNAPSHOT = f"/v1/snapshot?env={ENVIRONMENT}&namespace={NAMESPACE}"
REACHED = [ENVIRONMENT, OTHER_ENVIRONMENT]
GUARDED_PATHS = [SNAPSHOT, "/v1/ws", "/v1/ws?token=x", "/v1/", "/", "/anything"]
ROLES = ["reader", "editor", "approver", "admin"]

SECRET = "hunter2-correct-horse"
IN_THE_CLEAR = {"watch", "secret.reveal"}
"""What gives a secret: the way to services, and the one of people."""

HIDDEN_WORDS = [
    HIDDEN_ENVIRONMENT,
    HIDDEN_NAMESPACE,
    "hidden_key",
    "a hidden value",
    "a hidden note",
    "hidden-",
    "secret of",
]
"""What no answer to a token that does not reach it may hold."""

_INVALIDATE = "UPDATE Token SET expires_at = clock_timestamp() - interval '1 s' WHERE token_id = $1"


@pytest.fixture(scope="module")
async def world(postgres_url: str, template_database: str, redis_url: str) -> AsyncGenerator[RunningHub]:
    """A hub where things are within and out of reach: keys, values, change sets of both, instances of both."""
    async with temporary_database(postgres_url, template=template_database) as url:
        token, _ = await issue_token(url)
        keeping = running_hub(url, redis_url, token, master_key=new_master_key())
        async with keeping as hub, hub.connect() as admin, hub.connect() as service:
            await _fill(admin)
            await service.watch("hidden-instance", env=HIDDEN_ENVIRONMENT, namespaces=[NAMESPACE])
            async with hub.connect() as other, hub.connect() as both:
                await other.watch("hidden-other", namespaces=[HIDDEN_NAMESPACE])
                await both.watch("seen", namespaces=[NAMESPACE, HIDDEN_NAMESPACE])
                await both.heartbeat(1, status="refused", error="hidden_key is too high")
                yield hub


async def _fill(admin: Wire) -> None:
    await admin.create_key("limit", "int", NAMESPACE)
    await admin.create_key("limit", "int", HIDDEN_NAMESPACE)
    await admin.create_key("hidden_key", "string", HIDDEN_NAMESPACE)
    within = {"namespace": NAMESPACE, "key": "limit", "value": 3}
    beyond = {"namespace": HIDDEN_NAMESPACE, "key": "hidden_key", "value": "a hidden value"}
    await admin.set_all([within, beyond], note="both")
    await admin.set_all([beyond | {"value": "a hidden value, changed"}], note="a hidden note")
    glass: dict[str, Any] = {"note": "a hidden note", "break_glass": True}
    await admin.set_all([within, beyond], env=HIDDEN_ENVIRONMENT, **glass)
    waiting = {"changes": [within, beyond | {"value": "a hidden value, proposed"}], "note": "a hidden note"}
    for env in (ENVIRONMENT, HIDDEN_ENVIRONMENT):
        await admin.ask("review.create", env=env, **waiting)
    await admin.set_all([beyond], env=OTHER_ENVIRONMENT, note="a hidden note", expires_in=3600)
    for namespace in (NAMESPACE, HIDDEN_NAMESPACE):
        secret = {"namespace": namespace, "key": "api_key"}
        await admin.ask("key.create", **secret, type="string", secret=True)
        await admin.set_all([{**secret, "value": SECRET if namespace == NAMESPACE else "the secret of others"}])
        await admin.set_all([{**secret, "value": "the secret of production"}], env=HIDDEN_ENVIRONMENT, **glass)


def test_every_method_has_a_case(world: RunningHub) -> None:
    assert {method.name for method in world.hub._registry.methods} | {"watch"} == CASES.keys()


def test_every_path_that_is_open_to_all_is_one_that_holds_no_setting(world: RunningHub) -> None:
    assert set(world.hub._door._admission._http.open_paths) == OPEN_PATHS


def test_a_case_names_what_is_out_of_reach_wherever_its_method_names_anything(world: RunningHub) -> None:
    for method in world.hub._registry.methods:
        fields, case = set(method.params.model_fields), CASES[method.name]
        if fields & {"env", "environments", "source", "target"}:
            assert case.elsewhere is not None, f"{method.name} names an environment"
        if fields & {"namespace", "namespaces", "changes", "keys"} and method.name != "change_set.get":
            assert case.other_namespace is not None, f"{method.name} names a namespace"


@pytest.mark.parametrize("path", GUARDED_PATHS)
@pytest.mark.parametrize("kind", ["none", "malformed", "unknown", "expired", "revoked"])
async def test_who_has_no_valid_token_gets_nothing_anywhere(world: RunningHub, kind: str, path: str) -> None:
    token = await invalid_token(world, kind)
    reply = await http(world.address, path, token=token)
    assert (reply.status, reply.json["error"]["code"]) == (401, "unauthorised")
    if path == "/v1/ws":
        # Methods are reached through it alone.
        with pytest.raises(InvalidStatus) as refused:
            async with open_wire(world.address, token):
                pass
        assert refused.value.response.status_code == 401


@pytest.mark.parametrize("path", GUARDED_PATHS)
@pytest.mark.parametrize(
    "headers",
    [
        {"X_Forwarded_For": "127.0.0.1"},
        {"X_Real_IP": "127.0.0.1", "Forwarded": "for=127.0.0.1"},
        {"X_Forwarded_User": "admin", "Remote_User": "admin", "X_Remote_User": "admin"},
        {"X_Original_URL": "/healthz", "X_Rewrite_URL": "/healthz"},
        {"X_HTTP_Method_Override": "GET", "X_Authorization": "Bearer sp_x"},
        {"Authorization": "Basic YWRtaW46YWRtaW4="},
        {"Cookie": "token=sp_x", "Referer": "http://127.0.0.1/"},
    ],
)
async def test_no_header_stands_for_a_token(world: RunningHub, path: str, headers: dict[str, str]) -> None:
    assert (await http(world.address, path, **headers)).status == 401


@pytest.mark.parametrize(
    "path",
    [
        "//v1/snapshot?env=staging&namespace=pay",
        "/V1/SNAPSHOT?env=staging&namespace=pay",
        "/v1//snapshot?env=staging&namespace=pay",
        "/v1/../v1/snapshot?env=staging&namespace=pay",
        "/healthz/../v1/snapshot?env=staging&namespace=pay",
        "/healthz%2f..%2fv1/snapshot?env=staging&namespace=pay",
        "/healthz/v1/snapshot?env=staging&namespace=pay",
        "/healthz;/v1/snapshot?env=staging&namespace=pay",
        "/v1/snapshot/?env=staging&namespace=pay",
        "/v1/snapshot%3fenv=staging",
        "/V1/WS",
        "//v1/ws",
        "/Healthz/",
    ],
)
async def test_no_spelling_of_a_path_leads_around_the_token(world: RunningHub, path: str) -> None:
    assert (await http(world.address, path)).status == 401


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.role != "reader"])
async def test_a_lesser_role_is_told_which_it_takes(world: RunningHub, name: str) -> None:
    case = CASES[name]
    for role in ROLES[: ROLES.index(case.role)]:
        async with world.connect(await token_of(world, role, ["*"], ["*"])) as wire:
            before = await positions(world)
            refused = await wire.refusal(name, **case.params)
            assert (refused.kind, refused.data["needs"]) == ("forbidden", {"role": case.role})
            assert case.role in refused.message
            assert await positions(world) == before


@pytest.mark.parametrize("name", CASES)
async def test_the_least_role_and_those_above_come_through(world: RunningHub, name: str) -> None:
    case = CASES[name]
    for role in ROLES[ROLES.index(case.role) :]:
        async with world.connect(await token_of(world, role, REACHED, case.namespaces)) as wire:
            await answer_or_other_refusal(wire, name, case.params)


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.elsewhere is not None])
async def test_another_environment_is_refused_whether_it_exists_or_not(world: RunningHub, name: str) -> None:
    case = CASES[name]
    assert case.elsewhere is not None
    async with world.connect(await token_of(world, case.role, REACHED, case.namespaces)) as wire:
        refused = await wire.refusal(name, **case.elsewhere)
        unknown = await wire.refusal(name, **renamed(case.elsewhere, HIDDEN_ENVIRONMENT, "nowhere"))
    assert (refused.kind, refused.data["needs"]) == ("forbidden", {"environment": HIDDEN_ENVIRONMENT})
    assert unknown.kind == "forbidden"
    assert unknown.message == refused.message.replace(HIDDEN_ENVIRONMENT, "nowhere")


@pytest.mark.parametrize("name", [name for name, case in CASES.items() if case.other_namespace is not None])
async def test_another_namespace_is_refused_whether_it_exists_or_not(world: RunningHub, name: str) -> None:
    case = CASES[name]
    assert case.other_namespace is not None
    async with world.connect(await token_of(world, case.role, REACHED, [NAMESPACE])) as wire:
        before = await positions(world)
        refused = await wire.refusal(name, **case.other_namespace)
        unknown = await wire.refusal(name, **renamed(case.other_namespace, HIDDEN_NAMESPACE, "nowhere"))
        assert await positions(world) == before
    named = "*" if case.whole else HIDDEN_NAMESPACE
    assert (refused.kind, refused.data["needs"]) == ("forbidden", {"namespace": named})
    assert unknown.kind == "forbidden"
    assert unknown.message == refused.message.replace(HIDDEN_NAMESPACE, "nowhere")


@pytest.mark.parametrize("name", CASES)
async def test_no_answer_names_what_is_out_of_reach(world: RunningHub, name: str) -> None:
    case = CASES[name]
    async with world.connect(await token_of(world, case.role, REACHED, case.namespaces)) as wire:
        shown = json.dumps(await answer_or_other_refusal(wire, name, case.params))
    out_of_reach = [HIDDEN_ENVIRONMENT] if case.whole else HIDDEN_WORDS
    assert [word for word in out_of_reach if word in shown] == []


@pytest.mark.parametrize("name", CASES)
async def test_no_answer_but_two_holds_a_secret(world: RunningHub, name: str) -> None:
    case = CASES[name]
    async with world.connect() as admin:
        shown = json.dumps(await answer_or_other_refusal(admin, name, case.params))
    assert (SECRET in shown) == (name in IN_THE_CLEAR)


async def test_a_poll_reaches_what_its_token_reaches(world: RunningHub) -> None:
    token = await token_of(world, "reader", REACHED, [NAMESPACE])
    assert (await http(world.address, SNAPSHOT, token=token)).status == 200
    for path in (
        SNAPSHOT.replace(ENVIRONMENT, HIDDEN_ENVIRONMENT),
        SNAPSHOT.replace(ENVIRONMENT, "nowhere"),
        f"{SNAPSHOT}&namespace={HIDDEN_NAMESPACE}",
        f"{SNAPSHOT}&namespace=nowhere",
    ):
        reply = await http(world.address, path, token=token)
        assert (reply.status, reply.json["error"]["code"]) == (403, "forbidden")
        assert "does not reach" in reply.json["error"]["message"]


async def invalid_token(world: RunningHub, kind: str) -> str | None:
    """Return a token that is not valid, and known not to be."""
    match kind:
        case "none":
            return None
        case "malformed":
            return "admin"
        case "unknown":
            return new_token()
    given = await give_token(world, "admin")
    async with world.connect() as admin:
        if kind == "revoked":
            await admin.ask("token.revoke", id=given["id"])
            return str(given["token"])
        connection = await asyncpg.connect(world.owner_url, timeout=10)
        await connection.execute(_INVALIDATE, given["id"])
        await connection.close(timeout=5)
        # Whatever changes accounts has the hub read them anew.
        await give_token(world, "reader")
    return str(given["token"])


async def positions(world: RunningHub) -> Any:
    """Return what a refused call must not have changed."""
    async with world.connect() as admin:
        return await admin.ask("environment.list"), await admin.ask("namespace.list"), await admin.ask("user.list")


async def answer_or_other_refusal(wire: Wire, name: str, params: dict[str, Any]) -> Any:
    """Return an answer, or a refusal that is not about the token."""
    try:
        return await wire.ask(name, **params)
    except Refused as refused:
        if refused.kind == "forbidden" or refused.code != -32000:
            raise
        return [refused.message, refused.data]


def renamed(params: dict[str, Any], old: str, new: str) -> dict[str, Any]:
    """Return params that name something else."""
    found: dict[str, Any] = json.loads(json.dumps(params).replace(f'"{old}"', f'"{new}"'))
    return found


def test_the_walk_would_notice_a_case_that_names_nothing_out_of_reach() -> None:
    for name, case in CASES.items():
        assert isinstance(case, MethodCase)
        assert HIDDEN_ENVIRONMENT in json.dumps(case.elsewhere or HIDDEN_ENVIRONMENT), name
        assert case.whole or HIDDEN_NAMESPACE in json.dumps(case.other_namespace or HIDDEN_NAMESPACE), name


PAGE = (Path(__file__).parents[2] / "docs" / "protocol.md").read_text()


def sections() -> dict[str, str]:
    """What the protocol's page says of each method: under a heading, or in the row of a table."""
    headed = re.findall(r"^###+ (`.*)\n((?:(?!#).*\n)*)", PAGE, re.MULTILINE)
    found = {name: text for heading, text in headed for name in re.findall(r"`([\w.]+)`", heading)}
    return found | dict(re.findall(r"^\| `(review\.\w+)` \|(.*)$", PAGE, re.MULTILINE))


def test_the_protocols_page_tells_every_method_and_each_of_its_params(world: RunningHub) -> None:
    told = sections()
    for method in world.hub._registry.methods:
        text = told[method.name]
        if "as `set`" in text:
            text += told["set"]
        named = set(re.findall(r"`(\w+)\??`", text))
        assert set(method.params.model_fields) <= named, f"{method.name}: {set(method.params.model_fields) - named}"


def test_the_protocols_page_tells_every_kind_of_error_and_every_close_code() -> None:
    kinds = set(re.findall(r'kind="(\w+)"', inspect.getsource(errors))) - {"protocol"}
    table = PAGE.split("\n| `data.kind` | ")[1].split("\n\n")[0]
    assert kinds == set(re.findall(r"^\| `(\w+)` \|", table, re.MULTILINE))
    codes = re.findall(r"^\| (\d{4})", PAGE.split("### Close codes")[1], re.MULTILINE)
    assert [int(code) for code in codes] == [int(code) for code in CloseCode]
