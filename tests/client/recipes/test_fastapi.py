"""FastAPI, with the client's life in the application's lifespan."""

from pathlib import Path

from client.recipes.servers import every_worker_gives, serving
from client.scripted_hub import ScriptedHub
from support.waiting import eventually_blocking

SERVICE = """
from contextlib import asynccontextmanager
from fastapi import FastAPI
from fastapi.responses import PlainTextResponse

@asynccontextmanager
async def lifespan(_):
    async with config:
        yield

application = FastAPI(lifespan=lifespan)

@application.get("/", response_class=PlainTextResponse)
async def answer() -> str:
    return f"{os.getpid()} {config.get_int('payments', 'max_retries')} {config.status().state}"
"""


def test_the_application_follows_from_its_start_to_its_end(hub: ScriptedHub, tmp_path: Path) -> None:
    with serving(tmp_path, SERVICE, ["uvicorn", "--uds=s", "service:application"], hub) as server:
        every_worker_gives(server, 3, workers=1)
        hub.publish(max_retries=7)
        every_worker_gives(server, 7, workers=1)
    eventually_blocking(lambda: hub.watching == 0)
    assert len(hub.watches) == 1
