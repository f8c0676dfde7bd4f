"""A FastAPI service whose rate limit follows a setting while it runs.

Run it with `uvicorn --factory examples.rate_limit:make_app`, then
`setpoint create shop requests_per_second --type int` and
`setpoint set shop requests_per_second 2 --env staging --note "slow down"`.
"""

import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from fastapi import FastAPI, HTTPException

from setpoint import ConfigClient


def make_app(config: ConfigClient | None = None) -> FastAPI:
    """Return the service. Its tests pass a client of their own."""
    config = config or ConfigClient("shop", "staging", ["shop"])
    limit = config.setting("shop", "requests_per_second", default=100, ge=1)
    served: deque[float] = deque()

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncGenerator[None]:
        async with config:
            yield

    app = FastAPI(lifespan=lifespan)

    @app.get("/")
    async def index() -> dict[str, int]:
        now = time.monotonic()
        while served and served[0] < now - 1:
            served.popleft()
        if len(served) >= limit.value:
            raise HTTPException(429, "too many requests")
        served.append(now)
        return {"limit": limit.value}

    return app
