"""`user`, `token` and `whoami` on a real hub."""

import json
from uuid import UUID, uuid4

import pytest

from setpoint_tui.durations import parse_duration
from setpoint_tui.errors import InvalidSettings
from support.hubs import RunningHub
from support.wire import http
from tui.conftest import CommandLine

READER = ("--role", "reader", "--env", "staging", "--namespace", "payments")
SNAPSHOT = "/v1/snapshot?env=staging&namespace=payments"


async def test_a_user_gets_a_token_which_is_alone_on_stdout_and_works(setpoint: CommandLine, hub: RunningHub) -> None:
    made = await setpoint.done("user", "create", "ci")
    assert "ci" in made.out
    given = await setpoint.done("token", "create", "ci", *READER)
    (token,) = given.lines
    assert token.startswith("sp_")
    assert "not shown again" in given.err
    assert (await http(hub.address, SNAPSHOT, token=token)).status == 200
    assert (await http(hub.address, SNAPSHOT.replace("staging", "production"), token=token)).status == 403


async def test_json_gives_the_token_with_what_belongs_to_it(setpoint: CommandLine) -> None:
    await setpoint.done("user", "create", "ci", "--json")
    given = await setpoint.done("token", "create", "ci", *READER, "--env", "production", "--expires", "30d", "--json")
    assert given.json["token"].startswith("sp_")
    assert UUID(given.json["id"])
    assert (given.json["user"]["name"], given.json["role"]) == ("ci", "reader")
    assert (given.json["environments"], given.json["namespaces"]) == (["production", "staging"], ["payments"])
    assert given.json["expires_at"] is not None
    listed = (await setpoint.done("token", "list", "--user", "ci", "--json")).json["tokens"]
    assert [token["id"] for token in listed] == [given.json["id"]]
    assert given.json["token"] not in json.dumps(listed)


async def test_a_user_that_is_none_is_made_only_when_that_is_asked_for(setpoint: CommandLine) -> None:
    refused = await setpoint("token", "create", "nobody", *READER)
    assert refused.code == 3
    assert "setpoint user create" in refused.err
    await setpoint.done("token", "create", "nobody", *READER, "--create-user")
    users = (await setpoint.done("user", "list", "--json")).json["users"]
    assert [user["name"] for user in users] == ["admin", "nobody"]


async def test_tokens_are_listed_for_people(setpoint: CommandLine) -> None:
    await setpoint.done("token", "create", "ci", *READER, "--expires", "12h", "--create-user")
    header, first, admin = (await setpoint.done("token", "list")).lines
    assert header.split()[:3] == ["ID", "USER", "ROLE"]
    assert first.split()[1:6] == ["ci", "reader", "staging", "payments", "in"]
    assert admin.split()[1:6] == ["admin", "admin", "*", "*", "never"]
    assert [line.split()[0] for line in (await setpoint.done("user", "list")).lines] == ["USER", "admin", "ci"]


async def test_a_revoked_token_is_of_no_use(setpoint: CommandLine, hub: RunningHub) -> None:
    given = (await setpoint.done("token", "create", "ci", *READER, "--create-user", "--json")).json
    assert "ci" in (await setpoint.done("token", "revoke", given["id"])).out
    assert (await http(hub.address, SNAPSHOT, token=given["token"])).status == 401
    assert given["id"] not in (await setpoint.done("token", "list")).out
    assert "revoked" in (await setpoint.done("token", "list", "--all")).out
    assert (await setpoint("token", "revoke", str(uuid4()))).code == 3


async def test_a_token_is_not_taken_for_its_id_nor_repeated(setpoint: CommandLine, hub: RunningHub) -> None:
    ran = await setpoint("token", "revoke", hub.token)
    assert ran.code == 2
    assert hub.token not in ran.err


async def test_whoami_says_what_this_token_may_do(setpoint: CommandLine, clean_environ: pytest.MonkeyPatch) -> None:
    editor = ("--role", "editor", "--env", "*", "--namespace", "team.*")
    given = (await setpoint.done("token", "create", "ci", *editor, "--create-user", "--json")).json
    clean_environ.setenv("SETPOINT_TOKEN", given["token"])
    me = (await setpoint.done("whoami", "--json")).json
    assert (me["user"]["name"], me["role"], me["token"]) == ("ci", "editor", given["id"])
    assert me["may"]["staging"]["write"]
    shown = (await setpoint.done("whoami")).lines
    assert "namespaces   team.*" in shown
    production = next(line for line in shown if line.startswith("production"))
    assert production.split() == ["production", "yes", "no", "yes", "no", "no"]


async def test_what_a_token_may_not_do_exits_with_6_and_says_why(
    setpoint: CommandLine, clean_environ: pytest.MonkeyPatch
) -> None:
    token = (await setpoint.done("token", "create", "ci", *READER, "--create-user")).lines[0]
    clean_environ.setenv("SETPOINT_TOKEN", token)
    for words, reason in [
        (("set", "payments", "max_retries", "5", "--env", "staging"), "role editor"),
        (("snapshot", "--env", "production"), "environment production"),
        (("get", "payments", "max_retries", "--env", "production"), "environment production"),
        (("get", "search", "zone", "--env", "staging"), "namespace search"),
        (("fleet", "--env", "production"), "environment production"),
        (("user", "list"), "role admin"),
    ]:
        ran = await setpoint(*words)
        assert ran.code == 6
        assert reason in ran.err
    # What it reaches and is not there is another matter.
    assert (await setpoint("get", "payments", "max_retries", "--env", "staging")).code == 3


@pytest.mark.parametrize(
    "words",
    [
        ("token", "create", "ci"),
        ("token", "create", "ci", "--role", "reader", "--env", "staging"),
        ("token", "create", "ci", "--role", "reader", "--namespace", "payments"),
        ("token", "create", "ci", "--role", "root", "--env", "staging", "--namespace", "payments"),
        ("token", "create", "ci", *READER, "--expires", "soon"),
        ("token", "create", "ci", *READER, "--namespace", "te*"),
        ("user", "create", "a\nb"),
        ("user", "create", ""),
    ],
)
async def test_a_mistake_is_usage_and_changes_nothing(setpoint: CommandLine, words: tuple[str, ...]) -> None:
    ran = await setpoint(*words)
    assert ran.code == 2
    assert len((await setpoint.done("token", "list", "--json")).json["tokens"]) == 1
    assert len((await setpoint.done("user", "list", "--json")).json["users"]) == 1


@pytest.mark.parametrize(
    ("text", "seconds"),
    [
        ("90s", 90),
        ("30m", 1800),
        ("12h", 43_200),
        ("30d", 2_592_000),
        (" 2w ", 1_209_600),
        ("1h30m", 5400),
        ("1.5h", 5400),
        ("1 d 2h", 93_600),
    ],
)
def test_a_span_of_time_is_read(text: str, seconds: int) -> None:
    assert parse_duration(text) == seconds


@pytest.mark.parametrize(
    "text", ["", "30", "d", "-1d", "0s", "0.5s", "1h30", "1h,30m", "1D", "٣d", "9" * 10 + "d", "soon"]
)
def test_what_is_no_span_of_time_is_refused(text: str) -> None:
    with pytest.raises(InvalidSettings, match="30d"):
        parse_duration(text)
