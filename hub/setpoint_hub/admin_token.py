"""The first admin token: in a file that only its owner reads, registered or made at the hub's start."""

import logging
import os
from pathlib import Path

from setpoint_hub.access import TOKEN_PREFIX, hash_token, new_token
from setpoint_hub.errors import StartRefused
from setpoint_hub.store.accounts import Accounts

__all__ = ["register_admin"]

log = logging.getLogger(__name__)


async def register_admin(accounts: Accounts, file: Path) -> None:
    """Make sure that there is an admin token: the one in the file, or a new one that is written there (0600)."""
    token = _read_secret(file)
    if token is None:
        if await accounts.has_admin():
            log.warning(
                "%s is not there, and an admin has a token: to add another, write it into that file first", file
            )
            return
        token = new_token()
        _write_secret(file, token)
        log.info("made the first admin token, in %s", file)
    if not token.startswith(TOKEN_PREFIX) or len(token) < 24:
        raise StartRefused(f"{file} holds no token: it starts with sp_ and has 24 characters or more")
    await accounts.add_admin(hash_token(token))


def _read_secret(file: Path) -> str | None:
    try:
        return file.read_text(encoding="ascii").strip()
    except FileNotFoundError:
        return None
    except (OSError, UnicodeDecodeError) as error:
        raise StartRefused(f"the admin token file {file} cannot be read: {error}") from error


def _write_secret(file: Path, token: str) -> None:
    try:
        descriptor = os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
        with os.fdopen(descriptor, "w", encoding="ascii") as opened:
            opened.write(token + "\n")
    except OSError as error:
        raise StartRefused(f"the admin token cannot be written to {file}: {error}") from error
