"""Becomes a server: takes its identity, ties its life to the parent's, then executes it.

Run as a script, by `process.py`, with the words PARENT DEATH_SIGNAL IDENTITY FOLDER PROGRAM ARGUMENT....
It is a program of its own because the alternative, Python code between fork and exec of a process with
threads, can deadlock. It imports nothing of Setpoint, so that it starts in a few milliseconds.

IDENTITY is one of `plain` (as the parent), `namespace:UID` (the parent's user, who appears as UID in a user
namespace of its own: root is not root there, though all its files stay its own), `user:UID:GID`.
"""

import ctypes
import os
import sys
from pathlib import Path

_CLONE_NEWUSER = 0x10000000
_PR_SET_PDEATHSIG = 1
_CANNOT_START = 126


def main(words: list[str]) -> None:
    """Replace this process by the server; does not return unless that fails."""
    parent, death_signal, identity, folder, *command = words
    take_identity(identity)
    # Only now: the kernel forgets the death signal when credentials change.
    die_with_parent(int(parent), int(death_signal))
    os.umask(0o077)
    os.chdir(folder)
    os.execv(command[0], command)  # noqa: S606 - the words come from process.py, no shell is wanted


def take_identity(identity: str) -> None:
    """Become who `identity` names; raises OSError where the system refuses."""
    match identity.split(":"):
        case ["plain"]:
            pass
        case ["namespace", uid]:
            _enter_user_namespace(int(uid))
        case ["user", uid, gid]:
            os.setgroups([])
            os.setgid(int(gid))
            os.setuid(int(uid))
        case _:
            raise ValueError(identity)


def die_with_parent(parent: int, death_signal: int) -> None:
    """Have the kernel send `death_signal` when the thread that forked us ends (Linux; elsewhere, nothing)."""
    if sys.platform != "linux":
        return
    _checked(_libc().prctl(_PR_SET_PDEATHSIG, death_signal, 0, 0, 0))
    # The parent may have died before the call above, and then no signal ever comes.
    if os.getppid() != parent:
        sys.exit(_CANNOT_START)


def _enter_user_namespace(appearing: int) -> None:
    uid, gid = os.geteuid(), os.getegid()
    _checked(_libc().unshare(_CLONE_NEWUSER))
    # The kernel accepts a group map from inside only after setgroups is given up.
    Path("/proc/self/setgroups").write_text("deny")
    Path("/proc/self/uid_map").write_text(f"{appearing} {uid} 1")
    Path("/proc/self/gid_map").write_text(f"{appearing} {gid} 1")


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None, use_errno=True)


def _checked(result: int) -> None:
    if result != 0:
        number = ctypes.get_errno()
        raise OSError(number, os.strerror(number))


if __name__ == "__main__":
    try:
        main(sys.argv[1:])
    except OSError as refused:
        sys.exit(f"cannot start {sys.argv[5]} as {sys.argv[3]}: {refused}")
