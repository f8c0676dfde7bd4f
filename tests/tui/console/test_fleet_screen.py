"""The fleet's screen: over a real hub with real watchers, and with every state over a scripted one."""

from pathlib import Path
from typing import Any

import pytest

from setpoint.errors import RequestFailed
from setpoint_tui.console.screens.fleet import FleetScreen
from setpoint_tui.intents import Done
from setpoint_tui.model.fleet_view import ServiceHeader
from setpoint_tui.model.intent import Intent
from support.hubs import RunningHub
from support.waiting import eventually
from support.wire import Wire
from tui.console.running import Running, connection_to, running_console
from tui.small_hub import SmallHub, small_hub


def fleet(console: Running) -> FleetScreen:
    screen = console.app.front
    assert isinstance(screen, FleetScreen)
    return screen


def instance(client_id: str, state: str = "current", **others: Any) -> dict[str, Any]:
    return {
        "client_id": client_id, "service": "checkout", "env": "development", "namespaces": ["payments"],
        "revision": 5, "target": 5, "state": state, "source": "push", "connected": True, "last_seen_seconds": 1.0,
        "applied_ms": 12.0, "error": None, "sdk": "setpoint-python/0.1.0", "labels": {"zone": "a"}, "hub": "h1",
        **others,
    }  # fmt: skip


def runs(hub: SmallHub, *instances: dict[str, Any]) -> None:
    hub.hub.answers["fleet.list"] = lambda _: {"instances": list(instances)}


async def watch(wire: Wire, client_id: str, **others: Any) -> int:
    found = await wire.watch(client_id, env="development", **others)
    await wire.heartbeat(found["revision"])
    return int(found["revision"])


async def test_instances_of_the_selected_environment_and_what_they_run(hub: RunningHub, tmp_path: Path) -> None:
    async with hub.connect() as one, hub.connect() as two, running_console(connection_to(hub), tmp_path) as console:
        await one.create_key()
        await one.set(1, env="development")
        await watch(one, "checkout-1", labels={"zone": "a"})
        await watch(two, "billing-7", service="billing")
        await console.press("2")
        await console.shows("2 of 2 run what they should")
        text = await console.shows("billing 1/1")
        assert "checkout-1" in text
        assert "r1 " in text
        assert "push" in text


