"""A client that starts from what it kept on disk, or from what it brought along."""

import json
import os
import stat
from collections.abc import Callable
from pathlib import Path

import pytest

from client.conftest import MakeClient
from client.scripted_hub import ScriptedHub
from client.wire import EPOCH, OTHER_EPOCH, entry
from setpoint import ConfigClient, NotReady, Snapshot
from setpoint.disk import Disk
from setpoint.protocol.names import Epoch, Revision
from setpoint.replica import Held
from setpoint.snapshot_file import SnapshotFile
from support.waiting import eventually_blocking


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    return tmp_path / "deep" / "snapshots"


@pytest.fixture
def kept(make_client: MakeClient, folder: Path) -> Path:
    """The file of a client that ran on the hub's first revision."""
    with make_client(snapshot_dir=folder):
        pass
    (file,) = folder.iterdir()
    return file


def test_what_ran_is_on_disk_when_close_returns_and_stays(kept: Path) -> None:
    assert stat.S_IMODE(kept.stat().st_mode) == 0o600
    assert stat.S_IMODE(kept.parent.stat().st_mode) == 0o700
    assert "max_retries" in kept.read_text()


def test_a_start_with_the_hub_down_serves_what_was_kept(hub: ScriptedHub, make_client: MakeClient, kept: Path) -> None:
    hub.upgrade = hub.poll = 503
    config = make_client(snapshot_dir=kept.parent, required=True)
    assert config.start() == "stale"
    status = config.status()
    assert config.get_int("payments", "max_retries") == 3
    assert (status.source, status.epoch, status.revision) == ("disk", hub.epoch, 1)
    assert status.age_seconds is not None
    assert status.last_error is not None


def test_what_was_kept_is_served_while_the_start_still_waits(
    hub: ScriptedHub, make_client: MakeClient, kept: Path
) -> None:
    hub.upgrade = hub.poll = "hang"
    config = make_client(snapshot_dir=kept.parent)
    assert config.start(wait=0) == "starting"
    assert (config.get_int("payments", "max_retries"), config.status().source) == (3, "disk")


def test_a_hub_is_asked_for_what_follows_only_and_told_what_runs(
    hub: ScriptedHub, make_client: MakeClient, kept: Path
) -> None:
    config = make_client(snapshot_dir=kept.parent)
    assert config.start() == "live"
    assert (hub.watches[-1]["epoch"], hub.watches[-1]["revision"]) == (hub.epoch, 1)
    eventually_blocking(lambda: hub.heartbeats[-1]["source"] == "disk")
    assert config.status().source == "disk"
    hub.publish(max_retries=4)
    assert config.wait_revision(2, timeout=10)
    assert config.status().source == "push"


def test_another_history_replaces_what_was_kept(hub: ScriptedHub, make_client: MakeClient, kept: Path) -> None:
    hub.epoch, hub.revision = OTHER_EPOCH, 0
    hub.put(max_retries=8)
    with make_client(snapshot_dir=kept.parent) as config:
        eventually_blocking(lambda: config.get_int("payments", "max_retries") == 8)
    assert OTHER_EPOCH in kept.read_text()


