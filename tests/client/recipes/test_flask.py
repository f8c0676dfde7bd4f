"""Flask, with the client beside the application."""

from pathlib import Path

from client.recipes.servers import every_worker_gives, serving
from client.scripted_hub import ScriptedHub

SERVICE = """
from flask import Flask

config.start()
app = Flask(__name__)

@app.get("/")
def answer():
    return f"{os.getpid()} {config.get_int('payments', 'max_retries')} {config.status().state}"
"""


def test_the_application_follows_the_hub(hub: ScriptedHub, tmp_path: Path) -> None:
    command = ["flask", "--app=service", "run", f"--host=unix://{tmp_path / 's'}"]
    with serving(tmp_path, SERVICE, command, hub) as server:
        every_worker_gives(server, 3, workers=1)
        hub.publish(max_retries=7)
        every_worker_gives(server, 7, workers=1)
