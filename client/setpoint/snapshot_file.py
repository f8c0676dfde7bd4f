"""The snapshot's file: one per client identity, whole or not at all, shared by the processes of a machine.

Four lines of JSON: a header with the checksum of the rest; what the rest is; the content that ran last; the content
that ran before it, or null.
"""

import contextlib
import fcntl
import hashlib
import json
import os
import re
import secrets
import stat
import time
from collections.abc import Callable, Generator, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, cast

from setpoint.boots import Boots, Process
from setpoint.errors import NotJson, ProtocolError, SetpointError
from setpoint.protocol.messages import decode_snapshot
from setpoint.protocol.strict_json import dumps, loads
from setpoint.replica import Held, without_secrets

__all__ = ["Encoded", "Record", "SnapshotFile", "UnusableSnapshot", "decode", "default_directory", "encode"]

FORMAT = "setpoint-snapshot/1"

LARGEST_FILE = 256 * 1024 * 1024

_LOCK_SECONDS = 2.0
_YIELD_AFTER = 50


class UnusableSnapshot(SetpointError):
    """A snapshot's file is damaged, foreign, or another identity's."""


@dataclass(frozen=True, slots=True)
class Encoded:
    """A content as its line. `digest` is of the values alone: a revision that touches none of them has the same.

    For a secret its version stands in.
    """

    env: str
    epoch: str
    revision: int
    digest: str
    line: str


@dataclass(frozen=True, slots=True)
class Record:
    """What the file says. `previous` is the content to go back to, `previous_healthy` whether it ever lasted."""

    identity: tuple[str, ...]
    epoch: str
    revision: int
    digest: str
    saved_at: float
    """When it was written, on the wall clock."""
    boots: Boots
    previous_healthy: bool
    current: str
    previous: str | None


def encode(held: Held, pause: Callable[[], object]) -> Encoded:
    """Return the content as a line, without the values of secrets.

    `pause` is called often, so that readers get their turn of the interpreter.
    """
    held = without_secrets(held)
    parts: list[str] = []
    for count, namespace in enumerate(sorted(held.namespaces)):
        entries = held.namespaces[namespace]
        parts.append(f"{',' if count else ''}{dumps(namespace)}:{{")
        for number, key in enumerate(sorted(entries)):
            entry = entries[key]
            value = dumps({"type": entry.type, "value": entry.value, "version": entry.version})
            parts.append(f"{',' if number else ''}{dumps(key)}:{value}")
            if number % _YIELD_AFTER == 0:
                pause()
        parts.append("}")
    values = "".join(parts)
    position: dict[str, Any] = {"env": held.env, "epoch": held.epoch, "revision": held.revision}
    digested = values
    if held.withheld:
        position["withheld"] = {name: dict(sorted(held.withheld[name].items())) for name in sorted(held.withheld)}
        digested += dumps(position["withheld"])
    digest = hashlib.sha256(digested.encode(errors="surrogatepass")).hexdigest()
    line = f'{dumps(position)[:-1]},"namespaces":{{{values}}}}}'
    return Encoded(held.env, held.epoch or "", held.revision, digest, line)


def decode(line: str) -> Held:
    """Read a content's line back. Raises UnusableSnapshot."""
    try:
        body = loads(line)
        found = decode_snapshot(body)
        withheld = {
            str(namespace): {str(key): str(version) for key, version in versions.items()}
            for namespace, versions in body.get("withheld", {}).items()
        }
    except (ProtocolError, NotJson, AttributeError) as error:
        raise UnusableSnapshot(f"it holds no snapshot ({error})") from error
    return Held(found.env, found.epoch, found.revision, found.namespaces, withheld)


def default_directory() -> Path | None:
    """Return the user's own cache directory for snapshots; None when the user has no home."""
    cache = os.environ.get("XDG_CACHE_HOME", "")
    try:
        # A relative path there is to be ignored, says the XDG specification.
        base = Path(cache) if Path(cache).is_absolute() else Path.home() / ".cache"
    except RuntimeError:
        return None
    return base / "setpoint" if base.is_absolute() else None


