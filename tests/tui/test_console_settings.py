"""The console's settings file: hubs by name, keys, theme; every mistake is named."""

from pathlib import Path

import pytest

from setpoint_tui.console_settings import NamedHub, connection_of, read_console_settings
from setpoint_tui.errors import InvalidSettings


def write(tmp_path: Path, text: str) -> dict[str, str]:
    (tmp_path / "setpoint").mkdir(exist_ok=True)
    (tmp_path / "setpoint" / "console.toml").write_text(text)
    return {"HOME": str(tmp_path), "XDG_CONFIG_HOME": str(tmp_path)}


def test_without_a_file_everything_has_a_default(tmp_path: Path) -> None:
    found = read_console_settings({"HOME": str(tmp_path)})
    assert (found.hubs, found.keys, found.theme) == ({}, {}, None)
    assert found.path == tmp_path / ".config/setpoint/console.toml"
    assert found.state_folder == tmp_path / ".local/state/setpoint/console"


def test_hubs_keys_and_theme_are_read(tmp_path: Path) -> None:
    environ = write(
        tmp_path,
        'theme = "high-contrast"\ndefault_hub = "eu"\n[hubs.eu]\nurl = "https://eu.example"\ntoken_env = "EU"\n'
        '[keys]\nedit = "ctrl+e"\n',
    )
    found = read_console_settings(environ)
    assert found.hubs["eu"].url == "https://eu.example"
    assert found.keys == {"edit": "ctrl+e"}
    assert (found.theme, found.default_hub) == ("high-contrast", "eu")


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[hubs", "cannot be read"),
        ("colour = 1", "colour"),
        ('default_hub = "eu"', "no hub has that name"),
        ('[hubs."a b"]\nurl = "http://x"', "hubs"),
        ("[hubs.eu]\nurl = 1", "url"),
        ("[keys]\nedit = 1", "edit"),
    ],
)
def test_a_mistake_is_named(tmp_path: Path, text: str, said: str) -> None:
    with pytest.raises(InvalidSettings, match=said):
        read_console_settings(write(tmp_path, text))


def test_a_file_that_is_named_must_be_there(tmp_path: Path) -> None:
    with pytest.raises(InvalidSettings, match="there is no file"):
        read_console_settings({"SETPOINT_CONSOLE": str(tmp_path / "none.toml")})


def test_a_hub_takes_its_token_from_a_file_or_a_variable(tmp_path: Path) -> None:
    (tmp_path / "token").write_text("sp_abc\n")
    by_file = connection_of("eu", NamedHub(url="http://x", token_file=str(tmp_path / "token")), {})
    by_variable = connection_of("eu", NamedHub(url="http://x", token_env="EU"), {"EU": "sp_def"})
    assert (by_file.token, by_variable.token) == ("sp_abc", "sp_def")


def test_a_token_that_would_write_another_header_is_refused() -> None:
    with pytest.raises(InvalidSettings, match="holds no token") as refused:
        connection_of("eu", NamedHub(url="http://x", token_env="EU"), {"EU": "secret\r\nX: y"})
    assert "secret" not in str(refused.value)


def test_a_variable_that_is_not_set_is_named() -> None:
    with pytest.raises(InvalidSettings, match="EU, which is not set"):
        connection_of("eu", NamedHub(url="http://x", token_env="EU"), {})
