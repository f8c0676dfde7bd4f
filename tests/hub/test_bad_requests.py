"""Bad requests: each gets an answer that says what is wrong, nothing changes, nobody else notices."""

import json
from typing import Any
from uuid import uuid4

import asyncpg
import pytest

from support.hubs import RunningHub
from support.wire import Wire

SET_ONE = '{{"env":"staging","note":"","changes":[{{"namespace":"payments","key":"{key}","value":{value}}}]}}'
INVALID_PARAMS = -32602
RETRIES = {"namespace": "payments", "key": "max_retries"}
ONE_CHANGE = [{**RETRIES, "value": 1}]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_retries", '"5"'),
        ("max_retries", "5.0"),
        ("max_retries", "5.5"),
        ("max_retries", "true"),
        ("max_retries", "null"),
        ("max_retries", "[5]"),
        ("max_retries", str(2**63)),
        ("max_retries", str(2**80)),
        ("max_retries", str(-(2**63) - 1)),
        ("max_retries", "9" * 5000),
        ("a_string", "5"),
        ("a_string", "null"),
        ("a_string", '"\\u0000"'),
        ("a_string", '"\\ud800"'),
        ("a_string", '"' + "x" * 65535 + '"'),
        ("a_string", '"' + "\u00fc" * 33_000 + '"'),
        ("a_bool", "1"),
        ("a_bool", '"true"'),
        ("a_float", "1e400"),
        ("a_float", "-1e400"),
        ("a_float", "NaN"),
        ("a_float", "Infinity"),
        ("a_float", "9" * 400),
        ("a_float", '"0.5"'),
        ("a_json", "NaN"),
        ("a_json", "[1e400]"),
        ("a_json", f'{{"a":{2**80}}}'),
        ("a_json", '{"a":"\\u0000"}'),
        ("a_json", '{"\\udc00":1}'),
        ("a_json", '{"a":1,"a":2}'),
        ("a_json", '[{"b":{"a":1,"a":1}}]'),
        ("a_json", "[" * 33 + "]" * 33),
        ("a_json", '{"a":' * 33 + "1" + "}" * 33),
        ("a_json", "[" * 900 + "]" * 900),
        ("a_json", '["' + "x" * 65533 + '"]'),
    ],
    ids=lambda text: text[:20],
)
async def test_a_value_that_does_not_fit_is_named(unharmed: Wire, key: str, value: str) -> None:
    refused = await unharmed.refusal_of_text("set", SET_ONE.format(key=key, value=value))
    assert refused.kind == "invalid_value"
    assert (refused.data["namespace"], refused.data["key"]) == ("payments", key)
    assert f"payments/{key}: " in refused.message


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_retries", str(2**63 - 1)),
        ("max_retries", str(-(2**63))),
        ("a_float", "1.7976931348623157e308"),
        ("a_json", "[" * 32 + "]" * 32),
        ("a_string", '"' + "x" * 65534 + '"'),
        ("a_string", '"\\ud83d\\ude00"'),
    ],
    ids=lambda text: text[:20],
)
async def test_a_value_at_the_limit_is_taken(wire: Wire, key: str, value: str) -> None:
    for value_type in ("string", "float", "json"):
        await wire.create_key(f"a_{value_type}", value_type)
    (done,) = (await wire.ask_text("set", SET_ONE.format(key=key, value=value)))["changes"]
    assert done["new"] == json.loads(value)


