"""The terminal lent to the person's own editor, for the text of one value; the console goes on meanwhile."""

import asyncio
import os
import shlex
import shutil
import signal
import tempfile
import threading
from collections.abc import Generator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import FrameType

from textual.app import App, SuspendNotSupported

from setpoint_tui.errors import InvalidSettings
from setpoint_tui.text_safety import safe_text

__all__ = ["LentText", "edit_in_terminal", "editor_command"]

_LARGEST_FILE = 1024 * 1024
"""Bytes that are read back: no value is longer than a sixteenth of it."""
_STOP_SECONDS = 2.0


@dataclass(frozen=True, slots=True)
class LentText:
    """What the editor left, and what went wrong with it as a sentence that is safe to show, or nothing."""

    text: str
    trouble: str = ""


def editor_command(environ: Mapping[str, str]) -> list[str]:
    """Return the editor's words: VISUAL, else EDITOR, else vi or nano. Raises InvalidSettings when there is none."""
    for variable in ("VISUAL", "EDITOR"):
        named = environ.get(variable, "").strip()
        if named:
            try:
                return shlex.split(named)
            except ValueError as error:
                raise InvalidSettings(f"{variable} cannot be read as a command: {error}") from error
    for name in ("vi", "nano"):
        found = shutil.which(name)
        if found is not None:
            return [found]
    raise InvalidSettings("there is no editor here: name one in VISUAL or EDITOR")


async def edit_in_terminal(app: App[None], command: Sequence[str], text: str, suffix: str) -> LentText:
    """Let the person edit a text in the terminal, in a file that nobody else may read and that is gone afterwards.

    Never raises for what the editor or the terminal does: the text is returned with what went wrong.
    """
    try:
        with _private_file(text, suffix) as path:
            trouble = await _lend(app, [*command, str(path)])
            return _read_back(path, text, trouble)
    except (OSError, UnicodeError) as error:
        return LentText(text, f"there is no file to edit it in: {safe_text(str(error), limit=200)}")


async def _lend(app: App[None], command: Sequence[str]) -> str:
    cancelled = False
    try:
        # In this order: what would be drawn meanwhile waits for nobody to read it, and would block for ever.
        with app.batch_update(), app.suspend():
            trouble, cancelled = await _run(command)
    except SuspendNotSupported:
        return "this terminal cannot be lent to an editor"
    if cancelled:
        raise asyncio.CancelledError
    return trouble


async def _run(command: Sequence[str]) -> tuple[str, bool]:
    """Run the editor; return what went wrong, and whether we were cancelled. An exception here would hang the app."""
    process: asyncio.subprocess.Process | None = None
    try:
        with _interrupts_left_to_the_editor():
            process = await asyncio.create_subprocess_exec(*command)
            return _verdict(command[0], await process.wait()), False
    except asyncio.CancelledError:
        await _stop(process)
        return "", True
    except Exception as error:  # noqa: BLE001 - whatever it is, it must not leave the suspended app
        name, reason = safe_text(Path(command[0]).name, limit=60), safe_text(str(error), limit=200)
        return f"{name} could not be run: {reason}", False


def _verdict(name: str, code: int) -> str:
    shown = safe_text(Path(name).name, limit=60)
    if code < 0:
        return f"{shown} was ended by signal {-code}; what it had saved is here"
    return "" if code == 0 else f"{shown} ended with exit code {code}; what it had saved is here"


async def _stop(process: asyncio.subprocess.Process | None) -> None:
    if process is not None and process.returncode is None:
        with suppress(Exception):
            process.terminate()
            await asyncio.wait_for(process.wait(), _STOP_SECONDS)


@contextmanager
def _interrupts_left_to_the_editor() -> Generator[None]:
    """A ctrl+c in the editor reaches every process of the terminal; it is not meant for us."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    # A function and not SIG_IGN: what is ignored here would be ignored in the editor too.
    previous = signal.signal(signal.SIGINT, _leave_alone)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, previous)


def _leave_alone(_signal: int, _frame: FrameType | None) -> None:
    pass


@contextmanager
def _private_file(text: str, suffix: str) -> Generator[Path]:
    folder = Path(tempfile.mkdtemp(prefix="setpoint-"))
    try:
        path = folder / f"value{suffix}"
        handle = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(handle, "w", encoding="utf-8", newline="") as file:
            # Editors end a file with a newline: one is there from the start, and one is taken away at the end.
            file.write(f"{text}\n")
        yield path
    finally:
        shutil.rmtree(folder, ignore_errors=True)


def _read_back(path: Path, before: str, trouble: str) -> LentText:
    try:
        if path.stat().st_size > _LARGEST_FILE:
            return LentText(before, f"the file has grown over {_LARGEST_FILE:,} bytes: it was not taken over")
        with path.open(encoding="utf-8", newline="") as file:
            return LentText(file.read().removesuffix("\n"), trouble)
    except UnicodeDecodeError:
        return LentText(before, "the file is not UTF-8 any more: it was not taken over")
    except OSError as error:
        return LentText(before, f"the file cannot be read back: {safe_text(str(error), limit=200)}")
