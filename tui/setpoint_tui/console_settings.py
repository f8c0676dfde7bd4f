"""The console's own settings: the hubs by name, the keys, the theme. One TOML file, read once at the start."""

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Annotated, Any

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from setpoint.protocol.validation import explain
from setpoint_tui.address import parse_address
from setpoint_tui.connection import Connection, checked_token, read_token_file
from setpoint_tui.errors import InvalidSettings

__all__ = ["ConsoleSettings", "NamedHub", "connection_of", "read_console_settings"]

_NAME = r"^[A-Za-z0-9._-]{1,40}$"


class _Part(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, hide_input_in_errors=True)


class NamedHub(_Part):
    """A hub that can be switched to by its name."""

    url: str
    token_file: str | None = None
    """A file that holds the token alone."""
    token_env: str | None = None
    """An environment variable that holds it."""


class _File(_Part):
    hubs: dict[Annotated[str, Field(pattern=_NAME)], NamedHub] = Field(default_factory=dict[str, NamedHub])
    keys: dict[str, str] = Field(default_factory=dict[str, str])
    theme: str | None = None
    default_hub: str | None = None


@dataclass(frozen=True, slots=True)
class ConsoleSettings:
    """What the file and the environment say; every part has a default."""

    hubs: Mapping[str, NamedHub] = field(default_factory=dict[str, NamedHub])
    keys: Mapping[str, str] = field(default_factory=dict[str, str])
    """Key by the id of an action: `edit = "ctrl+e"`."""
    theme: str | None = None
    default_hub: str | None = None
    path: Path | None = None
    """The file, whether it is there or not."""
    state_folder: Path = Path(".setpoint-console")
    """Where what a console leaves behind is kept."""


def read_console_settings(environ: Mapping[str, str]) -> ConsoleSettings:
    """Read `console.toml`; SETPOINT_CONSOLE names another file. Raises InvalidSettings with the line or the member."""
    named = environ.get("SETPOINT_CONSOLE")
    path = Path(named).expanduser() if named else _folder(environ, "XDG_CONFIG_HOME", ".config") / "console.toml"
    state = _folder(environ, "XDG_STATE_HOME", ".local/state") / "console"
    try:
        found: Any = tomllib.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        if named:
            raise InvalidSettings(f"there is no file {path}: SETPOINT_CONSOLE names it") from None
        return ConsoleSettings(path=path, state_folder=state)
    except (OSError, UnicodeDecodeError, tomllib.TOMLDecodeError) as error:
        raise InvalidSettings(f"{path} cannot be read: {error}") from error
    try:
        file = _File.model_validate(found)
    except ValidationError as error:
        raise InvalidSettings(f"{path}: {explain(error)}") from error
    if file.default_hub is not None and file.default_hub not in file.hubs:
        raise InvalidSettings(f"{path}: default_hub is {file.default_hub!r}, and no hub has that name")
    return ConsoleSettings(file.hubs, file.keys, file.theme, file.default_hub, path, state)


def connection_of(name: str, hub: NamedHub, environ: Mapping[str, str]) -> Connection:
    """Return the way to a hub of the file. Raises InvalidSettings when its address or token cannot be used."""
    address = parse_address(hub.url)
    if hub.token_env is not None:
        token = environ.get(hub.token_env)
        if not token:
            raise InvalidSettings(f"the hub {name} wants its token in {hub.token_env}, which is not set")
        return Connection(address, checked_token(token, hub.token_env), hub.token_env)
    if hub.token_file is not None:
        path = Path(hub.token_file).expanduser()
        return Connection(address, read_token_file(path), str(path))
    return Connection(address, None, f"token_file and token_env of the hub {name}")


def _folder(environ: Mapping[str, str], variable: str, default: str) -> Path:
    named = environ.get(variable, "")
    if named.startswith("/"):
        return Path(named) / "setpoint"
    home = environ.get("HOME")
    return (Path(home) if home else Path.home()) / default / "setpoint"
