"""Blocking work beside a loop."""

import asyncio
import threading

import pytest

from setpoint.daemon_threads import DaemonLoop, in_daemon_thread


async def test_the_works_result_and_error_come_back() -> None:
    assert await in_daemon_thread(lambda: 5, name="x") == 5
    with pytest.raises(ZeroDivisionError):
        await in_daemon_thread(lambda: 1 // 0, name="x")


async def test_work_that_hangs_can_be_left_alone() -> None:
    go_on = threading.Event()
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await in_daemon_thread(lambda: go_on.wait(30), name="hangs")
    assert all(thread.daemon for thread in threading.enumerate() if thread.name == "hangs")
    go_on.set()


def test_the_loop_looks_names_up_without_an_executor() -> None:
    async def look_up() -> list[object]:
        return list(await asyncio.get_running_loop().getaddrinfo("localhost", 80))

    with asyncio.Runner(loop_factory=DaemonLoop) as runner:
        assert runner.run(look_up())
        assert getattr(runner.get_loop(), "_default_executor", None) is None
