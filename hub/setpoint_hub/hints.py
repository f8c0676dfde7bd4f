"""Hints between hubs over Redis: who wrote says so, who hears it reads the log. Losing one costs a poll, no more."""

import asyncio
import json
import logging
import random
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final, cast

from redis.asyncio import Redis
from redis.asyncio.client import PubSub
from redis.asyncio.retry import Retry
from redis.backoff import NoBackoff
from redis.exceptions import RedisError

from setpoint.protocol.names import Epoch, Revision
from setpoint_hub.errors import StartRefused
from setpoint_hub.metrics import HINTS, REDIS_CONNECTED
from setpoint_hub.replica import ChangeSet

__all__ = ["Hint", "Listener", "Publisher", "hints_of"]

log = logging.getLogger(__name__)

PATTERN: Final = "config:changes:*"
PROBE_SECONDS: Final = 5.0
ANSWER_SECONDS: Final = 3.0
MOST_WAITING: Final = 1000

Hint = tuple[str, str]
"""A channel and its message."""

_LOST: Final = (RedisError, OSError, TimeoutError)


def hints_of(change_set: ChangeSet, epoch: Epoch) -> list[Hint]:
    """Return one hint per namespace that the change set touched; its key only when it touched a single one. Pure."""
    keys: dict[str, list[str]] = {}
    for change in change_set.changes:
        keys.setdefault(change.namespace, []).append(change.key)
    return [
        (
            f"config:changes:{namespace}:{change_set.env}",
            json.dumps(
                {
                    "namespace": namespace,
                    "key": touched[0] if len(touched) == 1 else None,
                    "env": change_set.env,
                    "revision": change_set.revision,
                    "epoch": epoch,
                },
                separators=(",", ":"),
            ),
        )
        for namespace, touched in keys.items()
    ]


def connect(url: str) -> Redis:
    """Return a client that gives up fast. Raises StartRefused for a URL that cannot be one."""
    try:
        # The defaults try ten times over a minute, and may publish twice.
        return Redis.from_url(
            url,
            socket_timeout=1,
            socket_connect_timeout=1,
            retry=Retry(NoBackoff(), 0),
        )
    except ValueError as error:
        raise StartRefused(f"SETPOINT_REDIS_URL is not usable: {error}") from error


def obey_cancellation() -> None:
    """Raise CancelledError when this task was cancelled: redis-py finishes, or fails, a command that is cancelled."""
    task = asyncio.current_task()
    if task is not None and task.cancelling():
        raise asyncio.CancelledError


class Publisher:
    """Publishes hints behind the writers' backs: a write never waits for Redis, and never fails with it."""

    def __init__(self, url: str) -> None:
        self._redis = connect(url)
        self._waiting: asyncio.Queue[Hint] = asyncio.Queue(MOST_WAITING)

    def publish(self, hints: Iterable[Hint]) -> None:
        """Queue hints. When Redis is away for long the queue is full, and new ones are dropped: hubs poll."""
        for hint in hints:
            with suppress(asyncio.QueueFull):
                self._waiting.put_nowait(hint)

    async def run(self) -> None:
        """Publish what is queued, for ever."""
        try:
            while True:
                channel, message = await self._waiting.get()
                try:
                    await self._redis.publish(channel, message)
                    HINTS.labels("sent").inc()
                except _LOST as error:
                    HINTS.labels("failed").inc()
                    log.debug("a hint was not published: %s", error)
                obey_cancellation()
        finally:
            await self._redis.aclose()


class Listener:
    """Hears hints. Each subscription, the first and those after a loss, counts as a hint for everything."""

    def __init__(
        self,
        url: str,
        *,
        on_hint: Callable[[str, Revision, str], None],
        on_subscribed: Callable[[], None],
    ) -> None:
        self._url = url
        self._on_hint = on_hint
        self._on_subscribed = on_subscribed
        self.connected = False
        self.last_error = ""
        connect(url)

    async def run(self) -> None:
        """Listen for ever, over any number of losses."""
        failures = 0
        while True:
            began = asyncio.get_running_loop().time()
            try:
                await self._listen()
            except _LOST as error:
                self._lost(error)
            obey_cancellation()
            failures = 0 if asyncio.get_running_loop().time() - began > 30 else failures + 1
            await asyncio.sleep(random.uniform(0.1, min(5.0, 0.5 * 2**failures)))  # noqa: S311  # jitter

    def _lost(self, error: Exception) -> None:
        self.last_error = str(error) or type(error).__name__
        if self.connected:
            log.warning("Redis is lost (%s): changes of other hubs are found by polling", self.last_error)
        self.connected = False
        REDIS_CONNECTED.set(0)

    async def _listen(self) -> None:
        # A new client each time: the library resubscribes in silence, but not from every kind of loss.
        async with connect(self._url) as redis, redis.pubsub() as pubsub:
            await pubsub.psubscribe(PATTERN)
            await self._hear(pubsub)

    async def _hear(self, pubsub: PubSub) -> None:
        # A frozen server closes nothing and answers nothing: only an unanswered ping tells.
        clock = asyncio.get_running_loop().time
        heard, asked = clock(), False
        while True:
            message = cast("dict[str, Any] | None", await pubsub.get_message(timeout=1.0))
            obey_cancellation()
            if message is not None:
                heard, asked = clock(), False
                self._take(message)
            elif asked and clock() - heard > PROBE_SECONDS + ANSWER_SECONDS:
                raise TimeoutError(f"Redis has not answered for {clock() - heard:.0f} s")
            elif not asked and clock() - heard > PROBE_SECONDS:
                await pubsub.ping()
                asked = True

    def _take(self, message: dict[str, Any]) -> None:
        match message["type"]:
            case "psubscribe":
                # Also after a reconnect inside the library: what was published meanwhile is gone.
                if not self.connected:
                    log.info("listening to Redis for hints")
                self.connected = True
                REDIS_CONNECTED.set(1)
                self._on_subscribed()
            case "pmessage":
                self._read(message["data"])
            case _:
                pass

    def _read(self, data: object) -> None:
        try:
            hint = json.loads(data if isinstance(data, bytes) else b"")
            env, revision, epoch = hint["env"], hint["revision"], hint.get("epoch", "")
        except (ValueError, KeyError, TypeError, AttributeError, RecursionError):
            log.warning("a message on %s is no hint: ignored", PATTERN)
            return
        if isinstance(env, str) and isinstance(revision, int):
            HINTS.labels("received").inc()
            self._on_hint(env, Revision(revision), str(epoch))
