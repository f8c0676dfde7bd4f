"""A whole stack in processes of its own, as `setpoint up` runs it (fsync on), and a connection of an operator to it."""

import asyncio
import json
import os
import re
import sys
import tempfile
import time
import urllib.request
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from websockets.asyncio.client import ClientConnection, connect
from websockets.typing import Subprotocol


@dataclass
class Stack:
    """A running stack."""

    url: str
    token: str
    ready_after: float

    def metric(self, name: str) -> float:
        """Return one metric's value, summed over its labels."""
        with urllib.request.urlopen(f"{self.url}/metrics", timeout=5) as answer:
            text = answer.read().decode()
        return sum(float(found) for found in re.findall(rf"^{name}(?:{{.*}})? (.*)$", text, re.MULTILINE))

    @asynccontextmanager
    async def operator(self) -> "AsyncGenerator[Operator]":
        """Open an operator's connection."""
        headers = {"Authorization": f"Bearer {self.token}"}
        url = self.url.replace("http", "ws", 1) + "/v1/ws"
        async with connect(
            url,
            additional_headers=headers,
            subprotocols=[Subprotocol("setpoint.v1")],
            compression=None,
            proxy=None,
            max_size=None,
        ) as connection:
            yield Operator(connection)


class Operator:
    """One request after the other."""

    def __init__(self, connection: ClientConnection) -> None:
        self._connection = connection
        self._id = 0

    async def call(self, method: str, **params: Any) -> Any:
        """Return a request's result."""
        self._id += 1
        await self._connection.send(json.dumps({"jsonrpc": "2.0", "id": self._id, "method": method, "params": params}))
        answer = json.loads(await self._connection.recv())
        if "error" in answer:
            raise RuntimeError(answer["error"]["message"])
        return answer["result"]


@asynccontextmanager
async def running_stack(data: Path | None = None) -> AsyncGenerator[Stack]:
    """Run a stack on a free port, in a folder of its own unless one is given."""
    with tempfile.TemporaryDirectory() as folder:
        place = data or Path(folder) / "data"
        began = time.monotonic()
        process = await asyncio.create_subprocess_exec(
            *(sys.executable, "-m", "setpoint_hub", "up", "--data", str(place), "--port", "0", "--until-stdin-closes"),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
            env={**os.environ, "XDG_STATE_HOME": folder},
        )
        try:
            yield Stack(await _address(process), (place / "admin.token").read_text().strip(), time.monotonic() - began)
        finally:
            process.terminate()
            await process.wait()


async def _address(process: asyncio.subprocess.Process) -> str:
    assert process.stdout is not None
    async for line in process.stdout:
        if line.startswith(b"listening on "):
            return line.decode().removeprefix("listening on ").strip()
    raise RuntimeError("the stack did not start")
