"""A hub that answers from memory, as a program of its own: very many keys, and changes at a rate that a person names.

It speaks the wire as a console asks it, so that what is measured is the console. Started by `bench.console`.
"""

import asyncio
import json
import sys
import time
from collections.abc import Callable
from contextlib import suppress
from datetime import UTC, datetime
from typing import Any

from websockets.asyncio.server import ServerConnection, serve
from websockets.exceptions import ConnectionClosed
from websockets.typing import Subprotocol

from setpoint.protocol.close_codes import SUBPROTOCOL

ENV = "staging"
ENVIRONMENTS = ("development", ENV, "production")
TYPES = ("int", "string", "bool", "float", "json")


class CrowdedHub:
    """Its keys, its revision, and who follows it."""

    def __init__(self, count: int) -> None:
        numbers = range(count)
        self.names = sorted((f"team-{n % 40:02}", f"service-{n % 997:03}.setting.{n:06}") for n in numbers)
        self.places = {name: place for place, name in enumerate(self.names)}
        self.revision = 1
        self.values: dict[int, int] = {}
        self.followers: set[ServerConnection] = set()
        self.now = datetime.now(UTC).isoformat()

    async def serve(self, connection: ServerConnection) -> None:
        """Answer one console until it goes."""
        try:
            async for text in connection:
                call = json.loads(text)
                if call["method"] == "activity.watch":
                    self.followers.add(connection)
                if call["method"] == "bench.changes":
                    self.flood = asyncio.create_task(self.change(**call["params"]))
                result = self.answer(call["method"], call["params"])
                await connection.send(json.dumps({"jsonrpc": "2.0", "id": call["id"], "result": result}))
        except ConnectionClosed:
            pass
        finally:
            self.followers.discard(connection)

    def answer(self, method: str, params: dict[str, Any]) -> Any:
        """Return the result of a call."""
        me = {"user": {"id": 1, "name": "bench"}, "token": "t", "role": "admin", "hub": "h", "version": "0"}
        answers: dict[str, Callable[[], Any]] = {
            "whoami": lambda: me,
            "hub.status": self.status,
            "environment.list": lambda: {"environments": [self.environment(n, e) for n, e in enumerate(ENVIRONMENTS)]},
            "activity.watch": lambda: {"environments": dict.fromkeys(ENVIRONMENTS, self.revision)},
            "namespace.list": lambda: {"namespaces": []},
            "key.list": lambda: self.page(params),
            "key.get": lambda: {**self.key(self.places[params["namespace"], params["key"]]), "environments": {}},
            "history": lambda: {**params, "type": "int", "changes": [], "versions": [], "next": None},
            "fleet.list": lambda: {"instances": []},
        }
        return answers.get(method, dict)()

    def status(self) -> dict[str, Any]:
        """Return how the hub fares."""
        revisions = {env: self.revision if env == ENV else 1 for env in ENVIRONMENTS}
        environments = [{"env": env, "revision": at, "watchers": 0} for env, at in revisions.items()]
        numbers = {"connections": 1, "watchers": 0, "uptime_seconds": 1.0}
        names = {"hub": "h", "version": "0", "epoch": "e", "redis": "connected", "reason": None}
        return {**numbers, **names, "ready": True, "environments": environments}

    def environment(self, place: int, env: str) -> dict[str, Any]:
        """Return an environment."""
        rules = {"protected": False, "required_approvals": 0, "position": place}
        return {"env": env, "revision": self.revision, "keys": len(self.names), **rules}

    def page(self, params: dict[str, Any]) -> dict[str, Any]:
        """Return a page of keys with their values."""
        start = 0
        if "after" in params:
            start = self.places[params["after"][0], params["after"][1]] + 1
        stop = start + params["limit"]
        keys = [self.key(place) for place in range(start, min(stop, len(self.names)))]
        return {"keys": keys, "next": list(self.names[stop - 1]) if stop < len(self.names) else None}

    def key(self, place: int) -> dict[str, Any]:
        """Return one key; it is an int, so that any change fits it."""
        namespace, key = self.names[place]
        described = {"description": "what it is for", "owner": "team", "tags": [], "created_at": self.now}
        value = {"value": self.values.get(place, place), "version": f"v{place}", "revision": 1, "at": self.now}
        return {"key_id": str(place), "namespace": namespace, "key": key, "type": "int", **described, **value}

    async def change(self, per_second: int, seconds: float) -> None:
        """Change one key after another, evenly, and tell everyone."""
        began = time.monotonic()
        for number in range(int(per_second * seconds)):
            await asyncio.sleep(max(0.0, began + number / per_second - time.monotonic()))
            self.revision += 1
            place = number * 7919 % len(self.names)
            namespace, key = self.names[place]
            self.values[place] = number
            change = {"namespace": namespace, "key": key, "type": "int", "old": 0, "new": number}
            versions = {"version": f"n{number}", "previous_version": f"v{place}"}
            told = {
                "env": ENV, "epoch": "e", "revision": self.revision, "change_set": str(number), "how": "set",
                "note": "", "by": {"id": 2, "name": "robin"}, "at": datetime.now(UTC).isoformat(),
                "changes": [{**change, **versions}],
            }  # fmt: skip
            frame = json.dumps({"jsonrpc": "2.0", "method": "activity", "params": told})
            for follower in list(self.followers):
                with suppress(ConnectionClosed):
                    await follower.send(frame)


async def run(count: int) -> None:
    """Serve until the program that started it goes, and print the port."""
    hub = CrowdedHub(count)
    protocols = [Subprotocol(SUBPROTOCOL)]
    async with serve(hub.serve, "127.0.0.1", 0, subprotocols=protocols, compression=None, max_size=None) as server:
        print(next(iter(server.sockets)).getsockname()[1], flush=True)
        await asyncio.to_thread(sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(run(int(sys.argv[1])))
