"""What a service's tests are given: a client that is its own hub, a fixture and a marker."""

import subprocess
import sys
import threading
from pathlib import Path

import pytest

from setpoint import Change, ConfigClient, InvalidValue, NotReady, Snapshot, State
from setpoint.testing import LocalConfig


def test_it_starts_no_thread_and_is_live() -> None:
    before = threading.active_count()
    with ConfigClient.for_testing({"payments": {"max_retries": 3}}) as local:
        assert local.status().state == "live"
        assert local.get_int("payments", "max_retries") == 3
        assert local.wait_ready(0)
        assert threading.active_count() == before
    assert local.status().state == "closed"
    assert local.get_int("payments", "max_retries") == 3


async def test_it_starts_in_an_event_loop_too() -> None:
    async with ConfigClient.for_testing({"payments": {"max_retries": 3}}) as local:
        assert local.get_int("payments", "max_retries") == 3


def test_publishing_is_done_when_it_returns() -> None:
    local = ConfigClient.for_testing({"payments": {"max_retries": 3}})
    heard: list[Change] = []
    local.on_change("payments", "max_*")(heard.append)
    assert local.publish({"payments": {"max_retries": 4}}, other={"k": 1})
    assert [(change.old, change.new) for change in heard] == [(3, 4)]
    assert local.get_int("other", "k") == 1
    assert local.namespaces == ("payments", "other")
    assert local.remove("payments", "max_retries")
    assert local.get("payments", "max_retries") is None


def test_a_refused_change_changes_nothing_and_the_next_is_judged_for_itself() -> None:
    local = ConfigClient.for_testing({"payments": {"max_retries": 3}})

    @local.validator
    def sane(snapshot: Snapshot) -> None:
        if snapshot.get_int("payments", "max_retries") > 9:
            raise ValueError("too many")

    assert not local.publish(payments={"max_retries": 10})
    assert "too many" in (local.status().last_error or "")
    assert local.publish(payments={"rps": 1})
    assert (local.get_int("payments", "max_retries"), local.status().last_error) == (3, None)


def test_what_is_not_json_is_said_at_once() -> None:
    with pytest.raises(InvalidValue, match="payments/when"):
        ConfigClient.for_testing({"payments": {"when": object()}})


@pytest.mark.parametrize("state", ["polling", "stale", "denied"])
def test_a_failure_keeps_what_is_held(state: State) -> None:
    local = ConfigClient.for_testing({"payments": {"max_retries": 3}})
    states: list[State] = []
    local.on_state(states.append)
    local.fail(state)
    assert local.status().state == state
    assert local.status().last_error == f"the test made it {state}"
    assert local.get_int("payments", "max_retries") == 3
    local.fail("live")
    assert local.status().last_error is None
    assert states == [state, "live"]


def test_publishing_ends_a_failure() -> None:
    local = ConfigClient.for_testing()
    local.fail("stale")
    local.publish(payments={"max_retries": 4})
    assert local.status().state == "live"


def test_a_start_without_data_can_be_had() -> None:
    local = ConfigClient.for_testing({"payments": {"max_retries": 3}})
    setting = local.setting("payments", "max_retries", 1)
    local.fail("starting")
    assert (setting.value, local.get_int("payments", "max_retries", 9), local.wait_ready(0)) == (1, 9, False)
    local.publish(payments={"max_retries": 4})
    assert (setting.value, local.wait_ready(0)) == (4, True)


def test_nothing_is_published_to_a_closed_one() -> None:
    local = ConfigClient.for_testing()
    local.fail("closed")
    with pytest.raises(NotReady):
        local.publish(payments={"max_retries": 4})


@pytest.mark.setpoint(payments={"max_retries": 1})
def test_the_fixture_has_the_markers_values(config: LocalConfig) -> None:
    assert config.get_int("payments", "max_retries") == 1


def test_the_fixture_is_empty_without_a_marker(config: LocalConfig) -> None:
    assert config.get_int("payments", "max_retries", 7) == 7


@pytest.mark.setpoint(payments={"max_retries": 1, "rps": 5})
class TestMarkers:
    @pytest.mark.setpoint({"payments": {"max_retries": 2}})
    def test_the_closest_marker_wins_by_key(self, config: LocalConfig) -> None:
        assert (config.get("payments", "max_retries"), config.get("payments", "rps")) == (2, 5)


def run_pytest(folder: Path, source: str) -> subprocess.CompletedProcess[str]:
    (folder / "test_users.py").write_text(source)
    command = [sys.executable, "-I", "-m", "pytest", "-q", "-W", "error", "--strict-markers", "-p", "no:asyncio"]
    return subprocess.run([*command, str(folder)], capture_output=True, text=True, timeout=60, cwd=folder, check=False)


def test_the_plugin_loads_little_for_users_who_do_not_ask(tmp_path: Path) -> None:
    source = "import sys\ndef test():\n    assert not {'setpoint.testing', 'pydantic'} & set(sys.modules)\n"
    run = run_pytest(tmp_path, source)
    assert run.returncode == 0, run.stdout


def test_a_users_own_config_fixture_comes_first(tmp_path: Path) -> None:
    source = "import pytest\n@pytest.fixture\ndef config():\n    return 1\ndef test(config):\n    assert config == 1\n"
    assert run_pytest(tmp_path, source).returncode == 0


def test_the_plugin_serves_users(tmp_path: Path) -> None:
    source = (
        "import pytest\n@pytest.mark.setpoint(a={'k': 5})\ndef test(config):\n    assert config.get('a', 'k') == 5\n"
    )
    run = run_pytest(tmp_path, source)
    assert run.returncode == 0, run.stdout
