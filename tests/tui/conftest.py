"""The command line in this process, against a real hub."""

import asyncio
import io
import json
import os
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from setpoint_tui.cli.boundary import run
from support.hubs import RunningHub


@dataclass(frozen=True)
class Ran:
    """What a command did."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """Its only document."""
        return json.loads(self.out)

    @property
    def lines(self) -> list[str]:
        """Its output, line by line."""
        return self.out.splitlines()


class CommandLine:
    """Runs `setpoint …` in a thread, so that the hub of the test goes on."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    async def __call__(self, *words: str, stdin: str = "") -> Ran:
        self._monkeypatch.setattr("sys.stdin", io.StringIO(stdin))
        code = await asyncio.to_thread(run, words)
        out, err = self._capsys.readouterr()
        return Ran(code, out, err)

    async def done(self, *words: str, stdin: str = "") -> Ran:
        """Run a command that must succeed."""
        ran = await self(*words, stdin=stdin)
        assert ran.code == 0, ran.err
        return ran


@pytest.fixture
def clean_environ(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> pytest.MonkeyPatch:
    """An environment without any hub or token, and a home of its own."""
    for name in os.environ:
        if name.startswith(("SETPOINT_", "XDG_")):
            monkeypatch.delenv(name)
    monkeypatch.setenv("HOME", str(tmp_path))
    monkeypatch.setenv("NO_COLOR", "1")
    return monkeypatch


@pytest.fixture
def command_line(clean_environ: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> CommandLine:
    """The command line without a hub."""
    return CommandLine(clean_environ, capsys)


@pytest.fixture
async def setpoint(command_line: CommandLine, clean_environ: pytest.MonkeyPatch, hub: RunningHub) -> CommandLine:
    """The command line with a hub, where `payments/max_retries` (int) exists without a value."""
    clean_environ.setenv("SETPOINT_URL", hub.address)
    clean_environ.setenv("SETPOINT_TOKEN", hub.token)
    await command_line.done("create", "payments", "max_retries", "--type", "int")
    return command_line
