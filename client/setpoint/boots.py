"""The crash-loop guard: which starts on a revision never came to last. Pure, but for asking whether a process lives."""

import contextlib
import os
import socket
import time
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

__all__ = ["MOST_FAILURES", "Boots", "Process", "booted", "ended", "is_alive", "lasted", "this_process"]

MOST_FAILURES = 3
"""Starts in a row that did not last, after which the next one runs on the revision before."""

_MOST_RUNNING = 100


@dataclass(frozen=True, slots=True)
class Process:
    """One process that started on the revision. `began` tells it from a later one with the same id."""

    host: str
    pid: int
    began: str


@dataclass(frozen=True, slots=True)
class Boots:
    """What is known of the starts on one content."""

    healthy: bool = False
    """Some process ran on it for as long as it takes; its failures are of no interest from then on."""
    failures: int = 0
    running: tuple[Process, ...] = ()
    """Those that started on it and have neither lasted nor ended well yet."""


def booted(boots: Boots, me: Process, alive: Callable[[Process], bool]) -> Boots:
    """Return the boots after the start of a process.

    However many processes are found dead, they count as one failed start: workers that start together die together.
    Those of another host (a shared volume) cannot be asked, and are let be.
    """
    if boots.healthy:
        return boots
    dead = [one for one in boots.running if one.host == me.host and one != me and not alive(one)]
    running = tuple(one for one in boots.running if one not in dead and one != me)
    return Boots(False, boots.failures + bool(dead), (*running, me)[-_MOST_RUNNING:])


def lasted() -> Boots:
    """Return the boots once a process has lasted."""
    return Boots(healthy=True)


def ended(boots: Boots, me: Process) -> Boots:
    """Return the boots after a process ended in good order."""
    return replace(boots, running=tuple(one for one in boots.running if one != me))


def this_process() -> Process:
    """Return the process that asks."""
    pid = os.getpid()
    return Process(socket.gethostname(), pid, _began(pid) or _LOADED)


def is_alive(process: Process) -> bool:
    """Say whether the process, of this host, still runs."""
    if process.pid == os.getpid():
        return process == this_process()
    try:
        os.kill(process.pid, 0)
    except ProcessLookupError:
        return False
    except (OSError, OverflowError):
        # It is another user's: somebody lives there.
        pass
    began = _began(process.pid)
    return began is None or began == process.began


_LOADED = str(time.time_ns())


def _began(pid: int) -> str | None:
    """Return what tells the process from others with its id; empty for one that is dead and not yet buried."""
    with contextlib.suppress(OSError, IndexError):
        # The name, in brackets, may hold anything: what matters follows it.
        fields = Path(f"/proc/{pid}/stat").read_text(errors="replace").rpartition(")")[2].split()
        return "" if fields[0] in "ZX" else fields[19]
    return None
