"""Single keys from a terminal, without a line break and without an echo."""

import asyncio
import os
import sys
import termios
import tty
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

__all__ = ["pressed_keys"]


@asynccontextmanager
async def pressed_keys() -> AsyncGenerator[asyncio.Queue[str]]:
    """Give the keys as they are pressed; the terminal is put back at the end. Without a terminal none come."""
    keys: asyncio.Queue[str] = asyncio.Queue()
    if not sys.stdin.isatty():
        yield keys
        return
    terminal = sys.stdin.fileno()
    before = termios.tcgetattr(terminal)
    loop = asyncio.get_running_loop()

    def read() -> None:
        for character in os.read(terminal, 64).decode(errors="ignore"):
            keys.put_nowait(character)

    tty.setcbreak(terminal)
    loop.add_reader(terminal, read)
    try:
        yield keys
    finally:
        loop.remove_reader(terminal)
        termios.tcsetattr(terminal, termios.TCSADRAIN, before)
