"""A process of many watching clients: real sockets and the client's own replica, one loop for all of them.

Reads `changes N` and `reconnect` from standard input, and answers each with one line of JSON.
"""

import asyncio
import json
import sys
import time
from contextlib import suppress
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from setpoint.protocol.jsonrpc import Call, Response, encode_call, read_frame
from setpoint.protocol.messages import Delta, decode_change, decode_watch_result
from setpoint.replica import Held, apply


class Member:
    """One client: watches, applies, acknowledges; remembers when it applied which revision."""

    def __init__(self, number: int, url: str, token: str, env: str) -> None:
        self._number = number
        self._url = url
        self._headers = {"Authorization": f"Bearer {token}"}
        self._held = Held(env)
        self.applied: dict[int, float] = {}
        self.modes: list[str] = []
        self._connection: ClientConnection | None = None

    async def connect(self) -> None:
        """Connect and watch, from what is held."""
        self._connection = await connect(
            self._url,
            additional_headers=self._headers,
            subprotocols=[Subprotocol("setpoint.v1")],
            compression=None,
            proxy=None,
            max_size=None,
            open_timeout=60,
            ping_interval=None,
        )
        params: dict[str, Any] = {
            "client_id": f"member-{self._number}",
            "service": f"service-{self._number % 10}",
            "env": self._held.env,
            "namespaces": ["bench", "global"],
        }
        if self._held.epoch is not None:
            params |= {"epoch": self._held.epoch, "revision": self._held.revision}
        await self._connection.send(encode_call("watch", params, 1))
        answer = read_frame(str(await self._connection.recv()))
        assert isinstance(answer, Response)
        self.modes.append(answer.result["mode"])
        self._held = apply(self._held, decode_watch_result(answer.result)[0])

    async def follow(self) -> None:
        """Apply and acknowledge until the connection ends."""
        assert self._connection is not None
        with suppress(ConnectionClosed):
            async for frame in self._connection:
                message = read_frame(str(frame))
                if isinstance(message, Call) and message.method == "change":
                    self._take(decode_change(message.params))

    def _take(self, update: Delta) -> None:
        self._held = apply(self._held, update)
        self.applied[self._held.revision] = time.monotonic()
        delay = update.ack_within_seconds * (self._number % 100) / 100
        asyncio.get_running_loop().call_later(delay, self._acknowledge, delay)

    def _acknowledge(self, delay: float) -> None:
        beat = {
            "revision": self._held.revision,
            "status": "applied",
            "source": "push",
            "error": None,
            "applied_ms_ago": delay * 1000,
        }
        assert self._connection is not None
        task = asyncio.ensure_future(self._connection.send(encode_call("heartbeat", beat)))
        task.add_done_callback(lambda done: done.cancelled() or done.exception())

    async def cut(self) -> None:
        """Lose the connection."""
        assert self._connection is not None
        self._connection.transport.abort()
        await self._connection.wait_closed()


async def main() -> None:
    """Serve the questions of the process that started us."""
    url, token, count, env = sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4]
    members = [Member(number, url, token, env) for number in range(count)]
    following = await gather(members)
    loop = asyncio.get_running_loop()
    while line := await loop.run_in_executor(None, sys.stdin.readline):
        match line.split():
            case ["changes", revision]:
                wanted = int(revision)
                # An event for each of a thousand members would cost what is measured.
                while any(wanted not in member.applied for member in members):  # noqa: ASYNC110
                    await asyncio.sleep(0.005)
                answer([member.applied for member in members])
            case ["reconnect"]:
                for member in members:
                    await member.cut()
                await asyncio.gather(*following)
                began = time.monotonic()
                following = await gather(members)
                answer({"seconds": time.monotonic() - began, "modes": [member.modes[-1] for member in members]})
            case _:
                break


async def gather(members: list[Member]) -> list["asyncio.Task[None]"]:
    """Connect everybody, some at a time, and follow."""
    width = asyncio.Semaphore(200)

    async def one(member: Member) -> None:
        async with width:
            await member.connect()

    await asyncio.gather(*map(one, members))
    tasks = [asyncio.create_task(member.follow()) for member in members]
    if len(members[0].modes) == 1:
        answer("connected")
    return tasks


def answer(content: object) -> None:
    """Answer with one line."""
    sys.stdout.write(json.dumps(content) + "\n")
    sys.stdout.flush()


if __name__ == "__main__":
    asyncio.run(main())
