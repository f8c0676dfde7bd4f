"""gunicorn, with the application loaded before and after the workers are forked."""

from pathlib import Path

import pytest

from client.recipes.servers import every_worker_gives, serving
from client.scripted_hub import ScriptedHub

SERVICE = """
config.start()

def application(environ, start_response):
    answer = f"{os.getpid()} {config.get_int('payments', 'max_retries')} {config.status().state}".encode()
    start_response("200 OK", [("Content-Length", str(len(answer)))])
    return [answer]
"""


@pytest.mark.parametrize("preload", [True, False])
def test_each_worker_follows_the_hub(hub: ScriptedHub, tmp_path: Path, preload: bool) -> None:
    command = ["gunicorn", "--workers=2", "--bind=unix:s", "--no-control-socket", "service:application"]
    command += ["--preload"] if preload else []
    with serving(tmp_path, SERVICE, command, hub) as server:
        workers = every_worker_gives(server, 3, workers=2)
        hub.publish(max_retries=7)
        assert every_worker_gives(server, 7, workers=2) == workers
    followers = {watch["client_id"] for watch in hub.watches}
    assert len(followers) == (3 if preload else 2)