@pytest.mark.parametrize(
    ("method", "params", "word"),
    [
        ("set", {"env": "nowhere", "changes": [{**RETRIES, "value": 1}]}, "environment nowhere"),
        ("set", {"env": "staging", "changes": [{**RETRIES, "namespace": "none", "value": 1}]}, "namespace none"),
        ("set", {"env": "staging", "changes": [{**RETRIES, "key": "none", "value": 1}]}, "key none"),
        ("set", {"env": "staging", "changes": [{**RETRIES, "delete": True}]}, "nothing to delete"),
        ("set", {"env": "pro duction", "changes": [{**RETRIES, "value": 1}]}, "environment"),
        ("rollback", {"env": "nowhere", **RETRIES, "version": str(uuid4())}, "version"),
        ("rollback", {"env": "nowhere", "change_set": 1}, "nowhere"),
        ("history", {"env": "nowhere", **RETRIES}, "environment nowhere"),
        ("history", {"env": "staging", **RETRIES, "key": "none"}, "key none"),
        ("snapshot", {"env": "nowhere"}, "environment nowhere"),
        ("key.get", {**RETRIES, "key": "none"}, "key none"),
        ("key.list", {"env": "nowhere"}, "environment nowhere"),
        ("key.list", {"namespace": "none"}, "namespace none"),
        ("namespace.list", {"env": "nowhere"}, "environment nowhere"),
        ("fleet.list", {"env": "nowhere"}, "environment nowhere"),
        ("receipt", {"env": "nowhere", "revision": 1}, "environment nowhere"),
        ("receipt", {"env": "staging", "revision": 10**9}, "revision 1000000000"),
        ("activity.watch", {"env": "nowhere"}, "environment nowhere"),
        ("environment.protect", {"env": "nowhere", "protected": True}, "environment nowhere"),
        ("environment.create", {"env": "qa", "after": "nowhere"}, "environment nowhere"),
        ("watch", {"client_id": "a", "service": "a", "env": "nowhere", "namespaces": ["a"]}, "environment nowhere"),
    ],
)
async def test_what_does_not_exist_is_not_found_by_its_name(
    unharmed: Wire, method: str, params: dict[str, Any], word: str
) -> None:
    refused = await unharmed.refusal(method, **params)
    assert (refused.code, refused.kind) == (-32000, "not_found")
    assert word in refused.message


@pytest.mark.parametrize("name", ["", "max retries", "grüße", "a:b", "a\nb", "a\x00", "\ud800", '"', "n" * 201])
async def test_names_outside_the_alphabet_or_too_long_are_refused(unharmed: Wire, name: str) -> None:
    for bad in ({"namespace": name, "key": "a"}, {"namespace": "payments", "key": name}):
        refused = await unharmed.refusal("key.create", **bad, type="int")
        assert refused.kind == "invalid_value"
    assert (await unharmed.refusal("environment.create", env=name)).code == INVALID_PARAMS
    watch = {"client_id": "a", "service": "a", "env": "staging"}
    assert (await unharmed.refusal("watch", **watch, namespaces=[name])).code == INVALID_PARAMS
    assert (await unharmed.refusal("snapshot", env="staging", namespaces=[name])).code == INVALID_PARAMS


@pytest.mark.parametrize("name", ["a\x00b", "\ud800", '"', "\x1b[31m", "n" * 900])
@pytest.mark.parametrize("method", ["set", "rollback", "history", "snapshot", "key.list", "fleet.list", "watch"])
async def test_a_name_that_cannot_exist_gets_an_answer_from_every_method(
    unharmed: Wire, method: str, name: str
) -> None:
    params: dict[str, Any] = {"env": name, **RETRIES, "client_id": "a", "service": "a", "namespaces": ["payments"]}
    params |= {"changes": ONE_CHANGE} if method == "set" else {"version": str(uuid4())}
    refused = await unharmed.refusal(method, **params)
    assert refused.code == INVALID_PARAMS or refused.kind == "not_found"


async def test_more_than_a_thousand_changes_are_too_many(unharmed: Wire) -> None:
    changes = [{"namespace": "payments", "key": f"key-{number}", "value": 1} for number in range(1001)]
    assert (await unharmed.refusal("set", env="staging", changes=changes)).kind == "too_large"


async def test_a_key_cannot_stand_twice_in_a_set(unharmed: Wire) -> None:
    changes = [{**RETRIES, "value": 1}, {**RETRIES, "value": 2}]
    refused = await unharmed.refusal("set", env="staging", changes=changes)
    assert refused.code == INVALID_PARAMS
    assert "payments/max_retries" in refused.message


