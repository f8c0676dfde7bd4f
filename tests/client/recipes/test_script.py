"""A script that starts, reads, and never closes."""

import pytest

from client.processes import run
from client.recipes.servers import CONFIG
from client.scripted_hub import RawServer, ScriptedHub, never_answer

PROGRAM = """
config.start({wait})
print(config.get_int("payments", "max_retries", 9))
"""


def test_it_ends_by_itself_in_silence(hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HUB", hub.url)
    assert run(CONFIG + PROGRAM.format(wait=10)) == "3"


def test_it_ends_by_itself_though_the_hub_never_answers(monkeypatch: pytest.MonkeyPatch) -> None:
    with RawServer(never_answer) as server:
        monkeypatch.setenv("HUB", server.url)
        assert run(CONFIG + PROGRAM.format(wait=0.1)) == "9"


def test_it_may_be_forked_and_killed_and_the_parent_ends_in_silence(
    hub: ScriptedHub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HUB", hub.url)
    fork = "import signal\nchild = os.fork()\nif child == 0:\n    config.get('payments', 'k')\n    signal.pause()\n"
    assert run(CONFIG + PROGRAM.format(wait=10) + fork + "os.kill(child, 9)\nos.wait()\n") == "3"