async def test_a_write_of_ours_is_seen_to_reach_the_instances_and_names_the_one_behind(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as one, hub.connect() as two, running_console(connection_to(hub), tmp_path) as console:
        await one.create_key()
        await one.set(1, env="development")
        await watch(one, "checkout-1")
        await watch(two, "checkout-2")
        await console.press("2")
        await console.shows("2 of 2 run what they should")
        changes = [{"namespace": "payments", "key": "max_retries", "value": 2}]
        params = {"env": "development", "changes": changes, "note": ""}
        outcome = await console.app.bridge.intents.perform(Intent("set", params, "development", "raise it"))
        assert isinstance(outcome, Done)
        await one.heartbeat(outcome.change_set.revision)
        text = await console.shows("checkout-2 (checkout) is still at r1")
        assert "1/2" in text
        assert "raise it" in text
        await two.heartbeat(outcome.change_set.revision)
        await console.shows("2 of 2 run what they should")
        await console.shows("2/2")


async def test_a_refusal_comes_first_with_its_reason_and_enter_shows_everything(
    hub: RunningHub, tmp_path: Path
) -> None:
    async with hub.connect() as one, hub.connect() as two, running_console(connection_to(hub), tmp_path) as console:
        await one.create_key()
        await one.set(1, env="development")
        await watch(one, "a-fine-one", labels={"zone": "b"})
        revision = await watch(two, "z-refuses", labels={"zone": "a", "version": "2.1"})
        await one.set(99, env="development")
        await one.heartbeat(revision + 1)
        await two.heartbeat(revision, status="refused", error="max_retries must be below 10\nsecond line")
        await console.press("2")
        await console.shows("✗ refused: max")
        assert fleet(console).table.order == ["z-refuses", "a-fine-one"]
        await console.press("g", "enter")
        text = await console.shows("why it refused")
        assert "second line" in text
        assert "version=2.1" in text
        assert "should run  r2, 1 revision on" in text
        await console.shows("admin: payments/max_retries 1 → 99")
        await two.heartbeat(revision + 1)
        await console.shows("● current")
        await console.press("escape")
        await console.shows("2 of 2 run what they should")


async def test_nobody_connected_says_what_to_do(hub: RunningHub, tmp_path: Path) -> None:
    async with running_console(connection_to(hub), tmp_path) as console:
        await console.press("2")
        await console.shows("no instance follows development yet: start a service with SETPOINT_ENV=development")
        await console.press("right_square_bracket")
        await console.shows("no instance follows staging yet")


async def test_what_the_hub_forbids_is_said_with_its_reason(tmp_path: Path) -> None:
    def refuse(_: dict[str, Any]) -> Any:
        raise RequestFailed("seeing the fleet takes the role reader in development", kind="forbidden")

    async with small_hub() as hub:
        hub.hub.answers["fleet.list"] = refuse
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.press("2")
            await console.shows("takes the role reader")
            runs(hub, instance("checkout-1"))
            await console.shows("1 of 1 run what they should")
            assert "takes the role" not in console.text


async def test_without_a_connection_the_fleet_stays_and_says_of_when_it_is(tmp_path: Path) -> None:
    async with small_hub() as hub:
        runs(hub, instance("checkout-1"))
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.press("2")
            await console.shows("checkout-1")

            def hang(_: dict[str, Any]) -> Any:
                raise RequestFailed("later", kind="unavailable")

            hub.hub.answers["activity.watch"] = hang
            await hub.hub.hang_up()
            await console.shows("offline")
            text = await console.shows("checkout-1")
            assert "as of" in text
            assert not console.app.bridge.model.is_live


async def test_the_cursor_stays_on_its_instance_whatever_the_order_does(tmp_path: Path) -> None:
    async with small_hub() as hub:
        names = [f"checkout-{number}" for number in range(6)]
        runs(hub, *(instance(name) for name in names))
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.press("2")
            await console.shows("6 of 6")
            await console.press("j", "j", "j")
            assert fleet(console).table.cursor == "checkout-3"
            runs(
                hub,
                *(
                    instance(name, "behind" if name > "checkout-3" else "current", revision=4)
                    for name in reversed(names)
                ),
            )
            await console.shows("4 of 6")
            assert fleet(console).table.order[0] == "checkout-4"
            assert fleet(console).table.cursor == "checkout-3"
            runs(hub, *(instance(name) for name in names if name != "checkout-3"))
            await console.shows("5 of 5")
            assert fleet(console).table.cursor in names


async def test_filter_sort_and_group(tmp_path: Path) -> None:
    async with small_hub() as hub:
        runs(
            hub,
            instance("b-1", service="billing", state="behind", revision=2),
            instance("c-1", last_seen_seconds=40.0),
            instance("c-2", state="strange"),
        )
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.press("2")
            await console.shows("1 of 3 run")
            await console.press("t")
            assert fleet(console).table.order == [
                ServiceHeader("billing"),
                "b-1",
                ServiceHeader("checkout"),
                "c-2",
                "c-1",
            ]
            await console.press("g")
            assert fleet(console).why_off("open") == "no instance is under the cursor"
            await console.press("enter", "t", "s", "s", "s", "s")
            await console.shows("sort behind")
            assert fleet(console).table.order[0] == "b-1"
            await console.press("s")
            assert fleet(console).table.order[0] == "c-1"
            await console.press("slash")
            await console.type("service:billing")
            await console.press("enter")
            assert fleet(console).table.order == ["b-1"]
            await console.press("slash")
            await console.type(" nothing")
            await console.shows("nothing matches")
            await console.press("escape", "y")
            assert len(fleet(console).table.order) == 3
            await console.press("slash")
            await console.type("color:red")
            await console.shows("there is no filter color:")


@pytest.mark.parametrize("size", [(120, 36), (80, 24), (60, 16)])
async def test_every_size_shows_who_is_behind(tmp_path: Path, size: tuple[int, int]) -> None:
    async with small_hub() as hub:
        runs(hub, instance("checkout-1"), instance("checkout-2", "behind", revision=3))
        async with running_console(hub.hub.connection, tmp_path, size=size) as console:
            await console.press("2")
            text = await console.shows("1 of 2 run what they should")
            assert "◔ behind" in text
            assert "checkout-2" in text
            assert "r3" in text


async def test_hostile_texts_are_shown_and_not_acted_upon(tmp_path: Path) -> None:
    bad = "\x1b]52;c;AAAA\x07[/][@click=app.bell]x"
    async with small_hub() as hub:
        one = instance(f"id{bad}", "refused", service=bad, error=bad, labels={bad: bad}, sdk=bad, hub=bad, source=bad)
        runs(hub, one, instance("another", bad))
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.press("2")
            await console.shows("0 of 2 run")
            await console.press("g", "enter")
            text = await console.shows("why it refused")
            assert "\x1b]" not in text
            assert "[@click" in text


async def test_the_arrangement_is_kept_for_the_next_console(tmp_path: Path) -> None:
    async with small_hub() as hub:
        runs(hub, instance("checkout-1"))
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.press("2")
            await console.shows("1 of 1")
            await console.press("t", "s")
            console.app.bridge.keep()
        async with running_console(hub.hub.connection, tmp_path) as console:
            await console.shows("by service")
            assert fleet(console).listed.sort == "service"
            await eventually(lambda: fleet(console).table.order)