async def test_a_stale_base_is_a_conflict(unharmed: Wire) -> None:
    changes = [{**RETRIES, "value": 1, "expected_version": str(uuid4())}]
    refused = await unharmed.refusal("set", env="staging", changes=changes)
    assert refused.kind == "conflict"
    assert refused.data["conflicts"][0]["active_version"] is None


@pytest.mark.parametrize(
    ("method", "params"),
    [
        ("set", {}),
        ("set", {"env": "staging"}),
        ("set", {"env": "staging", "changes": []}),
        ("set", {"env": "staging", "changes": {}}),
        ("set", {"env": 5, "changes": ONE_CHANGE}),
        ("set", {"env": "staging", "changes": [RETRIES]}),
        ("set", {"env": "staging", "changes": [{**RETRIES, "value": 1, "delete": True}]}),
        ("set", {"env": "staging", "changes": [{**RETRIES, "value": 1, "expected_version": "latest"}]}),
        ("set", {"env": "staging", "changes": ONE_CHANGE, "request_id": "mine"}),
        ("set", {"env": "staging", "changes": ONE_CHANGE, "request_id": 7}),
        ("set", {"env": "staging", "changes": ONE_CHANGE, "note": "n" * 2001}),
        ("set", {"env": "staging", "changes": ONE_CHANGE, "note": "a\x00b"}),
        ("set", {"env": "staging", "changes": ONE_CHANGE, "note": "\ud800"}),
        ("set", {"env": "staging", "changes": ONE_CHANGE, "wait": -1}),
        ("set", {"env": "staging", "changes": ONE_CHANGE, "wait": 61}),
        ("set", {"env": "staging", "changes": ONE_CHANGE, "wait": "5"}),
        ("rollback", {"env": "staging"}),
        ("rollback", {"env": "staging", **RETRIES}),
        ("rollback", {"env": "staging", **RETRIES, "version": str(uuid4()), "change_set": 1}),
        ("rollback", {"env": "staging", "change_set": 1, "expected_version": None}),
        ("rollback", {"env": "staging", "change_set": "1"}),
        ("rollback", {"env": "staging", "change_set": 2**70}),
        ("key.create", {**RETRIES}),
        ("key.create", {"namespace": "a", "key": "a", "type": "int", "secret": 1}),
        ("key.update", {**RETRIES, "force": "yes", "owner": "a"}),
        ("secret.reveal", {**RETRIES}),
        ("key.create", {"namespace": "a", "key": "a", "type": "int", "tags": ["t"] * 21}),
        ("key.create", {"namespace": "a", "key": "a", "type": "int", "description": "d" * 2001}),
        ("history", {"env": "staging", **RETRIES, "limit": 0}),
        ("history", {"env": "staging", **RETRIES, "limit": 501}),
        ("history", {"env": "staging", **RETRIES, "limit": 1.5}),
        ("history", {"env": "staging", **RETRIES, "before": -1}),
        ("key.list", {"after": ["payments"]}),
        ("key.list", {"limit": True}),
        ("environment.create", {"env": "qa", "required_approvals": 11}),
        ("environment.create", {"env": "e" * 21}),
        ("request.status", {"request_id": None}),
        ("watch", {"client_id": "a", "service": "a", "env": "staging", "namespaces": []}),
        ("watch", {"client_id": "a", "service": "a", "env": "staging", "namespaces": ["a"] * 101}),
        ("watch", {"client_id": "", "service": "a", "env": "staging", "namespaces": ["a"]}),
        ("watch", {"client_id": "c" * 101, "service": "a", "env": "staging", "namespaces": ["a"]}),
        ("watch", {"client_id": "a\x00", "service": "a", "env": "staging", "namespaces": ["a"]}),
        ("watch", {"client_id": "a", "service": "s" * 101, "env": "staging", "namespaces": ["a"]}),
        ("watch", {"client_id": "a", "service": "\ud800", "env": "staging", "namespaces": ["a"]}),
        ("watch", {"client_id": "a", "service": "a", "env": "staging", "namespaces": ["a"], "revision": -1}),
    ],
)
async def test_wrong_params_are_named(unharmed: Wire, method: str, params: dict[str, Any]) -> None:
    refused = await unharmed.refusal(method, **params)
    assert refused.code == INVALID_PARAMS
    assert len(refused.message) > 10


