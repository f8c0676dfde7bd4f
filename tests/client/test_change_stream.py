"""Changes as an asynchronous iterator."""

import asyncio
import gc
from collections.abc import AsyncIterator

import pytest

from setpoint import Change, ConfigClient
from setpoint.testing import LocalConfig


@pytest.fixture
def local() -> LocalConfig:
    return ConfigClient.for_testing({"payments": {"max_retries": 3, "rps": 50}})


async def following(stream: AsyncIterator[Change]) -> Change:
    async with asyncio.timeout(10):
        return await anext(stream)


async def test_it_gives_the_changes_that_match_from_then_on(local: LocalConfig) -> None:
    stream = local.changes("payments", "max_*")
    local.publish(payments={"rps": 51, "max_retries": 4})
    change = await following(stream)
    assert (change.key, change.old, change.new, change.revision) == ("max_retries", 3, 4, 3)


async def test_one_that_waits_is_woken_from_another_thread(local: LocalConfig) -> None:
    stream = local.changes("payments")
    waiting = asyncio.create_task(following(stream))
    await asyncio.to_thread(local.publish, {"payments": {"rps": 51}})
    assert (await waiting).new == 51


async def test_changes_of_a_key_are_merged_while_nobody_asks(local: LocalConfig) -> None:
    stream = local.changes("payments")
    for number in (51, 52, 53):
        local.publish(payments={"rps": number})
    local.publish(payments={"max_retries": 4})
    local.publish(payments={"max_retries": 3})
    change = await following(stream)
    assert (change.old, change.new) == (50, 53)
    local.publish(payments={"rps": 54})
    assert (await following(stream)).new == 54


async def test_it_ends_when_the_client_is_closed(local: LocalConfig) -> None:
    async def collect() -> list[Change]:
        return [change async for change in local.changes("payments")]

    collecting = asyncio.create_task(collect())
    await asyncio.sleep(0)
    local.publish(payments={"rps": 51})
    local.close()
    async with asyncio.timeout(10):
        assert [change.new for change in await collecting] == [51]


async def test_leaving_the_loop_leaves_nothing_behind(local: LocalConfig) -> None:
    for number in range(3):
        stream = local.changes("payments")
        local.publish(payments={"rps": 100 + number})
        async for _ in stream:
            break
    del stream
    gc.collect()
    local.publish(payments={"rps": 1})
    assert local._dispatcher._listeners == []
    assert len(local._signal._followers) == 1


def test_it_needs_a_running_loop(local: LocalConfig) -> None:
    with pytest.raises(RuntimeError, match="no running event loop"):
        local.changes("payments")
