"""The data folder of `setpoint up`: made private, held by one process, never mistaken for another."""

import fcntl
import hashlib
import os
import stat
import tempfile
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from types import TracebackType
from typing import Self

from setpoint_hub.embedded.errors import (
    DataFolderForeignError,
    DataFolderInUseError,
    DataFolderIsFileError,
    DataFolderNotWritableError,
    DataFolderVersionError,
    RunFolderUnsafeError,
)

FORMAT = "1"
"""What the version file holds; rises when a later Setpoint cannot read what an earlier one wrote."""

LONGEST_SOCKET_NAME = ".s.PGSQL.5432"
_SOCKET_PATH_LIMIT = 100
"""The kernels' limits are 108 bytes on Linux and 104 on macOS, the closing zero included."""

_PRIVATE = 0o700
_PASSABLE = 0o711


class DataFolder:
    """A folder of ours, locked while the context manager is open.

    Entering creates what is missing: the folder with mode 0700, and its parents as `mkdir -p` would. What is
    neither an empty folder nor one of ours is refused with a DataFolderError. Nothing outside is changed.
    """

    def __init__(self, path: Path) -> None:
        # Resolved once: later changes of working directory or links must not move a live data folder.
        self.path = path.expanduser().resolve()
        self._lock: int | None = None
        self._short_run_folders: list[Path] = []

    def __enter__(self) -> Self:
        with _translated(self.path):
            self._create()
            self._refuse_foreign()
            self._acquire()
            try:
                self._stamp()
                self.close_to_others()
            except BaseException:
                self._release()
                raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        with suppress(OSError):
            self.close_to_others()
        for folder in self._short_run_folders:
            # Not empty means a server did not end; its socket must stay.
            with suppress(OSError):
                folder.rmdir()
        self._release()

    def subfolder(self, name: str) -> Path:
        """Give the private folder of a server inside, made when missing. Its owner is left as it is."""
        folder = self.path / name
        with _translated(folder):
            folder.mkdir(_PRIVATE, exist_ok=True)
        return folder

    def run_folder(self, uid: int | None = None) -> Path:
        """Give the folder for the sockets of servers that run as `uid` (by default as ourselves).

        Inside the data folder where a socket's path is short enough, else in the temporary folder, under a
        name that the next start finds again. Raises RunFolderUnsafeError unless it is private to `uid`.
        """
        owner = os.geteuid() if uid is None else uid
        inside = self.path / ("run" if owner == os.geteuid() else f"run-{owner}")
        if _fits_socket(inside):
            return _private_folder(inside, owner)
        digest = hashlib.sha256(os.fsencode(self.path)).hexdigest()[:12]
        short = _short_temporary_folder(f"setpoint-{owner}-{digest}")
        if short not in self._short_run_folders:
            self._short_run_folders.append(short)
        return _private_folder(short, owner)

    def let_pass(self) -> None:
        """Let other users pass through to what is theirs inside, and see nothing, until this is left."""
        self.path.chmod(_PASSABLE)

    def close_to_others(self) -> None:
        """Undo `let_pass`."""
        self.path.chmod(_PRIVATE)

    def _create(self) -> None:
        if self.path.exists() and not self.path.is_dir():
            raise DataFolderIsFileError(self.path)
        with suppress(FileExistsError):
            self.path.parent.mkdir(parents=True, exist_ok=True)
            self.path.mkdir(_PRIVATE)

    def _refuse_foreign(self) -> None:
        """Refuse before anything is written: a lock file alone is a start that was cut short."""
        names = {entry.name for entry in self.path.iterdir()}
        if "version" not in names and names - {"lock", "version.new"}:
            raise DataFolderForeignError(self.path)

    def _acquire(self) -> None:
        file = os.open(self.path / "lock", os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, 0o600)
        try:
            fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
            os.ftruncate(file, 0)
            os.write(file, f"{os.getpid()}\n".encode())
        except BlockingIOError as held:
            written = os.read(file, 32).strip()
            os.close(file)
            raise DataFolderInUseError(self.path, int(written) if written.isdigit() else None) from held
        except BaseException:
            os.close(file)
            raise
        self._lock = file

    def _release(self) -> None:
        """Give the lock up. Its file stays: without it, two processes could lock two files of one name."""
        if self._lock is not None:
            os.close(self._lock)
            self._lock = None

    def _stamp(self) -> None:
        """Check the version file, or write it: whole, since a folder with half of one would be refused."""
        version = self.path / "version"
        if version.exists():
            found = version.read_text(errors="replace").strip()[:40]
            if found != FORMAT:
                raise DataFolderVersionError(self.path, found, expected=FORMAT)
            return
        new = self.path / "version.new"
        new.write_text(f"{FORMAT}\n")
        new.replace(version)


@contextmanager
def _translated(path: Path) -> Generator[None]:
    """Turn the operating system's refusal into one that says what to do."""
    try:
        yield
    except OSError as refused:
        raise DataFolderNotWritableError(path, refused.strerror or str(refused)) from refused


def _fits_socket(folder: Path) -> bool:
    """Tell whether both servers and their clients can spell a socket in this folder."""
    # Lists of hosts and of folders are split at commas; URLs hold no control characters or broken UTF-8.
    spells = str(folder).isprintable() and "," not in str(folder)
    return spells and len(os.fsencode(folder / LONGEST_SOCKET_NAME)) <= _SOCKET_PATH_LIMIT


def _short_temporary_folder(name: str) -> Path:
    """Give a path in the user's temporary folder, or in the system's when even that is too long."""
    preferred = Path(tempfile.gettempdir()) / name
    return preferred if _fits_socket(preferred) else Path("/tmp") / name  # noqa: S108 - _private_folder checks it


def _private_folder(folder: Path, owner: int) -> Path:
    """Make the folder, or accept one that only `owner` can use."""
    with _translated(folder):
        with suppress(FileExistsError):
            folder.mkdir(_PRIVATE)
        found = folder.lstat()
        # Ours, where it should be another's, is what a start leaves that was killed before the chown below.
        trusted = found.st_uid in {owner, os.geteuid()}
        if not (stat.S_ISDIR(found.st_mode) and trusted and stat.S_IMODE(found.st_mode) & 0o077 == 0):
            raise RunFolderUnsafeError(folder)
        if found.st_uid != owner:
            os.chown(folder, owner, -1, follow_symlinks=False)
    return folder
