"""The crash-loop guard's arithmetic."""

import os
import subprocess
import sys

import pytest

from setpoint.boots import Boots, Process, booted, ended, is_alive, lasted, this_process

ME = Process("here", 3, "c")


def process(pid: int, host: str = "here") -> Process:
    return Process(host, pid, "b")


def nobody(_: Process) -> bool:
    return False


def test_a_first_start_is_noted_and_no_failure() -> None:
    assert booted(Boots(), ME, nobody) == Boots(False, 0, (ME,))


def test_a_start_that_finds_the_one_before_dead_counts_a_failure() -> None:
    assert booted(Boots(failures=1, running=(process(1),)), ME, nobody) == Boots(False, 2, (ME,))


def test_workers_that_died_together_are_one_failure() -> None:
    boots = booted(Boots(running=tuple(map(process, range(10, 14)))), ME, nobody)
    assert (boots.failures, boots.running) == (1, (ME,))
    assert booted(boots, process(4), lambda _: True).failures == 1


def test_what_lives_or_is_on_another_host_is_let_be() -> None:
    others = (process(1), process(2, "there"))
    assert booted(Boots(running=others), ME, lambda one: one.pid == 1) == Boots(False, 0, (*others, ME))


def test_a_second_client_of_a_process_is_the_same_start() -> None:
    assert booted(Boots(running=(ME,)), ME, nobody) == Boots(False, 0, (ME,))


def test_a_process_that_ended_in_order_is_no_failure() -> None:
    boots = ended(Boots(failures=1, running=(ME, process(4))), ME)
    assert boots == Boots(False, 1, (process(4),))


def test_what_has_lasted_counts_nothing_any_more() -> None:
    assert booted(lasted(), ME, nobody) == lasted()


def test_a_process_is_told_from_another_with_its_id() -> None:
    me = this_process()
    assert is_alive(me)
    assert not is_alive(Process(me.host, me.pid, "before"))


@pytest.mark.skipif(sys.platform != "linux", reason="how to see this is Linux's own")
def test_a_process_that_is_dead_but_not_buried_is_dead() -> None:
    with subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE) as child:
        began = _stat(child.pid)[19]
        alive = Process("here", child.pid, began)
        assert is_alive(alive)
        child.kill()
        os.waitid(os.P_PID, child.pid, os.WEXITED | os.WNOWAIT)
        assert not is_alive(alive)


def _stat(pid: int) -> list[str]:
    with open(f"/proc/{pid}/stat") as file:  # noqa: PTH123
        return file.read().rpartition(")")[2].split()
