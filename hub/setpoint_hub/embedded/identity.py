"""As whom PostgreSQL runs: it refuses root, so a root who starts it must be somebody else for it.

Three strategies, the first that a real probe shows to work:

- PLAIN, when we are not root: as ourselves.
- NAMESPACE: ourselves in a user namespace where our number is that of a named user, not root's. All files
  stay ours; nothing is changed.
- UNPRIVILEGED, where namespaces are refused, as in many containers: the owner of the PostgreSQL folder if
  that is not root already, else `nobody`. Only folders inside our data folder change owner.

A user without a name, as containers often run one, is no better than root: initdb looks the name up.
"""

import asyncio
import os
import pwd
import signal
import subprocess
from contextlib import suppress
from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from setpoint_hub.embedded.errors import IdentityRefusedError
from setpoint_hub.embedded.folder import DataFolder
from setpoint_hub.embedded.process import Launch, launch_words, server_environment

_PROBE_SECONDS = 20.0
_FALLBACK_NOBODY = 65534


class Strategy(Enum):
    """How to be somebody whom PostgreSQL accepts."""

    PLAIN = "plain"
    NAMESPACE = "namespace"
    UNPRIVILEGED = "unprivileged"


@dataclass(frozen=True)
class Identity:
    """A strategy that was seen to work."""

    strategy: Strategy
    uid: int
    """Who owns the server's files, as numbers go outside any namespace."""
    gid: int
    version: str
    """What the probed program answered to --version."""

    @property
    def word(self) -> str:
        """This identity as `launch` spells it."""
        return launch_word(self.strategy, self.uid, self.gid)


def launch_word(strategy: Strategy, uid: int, gid: int) -> str:
    """Spell an identity for `launch`."""
    match strategy:
        case Strategy.PLAIN:
            return "plain"
        case Strategy.NAMESPACE:
            return f"namespace:{_named_uid()}"
        case Strategy.UNPRIVILEGED:
            return f"user:{uid}:{gid}"


async def choose_identity(folder: DataFolder, owned: Path, *, program: Path, only: Strategy | None = None) -> Identity:
    """Find the identity under which `program` can run and use `owned`, a folder inside `folder`.

    With `only`, no other strategy is tried. Afterwards `owned` belongs to that identity. Raises
    IdentityRefusedError, with each strategy's reason, when none works.
    """
    reasons: list[str] = []
    for strategy in _usual() if only is None else [only]:
        try:
            return await _try(strategy, folder, owned, program)
        except _RefusedError as refused:
            reasons.append(f"{strategy.value}: {refused}")
    raise IdentityRefusedError(folder.path, reasons)


def _usual() -> list[Strategy]:
    if os.geteuid() == 0:
        return [Strategy.NAMESPACE, Strategy.UNPRIVILEGED]
    return [Strategy.PLAIN, Strategy.NAMESPACE]


class _RefusedError(Exception):
    """The strategy does not work here, for the reason given."""


async def _try(strategy: Strategy, folder: DataFolder, owned: Path, program: Path) -> Identity:
    if strategy is Strategy.UNPRIVILEGED:
        return await _try_unprivileged(folder, owned, program)
    uid, gid = os.geteuid(), os.getegid()
    if strategy is Strategy.PLAIN and not _has_name(uid):
        raise _RefusedError(f"uid {uid} has no name in /etc/passwd")
    if _owner(owned) != uid:
        raise _RefusedError(f"{owned} belongs to uid {_owner(owned)}")
    return Identity(strategy, uid, gid, await _probe(launch_word(strategy, uid, gid), owned, program))


async def _try_unprivileged(folder: DataFolder, owned: Path, program: Path) -> Identity:
    uid, gid = _unprivileged_user(owned)
    folder.let_pass()
    try:
        # The way to the data folder and to the binaries is probed before anything changes owner.
        version = await _probe(launch_word(Strategy.UNPRIVILEGED, uid, gid), folder.path, program)
        if _owner(owned) != uid:
            await asyncio.to_thread(_give, owned, uid, gid)
    except (_RefusedError, OSError) as refused:
        folder.close_to_others()
        raise _RefusedError(str(refused)) from refused
    return Identity(Strategy.UNPRIVILEGED, uid, gid, version)


def _has_name(uid: int) -> bool:
    try:
        pwd.getpwuid(uid)
    except KeyError:
        return False
    return True


def _named_uid() -> int:
    """Give the number of some user that every system has, to appear as inside a namespace."""
    for name in ("daemon", "bin", "nobody"):
        with suppress(KeyError):
            return pwd.getpwnam(name).pw_uid
    return _FALLBACK_NOBODY


def _owner(path: Path) -> int:
    return path.stat().st_uid


def _unprivileged_user(owned: Path) -> tuple[int, int]:
    """Keep whom an earlier start chose, else take `nobody`."""
    found = owned.stat()
    if found.st_uid != 0:
        return found.st_uid, found.st_gid
    with suppress(KeyError):
        nobody = pwd.getpwnam("nobody")
        return nobody.pw_uid, nobody.pw_gid
    return _FALLBACK_NOBODY, _FALLBACK_NOBODY


def _give(owned: Path, uid: int, gid: int) -> None:
    """Give a tree away, its top last: a start that is killed in between begins again."""
    for parent, folders, files in os.walk(owned, topdown=False):
        for name in [*folders, *files]:
            os.chown(Path(parent) / name, uid, gid, follow_symlinks=False)
    os.chown(owned, uid, gid, follow_symlinks=False)


async def _probe(identity: str, enter: Path, program: Path) -> str:
    """Run `program --version` under the identity, from inside `enter`; gives its answer."""
    launched = Launch(
        command=[str(program), "--version"],
        folder=enter,
        log=Path(os.devnull),
        death_signal=signal.SIGKILL,
        identity=identity,
    )
    process = await asyncio.create_subprocess_exec(
        *launch_words(launched),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        env=server_environment({}),
        start_new_session=True,
    )
    try:
        async with asyncio.timeout(_PROBE_SECONDS):
            output, _ = await process.communicate()
    except TimeoutError as late:
        raise _RefusedError(f"{program.name} did not answer") from late
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    said = output.decode(errors="replace").strip()
    if process.returncode != 0:
        raise _RefusedError(said or f"exit status {process.returncode}")
    return said