@pytest.mark.parametrize(
    "harm",
    [
        lambda text: text[: len(text) // 2],
        lambda text: text.replace('"value":3', '"value":4'),
        lambda _: "",
        lambda _: "\n\n\n\n",
        lambda _: "[1]",
        lambda _: "\x00\xff" * 1000,
        lambda text: text.replace("setpoint-snapshot/1", "setpoint-snapshot/99"),
    ],
)
def test_a_damaged_file_is_ignored_with_a_warning_and_mended(
    hub: ScriptedHub, make_client: MakeClient, kept: Path, harm: Callable[[str], str], caplog: pytest.LogCaptureFixture
) -> None:
    kept.write_bytes(harm(kept.read_text()).encode("latin-1"))
    hub.upgrade = hub.poll = 503
    config = make_client(snapshot_dir=kept.parent)
    assert config.start(wait=0.2) == "starting"
    assert (config.get_int("payments", "max_retries", 9), config.status().source) == (9, "defaults")
    assert "is ignored" in caplog.text
    hub.upgrade = "accept"
    assert config.wait_ready(10)
    config.close()
    hub.upgrade = 503
    assert make_client(snapshot_dir=kept.parent).start() == "stale"


def test_a_link_or_a_folder_in_its_place_is_not_followed(
    hub: ScriptedHub, make_client: MakeClient, kept: Path, tmp_path: Path
) -> None:
    hub.upgrade = hub.poll = 503
    kept.rename(tmp_path / "elsewhere")
    kept.symlink_to(tmp_path / "elsewhere")
    assert make_client(snapshot_dir=kept.parent).start(wait=0.2) == "starting"
    kept.unlink()
    kept.mkdir()
    assert make_client(snapshot_dir=kept.parent).start(wait=0.2) == "starting"


def test_the_file_of_another_identity_is_not_taken(
    hub: ScriptedHub, make_client: MakeClient, kept: Path, caplog: pytest.LogCaptureFixture
) -> None:
    with ConfigClient("other", "production", ["payments"], url=hub.url, token=hub.token, snapshot_dir=kept.parent):
        pass
    (other,) = set(kept.parent.iterdir()) - {kept}
    other.replace(kept)
    hub.upgrade = hub.poll = 503
    assert make_client(snapshot_dir=kept.parent).start(wait=0.2) == "starting"
    assert "another service" in caplog.text


def test_services_environments_namespaces_and_hubs_have_files_of_their_own(kept: Path) -> None:
    def names(service: str, env: str, namespaces: list[str], url: str) -> None:
        config = ConfigClient(service, env, namespaces, url=url, token="t", snapshot_dir=kept.parent)
        config.start(wait=0)
        assert config.get_int("payments", "max_retries", 9) == 9
        config.close()

    names("checkout-api", "staging", ["payments", "global"], "http://127.0.0.1:9")
    names("checkout-api", "production", ["payments"], "http://127.0.0.1:9")
    names("../../etc/passwd", "production", ["payments"], "http://127.0.0.1:9")
    assert [file.name for file in kept.parent.iterdir()] == [kept.name]


def test_nothing_is_kept_when_that_is_asked_for(
    make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    with make_client(snapshot_dir=None):
        pass
    assert list(tmp_path.iterdir()) == []
    with make_client():
        pass
    assert [path.name for path in tmp_path.iterdir()] == ["setpoint"]


def test_a_directory_that_takes_no_writes_costs_a_warning_and_nothing_else(
    make_client: MakeClient, tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    with make_client(snapshot_dir=blocked / "snapshots") as config:
        assert config.status().state == "live"
    assert caplog.text.count("cannot be used") == 1


def test_a_cache_that_nobody_asked_for_and_that_takes_no_writes_is_no_news(
    make_client: MakeClient, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    blocked = tmp_path / "a-file"
    blocked.write_text("")
    monkeypatch.setenv("XDG_CACHE_HOME", str(blocked))
    with make_client() as config:
        assert config.status().state == "live"
    assert "cannot be used" not in caplog.text


def test_a_user_without_a_home_keeps_nothing(make_client: MakeClient, monkeypatch: pytest.MonkeyPatch) -> None:
    def homeless() -> Path:
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setenv("XDG_CACHE_HOME", "relative/path")
    monkeypatch.setattr(Path, "home", homeless)
    assert make_client().start() == "live"


def test_many_changes_are_few_writes_and_the_last_is_kept(
    hub: ScriptedHub, make_client: MakeClient, folder: Path
) -> None:
    with make_client(snapshot_dir=folder) as config:
        for value in range(100):
            hub.publish(max_retries=value)
        assert config.wait_revision(101, timeout=10)
    (file,) = folder.iterdir()
    assert '"value":99' in file.read_text().splitlines()[2]


def test_a_process_that_lags_behind_does_not_overwrite_what_is_newer(folder: Path) -> None:
    whose = ("checkout-api", "production")

    def keep(revision: int, epoch: Epoch = EPOCH) -> int:
        disk = Disk(SnapshotFile(folder, whose), whose, healthy_after=60, spacing=0, quiet=False)
        disk.load(10)
        disk.keep(Held("production", epoch, Revision(revision), {"payments": {"k": entry(revision)}}))
        disk.stop(10)
        record = SnapshotFile(folder, whose).read()
        assert record is not None
        return record.revision

    assert [keep(5), keep(4), keep(6), keep(2, OTHER_EPOCH)] == [5, 5, 6, 2]


def test_what_a_validator_refuses_is_not_run_from_disk_either(
    hub: ScriptedHub, make_client: MakeClient, kept: Path
) -> None:
    hub.upgrade = hub.poll = 503
    config = make_client(snapshot_dir=kept.parent, bootstrap={"payments": {"max_retries": 20}})

    @config.validator
    def many(snapshot: Snapshot) -> None:
        if snapshot.get_int("payments", "max_retries") < 10:
            raise ValueError("too few")

    config.start()
    assert (config.get_int("payments", "max_retries"), config.status().source) == (20, "bootstrap")


BOOTSTRAP = {
    "payments": {"max_retries": 7, "on": True, "rate": 0.5, "name": "x", "limits": {"rps": 1}},
    "else": {"a": 1},
}


@pytest.mark.parametrize("as_file", [False, True])
def test_bootstrap_values_run_when_there_is_nothing_else(
    hub: ScriptedHub, make_client: MakeClient, tmp_path: Path, as_file: bool
) -> None:
    path = tmp_path / "bootstrap.json"
    path.write_text(json.dumps(BOOTSTRAP))
    hub.upgrade = hub.poll = 503
    config = make_client(bootstrap=path if as_file else BOOTSTRAP, required=True)
    assert config.start() == "stale"
    assert config.get_int("payments", "max_retries") == 7
    assert config.get_bool("payments", "on") is True
    assert config.get_float("payments", "rate") == 0.5
    assert config.get_str("payments", "name") == "x"
    assert config.get_json("payments", "limits") == {"rps": 1}
    assert config.get("else", "a") is None
    assert (config.status().source, config.status().epoch, config.status().age_seconds) == ("bootstrap", None, None)
    hub.upgrade = "accept"
    eventually_blocking(lambda: config.get_int("payments", "max_retries") == 3)
    assert "epoch" not in hub.watches[-1]
    assert config.get("payments", "name") is None


def test_what_was_kept_goes_before_bootstrap_values(hub: ScriptedHub, make_client: MakeClient, kept: Path) -> None:
    hub.upgrade = hub.poll = 503
    config = make_client(snapshot_dir=kept.parent, bootstrap=BOOTSTRAP)
    config.start()
    assert (config.get_int("payments", "max_retries"), config.status().source) == (3, "disk")


@pytest.mark.parametrize(
    "bootstrap", ["/no/such/file", {"payments": 5}, {"payments": {"k": object()}}, {"payments": {}}]
)
def test_bootstrap_values_that_are_none_leave_the_defaults(
    hub: ScriptedHub, make_client: MakeClient, bootstrap: object
) -> None:
    hub.upgrade = hub.poll = 503
    config = make_client(bootstrap=bootstrap, required=True)
    with pytest.raises(NotReady):
        config.start(wait=0.2)
    assert config.status().source == "defaults"


def test_labels_travel_with_the_watch(hub: ScriptedHub, make_client: MakeClient) -> None:
    make_client(labels={"region": "eu"}).start()
    assert hub.watches[0]["labels"] == {"region": "eu"}


def test_what_a_dead_writer_left_lying_about_is_removed(hub: ScriptedHub, make_client: MakeClient, kept: Path) -> None:
    left = kept.parent / f".{kept.name}.0123.tmp"
    left.write_text("half")
    os.utime(left, (0, 0))
    config = make_client(snapshot_dir=kept.parent)
    config.start()
    hub.publish(max_retries=4)
    assert config.wait_revision(2, timeout=10)
    config.close()
    assert [path.name for path in kept.parent.iterdir()] == [kept.name]
