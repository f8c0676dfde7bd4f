"""multiprocessing, by fork and by spawn."""

import subprocess
import sys
from pathlib import Path

import pytest

from client.recipes.servers import CONFIG
from client.scripted_hub import ScriptedHub
from support.waiting import eventually_blocking

PROGRAM = """
import multiprocessing, sys

def work(results, go_on):
    config.start()
    results.put(config.get_int("payments", "max_retries"))
    go_on.wait(30)
    config.wait_revision(2, 10)
    results.put(config.get_int("payments", "max_retries"))

def main():
    config.start()
    context = multiprocessing.get_context(sys.argv[1])
    results, go_on = context.Queue(), context.Event()
    workers = [context.Process(target=work, args=(results, go_on)) for _ in range(2)]
    for worker in workers:
        worker.start()
    print([results.get() for _ in workers], flush=True)
    go_on.set()
    print([results.get() for _ in workers], flush=True)
    for worker in workers:
        worker.join()
    config.wait_revision(2, 10)
    print([worker.exitcode for worker in workers], config.status().state, config.get_int("payments", "max_retries"))

if __name__ == "__main__":
    main()
"""


@pytest.mark.parametrize("method", ["fork", "spawn", "forkserver"])
def test_each_process_follows_the_hub(
    hub: ScriptedHub, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    monkeypatch.setenv("HUB", hub.url)
    program = tmp_path / "program.py"
    program.write_text(CONFIG + PROGRAM)
    command = [sys.executable, str(program), method]
    with subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True) as process:
        eventually_blocking(lambda: hub.watching == 3, within=30)
        hub.publish(max_retries=7)
        output, errors = process.communicate(timeout=30)
    assert errors == ""
    assert output.splitlines()[1:] == ["[7, 7]", "[0, 0] live 7"]
    assert len({watch["client_id"] for watch in hub.watches}) == 3
