"""Which hub the operator means, and with which token: the environment variables, read once at the entry."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

__all__ = ["DEFAULT_PORT", "DEFAULT_URL", "OperatorSettings", "read_settings"]

DEFAULT_PORT = 8430
DEFAULT_URL = f"http://127.0.0.1:{DEFAULT_PORT}"


@dataclass(frozen=True, slots=True)
class OperatorSettings:
    """What the environment says; None and empty are the same."""

    url: str | None
    """SETPOINT_URL: http, https, ws or wss. Without it, the hub that runs on this machine."""
    token: str | None = field(repr=False)
    """SETPOINT_TOKEN. It comes before a token file."""
    token_file: Path | None
    """SETPOINT_TOKEN_FILE: a file that holds the token alone."""
    default_token_file: Path
    """Where `setpoint up` without `--data` leaves its first admin token."""
    running_folder: Path
    """Where every running `setpoint up` keeps a record of its address and token file."""


def read_settings(environ: Mapping[str, str]) -> OperatorSettings:
    """Read the settings. Nothing is checked and no file is opened here."""
    token_file = environ.get("SETPOINT_TOKEN_FILE")
    return OperatorSettings(
        url=environ.get("SETPOINT_URL") or None,
        token=environ.get("SETPOINT_TOKEN") or None,
        token_file=Path(token_file).expanduser() if token_file else None,
        default_token_file=_folder(environ, "XDG_DATA_HOME", ".local/share") / "setpoint" / "admin.token",
        running_folder=_folder(environ, "XDG_STATE_HOME", ".local/state") / "setpoint" / "running",
    )


def _folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    # The XDG specification has a relative path in these variables ignored.
    named = environ.get(variable, "")
    if named.startswith("/"):
        return Path(named)
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / default
