"""Celery's prefork pool: the client is started where the tasks are defined, and read in the pool's processes."""

import contextlib
import itertools
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from client.recipes.servers import CONFIG
from client.scripted_hub import ScriptedHub
from support.waiting import eventually_blocking

TASKS = """
import sys
from pathlib import Path
from celery import Celery

if "worker" in sys.argv:
    config.start()
folder = Path(os.environ["FOLDER"])
app = Celery("tasks", broker="filesystem://", broker_transport_options={
    "data_folder_in": str(folder), "data_folder_out": str(folder), "control_folder": str(folder / "control"),
    "polling_interval": 0.02})

@app.task
def look(number):
    answer = f"{os.getpid()} {config.get_int('payments', 'max_retries')} {config.status().state}"
    (folder / f"answer-{number}").write_text(answer)
"""

SEND = """
import sys
from tasks import look
for number in sys.stdin:
    look.delay(number.strip())
"""


@contextlib.contextmanager
def worker(folder: Path, variables: dict[str, str]) -> Iterator[None]:
    options = ["--pool=prefork", "--concurrency=2", "--without-gossip", "--without-mingle", "--without-heartbeat"]
    command = [sys.executable, "-m", "celery", "-A", "tasks", "worker", *options]
    with (folder / "log").open("wb") as log:
        process = subprocess.Popen(command, cwd=folder, env=variables, stdout=log, stderr=log)
    try:
        yield
        process.send_signal(signal.SIGTERM)
        assert process.wait(30) == 0, (folder / "log").read_text()
        assert "Traceback" not in (folder / "log").read_text(), (folder / "log").read_text()
    finally:
        process.kill()
        process.wait(20)


def test_tasks_in_the_pools_processes_follow_the_hub(hub: ScriptedHub, tmp_path: Path) -> None:
    (tmp_path / "tasks.py").write_text(CONFIG + TASKS)
    (tmp_path / "control").mkdir()
    variables = {**os.environ, "HUB": hub.url, "FOLDER": str(tmp_path), "PYTHONPATH": str(tmp_path)}
    sending = [sys.executable, "-c", SEND]
    asked = itertools.count(1)

    def answer() -> tuple[str, str, str]:
        # The file system as a broker loses a message now and then: it may be read before it is written whole.
        for _ in range(3):
            with contextlib.suppress(AssertionError):
                return ask()
        return ask()

    def ask() -> tuple[str, str, str]:
        number = next(asked)
        assert sender.stdin is not None
        sender.stdin.write(f"{number}\n")
        sender.stdin.flush()
        path = tmp_path / f"answer-{number}"
        eventually_blocking(lambda: path.exists() and len(path.read_text().split()) == 3)
        pid, value, state = path.read_text().split()
        return pid, value, state

    with (
        worker(tmp_path, variables),
        subprocess.Popen(sending, cwd=tmp_path, env=variables, stdin=subprocess.PIPE, text=True) as sender,
    ):
        assert answer()[1] == "3"
        hub.publish(max_retries=7)
        live = eventually_blocking(lambda: [found for found in [answer()] if found[1:] == ("7", "live")], within=30)
        pid = live[0][0]
        assert any(f"-{pid}-" in watch["client_id"] for watch in hub.watches)
