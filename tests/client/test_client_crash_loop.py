"""A revision that services die of is not started on for ever."""

from pathlib import Path

import pytest

from client.conftest import MakeClient
from client.processes import run
from client.scripted_hub import ScriptedHub
from client.wire import EPOCH, entry
from setpoint.disk import Disk, Loaded
from setpoint.protocol.names import Revision
from setpoint.replica import Held
from setpoint.snapshot_file import SnapshotFile
from support.waiting import eventually_blocking

SERVICE = """
import os, sys, time
from setpoint import ConfigClient
config = ConfigClient("checkout-api", "production", ["payments", "global"],
    url=os.environ["HUB"], token="secret-token", snapshot_dir=os.environ["FOLDER"], start_timeout=10)
config.start()
value = config.get_int("payments", "max_retries")
print(value, flush=True)
if value == 13:
    %s
"""
# Written by then: a service that dies faster than the disk turns dies of the same at its next start.
KEPT = """
    from pathlib import Path
    deadline = time.monotonic() + 10
    while time.monotonic() < deadline:
        if any('"value":13' in file.read_text().splitlines()[2] for file in Path(os.environ["FOLDER"]).glob("c*.json")):
            break
        time.sleep(0.01)
"""


@pytest.fixture
def folder(hub: ScriptedHub, make_client: MakeClient, tmp_path: Path) -> Path:
    """Where a service that ran well on the first revision kept it; the hub has a bad one since."""
    with make_client(snapshot_dir=tmp_path):
        pass
    hub.put(max_retries=13)
    return tmp_path


@pytest.mark.parametrize(
    "death", ["os._exit(1)", "os.kill(os.getpid(), 9)", "raise LookupError", "with config: sys.exit(1)"]
)
def test_after_three_starts_that_died_the_next_runs_on_the_revision_before_and_says_so(
    hub: ScriptedHub, make_client: MakeClient, folder: Path, death: str
) -> None:
    script = SERVICE % "pass" + KEPT + f"    sys.excepthook = lambda *_: None\n    {death}\n"
    code = {"os._exit(1)": 1, "raise LookupError": 1}.get(death, 1 if "exit" in death else -9)
    for _ in range(3):
        assert run(script, code=code, HUB=hub.url, FOLDER=folder) == "13"
    config = make_client(snapshot_dir=folder)
    assert config.start() == "live"
    status = config.status()
    assert (config.get_int("payments", "max_retries"), status.revision, status.source) == (3, 1, "disk")
    assert "revision 2 is not taken" in (status.last_error or "")
    eventually_blocking(lambda: hub.heartbeats[-1]["status"] == "refused")
    assert hub.heartbeats[-1]["revision"] == 1
    assert "revision 2 is not taken" in hub.heartbeats[-1]["error"]
    config.close()
    # Nor does the start after that one take it.
    assert run(script, logs="revision 2 is not taken", HUB=hub.url, FOLDER=folder) == "3"
    # A change elsewhere gives the same values another number; they are no better for it.
    hub.revision += 1
    assert run(script, logs="revision 2 is not taken", HUB=hub.url, FOLDER=folder) == "3"
    hub.put(max_retries=5)
    assert run(script, logs="revision 2 is not taken", HUB=hub.url, FOLDER=folder) == "5"
    assert run(script, HUB=hub.url, FOLDER=folder) == "5"


@pytest.mark.parametrize("end", ["pass", "config.close()", "sys.exit(0)"])
def test_programs_that_are_soon_done_are_no_crash_loop(hub: ScriptedHub, folder: Path, end: str) -> None:
    for _ in range(5):
        assert run(SERVICE % end, HUB=hub.url, FOLDER=folder) == "13"


def test_workers_that_are_forked_are_not_counted(hub: ScriptedHub, folder: Path) -> None:
    fork = """
    for _ in range(5):
        if os.fork() == 0:
            config.get_int("payments", "max_retries")
            os._exit(1)
        os.wait()
"""
    for _ in range(2):
        assert run(SERVICE % "pass" + fork, HUB=hub.url, FOLDER=folder) == "13"


class Clock:
    """A clock that is moved by hand."""

    def __init__(self) -> None:
        self.now = 100.0

    def __call__(self) -> float:
        return self.now


WHOSE = ("checkout-api", "production")


def content(revision: int) -> Held:
    return Held("production", EPOCH, Revision(revision), {"payments": {"k": entry(revision)}})


def boots_of(folder: Path) -> tuple[bool, int, int]:
    record = SnapshotFile(folder, WHOSE).read()
    assert record is not None
    return record.boots.healthy, record.boots.failures, len(record.boots.running)


def open_disk(folder: Path, clock: Clock) -> tuple[Disk, Loaded | None]:
    disk = Disk(SnapshotFile(folder, WHOSE), WHOSE, healthy_after=60, spacing=0, quiet=False, clock=clock)
    return disk, disk.load(10)


def keep_and_settle(disk: Disk, held: Held) -> None:
    """Have a first content written, and wait until its minute counts: the file is there a moment before."""
    disk.keep(held)
    eventually_blocking(lambda: disk._healthy_at is not None)


def test_a_minute_on_a_revision_makes_it_a_good_one(tmp_path: Path) -> None:
    clock = Clock()
    disk, _ = open_disk(tmp_path, clock)
    keep_and_settle(disk, content(1))
    assert boots_of(tmp_path) == (False, 0, 1)
    clock.now += 59
    disk.look_again()
    disk.keep(content(1))
    assert boots_of(tmp_path) == (False, 0, 1)
    clock.now += 1
    disk.look_again()
    eventually_blocking(lambda: boots_of(tmp_path) == (True, 0, 0))
    disk.keep(content(2))
    disk.stop(10, in_order=False)
    # Not a start on it: the process had lasted.
    assert boots_of(tmp_path) == (False, 0, 0)


def test_the_way_back_leads_past_what_did_not_last(tmp_path: Path) -> None:
    clock = Clock()
    disk, _ = open_disk(tmp_path, clock)
    keep_and_settle(disk, content(1))
    clock.now += 60
    disk.look_again()
    eventually_blocking(lambda: boots_of(tmp_path)[0])
    disk.keep(content(2))
    eventually_blocking(lambda: revision_of(tmp_path) == 2)
    disk.keep(content(3))
    disk.stop(10)
    record = SnapshotFile(tmp_path, WHOSE).read()
    assert record is not None
    assert record.previous_healthy
    assert '"revision":1' in (record.previous or "")


def revision_of(folder: Path) -> int:
    record = SnapshotFile(folder, WHOSE).read()
    return 0 if record is None else record.revision
