"""Secrets in a client: read like any value, never on disk, never in what it tells a hub or a log."""

import logging
from dataclasses import replace
from pathlib import Path

import pytest

from client.conftest import MakeClient
from client.scripted_hub import ScriptedHub
from client.wire import EPOCH, entry, full
from setpoint import Snapshot
from setpoint.disk import Disk
from setpoint.errors import ProtocolError
from setpoint.protocol.messages import decode_snapshot
from setpoint.protocol.names import Revision
from setpoint.replica import Gap, Held, apply, without_secrets
from setpoint.snapshot_file import SnapshotFile, decode, encode
from support.waiting import eventually_blocking

CLEAR = "hunter2-correct-horse"


@pytest.fixture
def secretive(hub: ScriptedHub) -> ScriptedHub:
    """A hub with a value and a secret."""
    hub.secrets.add("api_key")
    hub.put(api_key=CLEAR)
    return hub


@pytest.fixture
def kept(secretive: ScriptedHub, make_client: MakeClient, tmp_path: Path) -> Path:
    """Where a client kept what it ran."""
    assert secretive.secrets
    with make_client(snapshot_dir=tmp_path) as config:
        assert config.get_str("payments", "api_key", "none") == CLEAR
    return tmp_path


def text_of(folder: Path) -> str:
    return "".join(file.read_text() for file in folder.iterdir())


def test_a_secret_is_not_on_disk_and_a_start_from_disk_gives_the_default(
    secretive: ScriptedHub, make_client: MakeClient, kept: Path
) -> None:
    assert "max_retries" in text_of(kept)
    assert CLEAR not in text_of(kept)
    secretive.upgrade = secretive.poll = 503
    config = make_client(snapshot_dir=kept)
    assert config.start() == "stale"
    assert config.get_int("payments", "max_retries") == 3
    assert config.get_str("payments", "api_key", "none") == "none"


def test_a_hub_that_comes_back_gives_the_secret_although_nothing_changed(
    secretive: ScriptedHub, make_client: MakeClient, kept: Path
) -> None:
    config = make_client(snapshot_dir=kept)
    assert config.start() == "live"
    assert "revision" not in secretive.watches[-1]
    eventually_blocking(lambda: config.get_str("payments", "api_key", "none") == CLEAR)
    secretive.publish(max_retries=4)
    assert config.wait_revision(3, timeout=10)
    assert config.get_str("payments", "api_key", "none") == CLEAR
    config.close()
    assert CLEAR not in text_of(kept)


def test_a_poll_gives_the_secret_too(secretive: ScriptedHub, make_client: MakeClient, kept: Path) -> None:
    secretive.upgrade = 503
    config = make_client(snapshot_dir=kept)
    config.start()
    eventually_blocking(lambda: config.get_str("payments", "api_key", "none") == CLEAR)
    assert config.status().source == "poll"


def test_what_a_validator_says_of_a_secret_is_told_to_nobody(
    secretive: ScriptedHub, make_client: MakeClient, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.DEBUG, logger="setpoint")
    config = make_client()

    @config.validator
    def talkative(view: Snapshot) -> None:
        if view.get_int("payments", "max_retries", 0) > 3:
            raise ValueError(f"not with {view.get_str('payments', 'api_key', '')}")

    with config:
        secretive.publish(max_retries=4)
        eventually_blocking(lambda: secretive.heartbeats and secretive.heartbeats[-1]["status"] == "refused")
        error = secretive.heartbeats[-1]["error"]
    assert error.endswith("talkative: ValueError (said no more: there are secrets)")
    assert CLEAR not in str(secretive.heartbeats) + caplog.text


def held(revision: int, secret: str, version: str) -> Held:
    api_key = replace(entry(secret), secret=True, version=version)
    plain = replace(entry(1), version="v0")
    return Held("production", EPOCH, Revision(revision), {"payments": {"api_key": api_key, "plain": plain}})


def test_the_line_on_disk_has_the_version_in_the_place_of_the_value() -> None:
    one = encode(held(1, CLEAR, "v7"), lambda: None)
    assert CLEAR not in one.line
    assert decode(one.line) == without_secrets(held(1, CLEAR, "v7"))
    assert encode(held(2, CLEAR, "v7"), lambda: None).digest == one.digest
    assert encode(held(2, "another", "v8"), lambda: None).digest != one.digest


def test_without_secrets_leaves_what_has_none_as_it_is() -> None:
    plain = Held("production", EPOCH, Revision(1), {"payments": {"a": entry(1)}})
    assert without_secrets(plain) is plain


def test_a_hub_that_is_behind_cannot_complete_what_was_read_from_disk() -> None:
    read = without_secrets(held(5, CLEAR, "v7"))
    with pytest.raises(Gap):
        apply(read, full(4, {}))
    complete = apply(read, full(5, dict(held(5, CLEAR, "v7").namespaces)))  # type: ignore[arg-type]
    assert not complete.withheld


def test_three_starts_that_died_on_a_secret_bar_that_one_and_not_the_next(
    secretive: ScriptedHub, make_client: MakeClient, kept: Path
) -> None:
    (file,) = kept.glob("c*.json")
    text = file.read_text()
    config = make_client(snapshot_dir=kept)
    config.start()
    store = config._store
    barred = decode(text.splitlines()[2])
    store.bar(barred, "it died of it")
    assert store._refuse(store.content) == "it died of it"
    secretive.publish(api_key="a better one")
    assert config.wait_revision(3, timeout=10)
    assert config.get_str("payments", "api_key", "none") == "a better one"


def test_an_entry_shows_no_secret() -> None:
    assert CLEAR not in repr(held(1, CLEAR, "v7"))
    body = {"env": "production", "epoch": EPOCH, "revision": 1}
    wrong = {"type": "int", "value": CLEAR, "version": "v", "secret": True}
    with pytest.raises(ProtocolError) as refused:
        decode_snapshot({**body, "namespaces": {"payments": {"api_key": wrong}}})
    assert CLEAR not in str(refused.value)


def test_the_disk_writes_none_whoever_calls_it(tmp_path: Path) -> None:
    disk = Disk(SnapshotFile(tmp_path, ("a",)), ("a",), healthy_after=60, spacing=0, quiet=False)
    disk.start()
    disk.keep(held(1, CLEAR, "v7"))
    disk.stop(10)
    assert '"withheld":{"payments":{"api_key":"v7"}}' in text_of(tmp_path)
    assert CLEAR not in text_of(tmp_path)