@pytest.mark.parametrize("bad", ["number", "", "INT"])
async def test_an_unknown_type_is_refused_with_the_known_ones(unharmed: Wire, bad: str) -> None:
    refused = await unharmed.refusal("key.create", namespace="payments", key="a", type=bad)
    assert (refused.kind, "string, int, float, bool, json" in refused.message) == ("invalid_value", True)


async def test_texts_that_the_database_cannot_hold_are_refused(unharmed: Wire) -> None:
    for text in ("a\x00b", "\ud800"):
        for member in ({"description": text}, {"owner": text}, {"tags": [text]}):
            refused = await unharmed.refusal("key.create", namespace="payments", key="a", type="int", **member)
            assert refused.kind == "invalid_value" or refused.code == INVALID_PARAMS


async def test_what_an_instance_says_of_itself_never_holds_up_the_fleet(unharmed: Wire, shared_hub: RunningHub) -> None:
    await unharmed.watch("bad", service="a\x00b", sdk="a\x00b")
    for error in ("a\x00b", "\ud800", "e" * 5000):
        await unharmed.heartbeat(0, status="refused", error=error)
        await unharmed.ask("whoami")
        await shared_hub.hub._fleet.flush()
    connection = await asyncpg.connect(shared_hub.owner_url, timeout=10)
    row = await connection.fetchrow("SELECT service, sdk, error FROM ConfigWatch WHERE client_id = 'bad'")
    await connection.close(timeout=5)
    assert row is not None
    assert tuple(row) == ("a\ufffdb", "a\ufffdb", "e" * 4096)


@pytest.mark.parametrize(
    "params",
    [
        '{"env":"staging","env":"production","changes":[]}',
        '{"env":"staging","changes":[{"namespace":"payments","key":"max_retries","key":"a","value":1}]}',
    ],
)
async def test_a_member_that_stands_twice_is_refused(unharmed: Wire, params: str) -> None:
    refused = await unharmed.refusal_of_text("set", params)
    assert (refused.code, "twice" in refused.message) == (INVALID_PARAMS, True)


async def test_an_unknown_member_is_ignored(wire: Wire) -> None:
    assert (await wire.set(1, color="blue"))["revision"] == 1


async def test_an_unknown_method_is_told_with_the_known_ones(unharmed: Wire) -> None:
    for method in ("sett", "", "\ud800", "m" * 5000):
        refused = await unharmed.refusal_of_text(method, "{}")
        assert (refused.code, "key.create" in refused.message) == (-32601, True)


async def test_members_nested_too_deeply_are_refused(unharmed: Wire) -> None:
    deep = "[" * 900 + "]" * 900
    for method in ("set", "watch", "snapshot"):
        refused = await unharmed.refusal_of_text(method, f'{{"env":{deep},"other":{deep}}}')
        assert refused.code == INVALID_PARAMS


async def test_more_than_32_requests_at_once_are_refused_one_by_one(unharmed: Wire) -> None:
    frame = '{{"jsonrpc":"2.0","id":"{}","method":"key.list","params":{{}}}}'
    for number in range(200):
        await unharmed.send(frame.format(number))
    answers = [await unharmed.unasked.get() for _ in range(200)]
    kinds = [answer["error"]["data"]["kind"] for answer in answers if "error" in answer]
    assert set(kinds) == {"rate_limited"}
    assert 32 <= len(answers) - len(kinds) < 200
