"""Waiting for a condition instead of sleeping for a time."""

import asyncio
import inspect
import time
from collections.abc import Awaitable, Callable
from typing import TypeVar, overload

T = TypeVar("T")

WITHIN = 10.0
"""Generous: it is only spent when a test fails, and machines that run tests are busy."""

_PAUSE = 0.01


@overload
async def eventually(condition: Callable[[], Awaitable[T]], *, within: float = WITHIN) -> T: ...


@overload
async def eventually(condition: Callable[[], T], *, within: float = WITHIN) -> T: ...


async def eventually(condition: Callable[[], T | Awaitable[T]], *, within: float = WITHIN) -> T:
    """Call `condition`, sync or async, until it gives something true; give that.

    An AssertionError counts as not yet. At the deadline the last one is raised again, or one that says what
    the condition gave last.
    """
    result: T | None = None
    failure: AssertionError | None = None
    try:
        async with asyncio.timeout(within) as deadline:
            while True:
                result, failure = await _attempt(condition)
                if failure is None and result:
                    return result
                await asyncio.sleep(_PAUSE)
    except TimeoutError:
        if not deadline.expired():
            raise
    raise failure or AssertionError(f"not within {within} s: {condition} gave {result!r}")


def eventually_blocking(condition: Callable[[], T], *, within: float = WITHIN) -> T:
    """Do what `eventually` does, for tests without a loop."""
    deadline = time.monotonic() + within
    while True:
        result: T | None = None
        failure: AssertionError | None = None
        try:
            result = condition()
        except AssertionError as not_yet:
            failure = not_yet
        if failure is None and result:
            return result
        if time.monotonic() >= deadline:
            raise failure or AssertionError(f"not within {within} s: {condition} gave {result!r}")
        time.sleep(_PAUSE)


async def _attempt(condition: Callable[[], T | Awaitable[T]]) -> tuple[T | None, AssertionError | None]:
    try:
        result = condition()
        if inspect.isawaitable(result):
            result = await result
    except AssertionError as not_yet:
        return None, not_yet
    return result, None
