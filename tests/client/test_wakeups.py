"""Waiting for a condition from threads and from loops."""

import asyncio
import threading

from setpoint.wakeups import Signal


def test_a_thread_that_waits_is_woken() -> None:
    signal, flags = Signal(), list[bool]()
    results = list[bool]()
    waiter = threading.Thread(target=lambda: results.append(signal.wait(lambda: bool(flags), 10)))
    waiter.start()
    flags.append(True)
    signal.notify()
    waiter.join()
    assert results == [True]


def test_a_wait_ends_at_its_timeout() -> None:
    assert Signal().wait(lambda: False, 0.01) is False


async def test_a_task_that_waits_is_woken_by_another_thread() -> None:
    signal, flags = Signal(), list[bool]()
    waiting = asyncio.create_task(signal.wait_async(lambda: bool(flags), 10))
    await asyncio.sleep(0)

    def set_it() -> None:
        flags.append(True)
        signal.notify()

    threading.Thread(target=set_it).start()
    assert await waiting is True


async def test_a_tasks_wait_ends_at_its_timeout_and_leaves_nothing_behind() -> None:
    signal = Signal()
    assert await signal.wait_async(lambda: False, 0.01) is False
    assert not signal._wakers
