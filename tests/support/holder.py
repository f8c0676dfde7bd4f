"""Holds embedded servers until it is killed: `python holder.py DATA_FOLDER`, for tests that kill it."""

import asyncio
import json
import os
import sys
from pathlib import Path

from setpoint_hub.embedded import DataFolder, EmbeddedError, embedded_servers


async def hold(path: Path) -> None:
    """Print a line of JSON once both servers answer, or once they were refused."""
    try:
        with DataFolder(path) as folder:
            async with embedded_servers(folder, report=_silent, durable=False) as servers:
                _say(uid=os.geteuid(), database_url=servers.database_url, redis_url=servers.redis_url)
                await asyncio.Event().wait()
    except EmbeddedError as refused:
        _say(refused=type(refused).__name__, text=str(refused))


def _say(**facts: object) -> None:
    print(json.dumps(facts), flush=True)


def _silent(_: str) -> None:
    """Only the outcome matters."""


if __name__ == "__main__":
    asyncio.run(hold(Path(sys.argv[1])))
