"""`setpoint up`: a whole Setpoint on one machine, from one data folder; and `setpoint hub`, the hub of it alone."""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import Final

from setpoint_hub.database_users import let_in, user_of
from setpoint_hub.embedded import DataFolder, embedded_servers
from setpoint_hub.errors import StartRefused
from setpoint_hub.hub import Hub, open_hub
from setpoint_hub.rotation import rotate
from setpoint_hub.schema import apply_schema
from setpoint_hub.sealing import new_master_key
from setpoint_hub.settings import HubSettings, read_settings
from setpoint_hub.vault import master_keys

__all__ = ["Listen", "default_data_folder", "serve_hub", "up"]

log = logging.getLogger(__name__)

Report = Callable[[str], None]

MASTER_KEY: Final = "master.key"
ADMIN_TOKEN: Final = "admin.token"  # noqa: S105  # a file's name


@dataclass(frozen=True, slots=True)
class Listen:
    """Where to listen; None leaves it to the environment and the defaults."""

    host: str | None = None
    port: int | None = None
    allow_plaintext: bool | None = None


def default_data_folder() -> Path:
    """Return where `setpoint up` keeps its data unless told otherwise."""
    return _base("XDG_DATA_HOME", ".local/share") / "setpoint"


def _base(variable: str, usual: str) -> Path:
    """Return one of the XDG base directories; the specification has a relative path ignored."""
    given = Path(os.environ.get(variable, ""))
    return given if given.is_absolute() else Path.home() / usual


async def up(data: Path, listen: Listen, report: Report) -> None:
    """Run the whole stack until cancelled. Raises StartRefused and EmbeddedError, which say what to do."""
    given = (os.environ.get("SETPOINT_DATABASE_URL") or None, os.environ.get("SETPOINT_REDIS_URL") or None)
    with DataFolder(data) as folder:
        async with embedded_servers(folder, report=report, database_url=given[0], redis_url=given[1]) as servers:
            report("applying schema.sql")
            owner_url = (given[0] and os.environ.get("SETPOINT_OWNER_DATABASE_URL")) or servers.database_url
            await apply_schema(owner_url)
            if servers.hub_database_url != owner_url and (user := user_of(servers.hub_database_url)):
                await let_in(owner_url, user)
            settings = read_settings(
                database_url=servers.hub_database_url,
                redis_url=servers.redis_url,
                host=listen.host,
                port=listen.port,
                allow_plaintext=listen.allow_plaintext,
                admin_token_file=folder.path / ADMIN_TOKEN,
                master_key_file=_own_master_key(folder.path / MASTER_KEY),
            )
            if given[0] is None and len(master_keys(settings)) > 1:
                # No other hub can be on this database, so none lacks the new key.
                report(await rotate(settings))
            report("starting the hub")
            failing = asyncio.create_task(servers.watch_over())
            serving = asyncio.create_task(serve_hub(settings, report))
            await _first_of(serving, failing)


def _own_master_key(file: Path) -> Path | None:
    """Return the data folder's master key, made when there is none; None when the environment names one."""
    if any(os.environ.get(name) for name in ("SETPOINT_MASTER_KEY", "SETPOINT_MASTER_KEY_FILE")):
        return None
    if not file.exists():
        try:
            _write_privately(file, new_master_key() + "\n")
        except OSError as error:
            raise StartRefused(f"the master key cannot be written to {file}: {error}") from error
    return file


async def serve_hub(settings: HubSettings, report: Report) -> None:
    """Run one hub until cancelled; say where it listens once it is ready. Raises StartRefused."""
    async with open_hub(settings) as hub:
        telling = asyncio.create_task(_tell_when_ready(hub, settings.admin_token_file, report))
        try:
            with _findable(hub.address, settings.admin_token_file):
                await hub.run()
        finally:
            telling.cancel()


async def _tell_when_ready(hub: Hub, token_file: Path | None, report: Report) -> None:
    said = ""
    while (trouble := hub.trouble) is not None:
        # The first moments are not worth a word.
        if trouble != said and hub.waits:
            report(f"waiting: {trouble}")
            said = trouble
        await asyncio.sleep(0.02)
    if token_file is not None and await asyncio.to_thread(token_file.exists):
        report(f"the admin token is in {token_file}")
    report(f"listening on {hub.address}")


async def _first_of(*tasks: "asyncio.Task[None]") -> None:
    """Wait until the first task ends, end the others, and raise what ended it."""
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
        ended = await asyncio.gather(*tasks, return_exceptions=True)
    for outcome in ended:
        if isinstance(outcome, Exception):
            raise outcome


@contextmanager
def _findable(address: str, token_file: Path | None) -> Generator[None]:
    """Leave a note of a running hub where the command line of the same user looks for it."""
    if token_file is None:
        yield
        return
    folder = _base("XDG_STATE_HOME", ".local/state") / "setpoint" / "running"
    note = folder / f"{address.rpartition(':')[2]}.json"
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        told = {"url": address, "token_file": str(token_file.resolve()), "pid": os.getpid()}
        _write_privately(note, json.dumps(told))
    except OSError as error:
        # Without it the hub runs all the same; the command line then wants SETPOINT_TOKEN.
        log.warning("the command line will not find this hub by itself: %s", error)
    try:
        yield
    finally:
        with suppress(OSError):
            note.unlink()


def _write_privately(file: Path, content: str) -> None:
    with suppress(FileNotFoundError):
        file.unlink()
    with os.fdopen(os.open(file, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "w", encoding="utf-8") as opened:
        opened.write(content)
