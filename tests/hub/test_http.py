"""HTTP: health, readiness, metrics, and the snapshot with its ETag."""

from itertools import permutations
from urllib.parse import quote

import pytest

from setpoint_hub.http_api import HttpApi
from support.hubs import Hubs, RunningHub
from support.waiting import eventually
from support.wire import Wire, http

PAYMENTS = "/v1/snapshot?env=staging&namespace=payments"
BOTH = PAYMENTS + "&namespace=search"


async def set_and_reach(wire: Wire, hub: RunningHub, value: object, key: str = "max_retries", **others: str) -> None:
    """Set a key, and wait until the hub that answers holds it."""
    result = await wire.set(value, key, **others)
    await eventually(lambda: hub.revision(result["env"]) == result["revision"])


async def test_a_running_hub_is_healthy_and_ready(hub: RunningHub) -> None:
    assert (await http(hub.address, "/healthz")).json == {"status": "ok"}
    assert (await http(hub.address, "/readyz")).json == {"status": "ready"}


async def test_metrics_need_no_token_and_tell_the_revision(wire: Wire, hub: RunningHub) -> None:
    await set_and_reach(wire, hub, 3)
    reply = await http(hub.address, "/metrics")
    assert reply.headers["content-type"].startswith("text/plain")
    assert 'setpoint_revision{env="staging"} 1.0' in reply.body.decode()


async def test_a_snapshot_holds_the_asked_namespaces_and_no_others(wire: Wire, hub: RunningHub) -> None:
    await wire.create_key("zone", "string", "search")
    await wire.set("eu", "zone", namespace="search")
    await set_and_reach(wire, hub, 3)
    body = (await hub.get(PAYMENTS + "&namespace=empty")).json
    assert (body["env"], body["revision"], body["namespaces"].keys()) == ("staging", 2, {"payments", "empty"})
    entry = body["namespaces"]["payments"]["max_retries"]
    assert (entry["type"], entry["value"], len(entry["version"])) == ("int", 3, 36)
    assert body["namespaces"]["empty"] == {}


async def test_the_tag_changes_only_with_an_asked_namespace(wire: Wire, hub: RunningHub) -> None:
    await wire.create_key("zone", "string", "search")
    await set_and_reach(wire, hub, 3)
    payments, both = (await hub.get(PAYMENTS)).headers["etag"], (await hub.get(BOTH)).headers["etag"]
    # Another history may reach the same revision.
    assert (await hub.get(PAYMENTS)).json["epoch"] in payments

    await set_and_reach(wire, hub, "eu", "zone", namespace="search")
    assert (await hub.get(PAYMENTS)).headers["etag"] == payments
    assert (await hub.get(BOTH)).headers["etag"] != both

    await set_and_reach(wire, hub, 4)
    assert (await hub.get(PAYMENTS)).headers["etag"] != payments


async def test_a_tag_that_still_holds_is_answered_304_without_a_body(wire: Wire, hub: RunningHub) -> None:
    await set_and_reach(wire, hub, 3)
    tag = (await hub.get(PAYMENTS)).headers["etag"]
    reply = await hub.get(PAYMENTS, If_None_Match=tag)
    assert (reply.status, reply.body, reply.headers["etag"]) == (304, b"", tag)

    await set_and_reach(wire, hub, 4)
    reply = await hub.get(PAYMENTS, If_None_Match=tag)
    assert reply.json["namespaces"]["payments"]["max_retries"]["value"] == 4


async def test_a_large_snapshot_is_packed_for_those_who_take_it(wire: Wire, hub: RunningHub) -> None:
    await wire.create_key("text", "string")
    await set_and_reach(wire, hub, "x" * 5000, "text")
    packed, plain = await hub.get(PAYMENTS, Accept_Encoding="gzip"), await hub.get(PAYMENTS)
    assert packed.headers["content-encoding"] == "gzip"
    assert "content-encoding" not in plain.headers
    assert packed.json == plain.json
    assert len(packed.body) < 1000 < len(plain.body)


async def test_snapshots_in_every_order_are_not_all_kept(
    wire: Wire, hub: RunningHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(HttpApi, "_REMEMBERED_BYTES", 12_000)
    await wire.create_key("text", "string")
    await set_and_reach(wire, hub, "x" * 5000, "text")
    for order in permutations(["payments", "search", "global"]):
        asked = "".join(f"&namespace={name}" for name in order)
        held = (await hub.get(f"/v1/snapshot?env=staging{asked}")).json["namespaces"]
        assert list(held) == list(order)
    kept = hub.hub._door._admission._http._encoded.values()
    assert (len(kept), sum(one.size for one in kept) <= 12_000) == (2, True)


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/v1/snapshot", 400, "bad_request"),
        ("/v1/snapshot?env=staging", 400, "bad_request"),
        ("/v1/snapshot?namespace=payments", 400, "bad_request"),
        ("/v1/snapshot?env=staging&env=production&namespace=payments", 400, "bad_request"),
        ("/v1/snapshot?env=staging&namespace=", 400, "bad_request"),
        ("/v1/snapshot?env=staging&namespace=pay%20ments", 400, "bad_request"),
        ("/v1/snapshot?env=staging&namespace=" + "n" * 101, 400, "bad_request"),
        ("/v1/snapshot?env=staging" + "&namespace=n" * 101, 400, "bad_request"),
        ("/v1/snapshot?env=staging" + "&namespace=n" * 200, 400, "bad_request"),
        ("/v1/snapshot?env=nowhere&namespace=payments", 404, "not_found"),
        (f"/v1/snapshot?env={quote('ü')}&namespace=payments", 404, "not_found"),
        ("/v1/snapshots", 404, "not_found"),
        ("/", 404, "not_found"),
    ],
)
async def test_a_bad_request_is_told_what_is_wrong(shared_hub: RunningHub, path: str, status: int, code: str) -> None:
    reply = await shared_hub.get(path)
    assert (reply.status, reply.json["error"]["code"]) == (status, code)
    assert reply.headers["content-type"] == "application/json"
    assert len(reply.json["error"]["message"]) > 10


@pytest.mark.parametrize("method", ["POST", "PUT", "DELETE", "HEAD"])
async def test_only_get_is_answered(shared_hub: RunningHub, method: str) -> None:
    reply = await http(shared_hub.address, "/healthz", method=method)
    assert reply.status == 405


async def test_paths_that_are_not_open_to_all_need_a_token(shared_hub: RunningHub) -> None:
    for path in (PAYMENTS, "/v1/ws", "/anything"):
        reply = await http(shared_hub.address, path)
        assert (reply.status, reply.json["error"]["code"]) == (401, "unauthorised")
        assert reply.headers["www-authenticate"] == "Bearer"


async def test_the_websocket_path_without_an_upgrade_is_refused_and_harms_nobody(hub: RunningHub) -> None:
    assert (await hub.get("/v1/ws")).status == 426
    assert (await hub.get("/readyz")).status == 200


async def test_a_full_hub_sends_further_connections_elsewhere(hubs: Hubs) -> None:
    small = await hubs.start(max_connections=1)
    async with small.connect() as wire:
        await wire.ask("whoami")
        reply = await small.get("/v1/ws")
        assert (reply.status, reply.json["error"]["code"]) == (503, "unavailable")
        assert (await small.get(PAYMENTS)).status == 200