class SnapshotFile:
    """The file of one identity (service, environment, namespaces, hubs). Its methods raise OSError; all may block.

    Changes are made under a lock on the directory, since all processes of a service share the file.
    """

    def __init__(self, directory: Path, identity: Sequence[str]) -> None:
        self.directory = directory
        self._identity = tuple(identity)
        name = re.sub(r"[^A-Za-z0-9_-]", "_", identity[0])[:40]
        self.path = directory / f"{name}-{hashlib.sha256(dumps(list(identity)).encode()).hexdigest()[:16]}.json"

    @contextlib.contextmanager
    def locked(self) -> Generator[None]:
        """Keep other processes from changing the file; make its directory if need be."""
        self.directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        descriptor = os.open(self.directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
        try:
            _lock(descriptor)
            try:
                yield
            finally:
                # Said explicitly: a child that is forked meanwhile has a copy of the descriptor.
                fcntl.flock(descriptor, fcntl.LOCK_UN)
        finally:
            os.close(descriptor)

    def read(self) -> Record | None:
        """Return what the file says; None when there is none. Raises UnusableSnapshot, without a change to the file."""
        try:
            descriptor = os.open(self.path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
        except FileNotFoundError:
            return None
        with open(descriptor, "rb") as file:  # noqa: PTH123 a descriptor, opened with care
            found = os.fstat(file.fileno())
            if not stat.S_ISREG(found.st_mode) or found.st_uid != os.geteuid():
                raise UnusableSnapshot("it is not a file of this user")
            if found.st_size > LARGEST_FILE:
                raise UnusableSnapshot("it is too large")
            return self._decode(file.read())

    def write(self, record: Record) -> None:
        """Put the record in place of what is there. A crash leaves the one or the other."""
        state = dumps(
            {
                "identity": list(record.identity),
                "epoch": record.epoch,
                "revision": record.revision,
                "digest": record.digest,
                "saved_at": record.saved_at,
                "boots": asdict(record.boots),
                "previous_healthy": record.previous_healthy,
            }
        )
        rest = "\n".join((state, record.current, record.previous or "null", "")).encode()
        header = dumps({"format": FORMAT, "sha256": hashlib.sha256(rest).hexdigest()})
        self._replace(f"{header}\n".encode() + rest)

    def _replace(self, content: bytes) -> None:
        # Whoever holds the lock is the only writer: what is left lying about is of one that died.
        for leftover in self.directory.glob(f".{self.path.name}.*.tmp"):
            leftover.unlink(missing_ok=True)
        temporary = self.directory / f".{self.path.name}.{secrets.token_hex(4)}.tmp"
        try:
            descriptor = os.open(temporary, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
            with open(descriptor, "wb") as file:  # noqa: PTH123 a descriptor, opened with care
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
            temporary.replace(self.path)
        except BaseException:
            temporary.unlink(missing_ok=True)
            raise

    def _decode(self, content: bytes) -> Record:
        header, _, rest = content.partition(b"\n")
        try:
            told: Any = json.loads(header)
            if not isinstance(told, dict) or cast("dict[str, Any]", told).get("format") != FORMAT:
                raise UnusableSnapshot("it is not a snapshot of this version")
            if cast("dict[str, Any]", told).get("sha256") != hashlib.sha256(rest).hexdigest():
                raise UnusableSnapshot("its checksum is wrong: it was cut off or changed")
            state, current, previous, _ = rest.decode().split("\n")
            members = cast("dict[str, Any]", json.loads(state))
            record = Record(
                identity=tuple(members["identity"]),
                epoch=str(members["epoch"]),
                revision=int(members["revision"]),
                digest=str(members["digest"]),
                saved_at=float(members["saved_at"]),
                boots=_read_boots(members["boots"]),
                previous_healthy=bool(members["previous_healthy"]),
                current=current,
                previous=None if previous == "null" else previous,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise UnusableSnapshot("it is not a snapshot") from error
        if record.identity != self._identity:
            raise UnusableSnapshot("it is of another service, environment, set of namespaces or hub")
        return record


def _read_boots(found: dict[str, Any]) -> Boots:
    running = tuple(Process(str(one["host"]), int(one["pid"]), str(one["began"])) for one in found["running"])
    return Boots(bool(found["healthy"]), int(found["failures"]), running)


def _lock(descriptor: int) -> None:
    deadline = time.monotonic() + _LOCK_SECONDS
    while True:
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if time.monotonic() >= deadline:
                raise
            time.sleep(0.005)
        else:
            return
