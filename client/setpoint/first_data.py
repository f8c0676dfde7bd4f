"""What a client runs before any hub has answered: what the disk has, else what the service brought along."""

import logging
import time
from collections.abc import Iterable
from os import PathLike
from pathlib import Path

from setpoint.addresses import Address
from setpoint.bootstrap import Bootstrap, read_bootstrap
from setpoint.disk import Disk
from setpoint.errors import InvalidValue
from setpoint.settings import Identity, Timing
from setpoint.snapshot_file import SnapshotFile, default_directory
from setpoint.status import Links
from setpoint.store import Store

__all__ = ["begin_with_bootstrap", "begin_with_disk", "open_disk"]

_log = logging.getLogger("setpoint")


def open_disk(
    snapshot_dir: str | PathLike[str] | None, identity: Identity, addresses: Iterable[Address], timing: Timing
) -> Disk | None:
    """Return the disk to keep snapshots on, not yet started; None when nothing is to be kept."""
    quiet = snapshot_dir == "auto"
    directory = default_directory() if quiet or snapshot_dir is None else Path(snapshot_dir)
    if snapshot_dir is None or directory is None:
        return None
    hubs = sorted({f"{'https' if each.secure else 'http'}://{each}{each.prefix}" for each in addresses})
    whose = (identity.service, identity.env, *sorted(set(identity.namespaces)), *hubs)
    file = SnapshotFile(directory.absolute(), whose)
    return Disk(file, whose, healthy_after=timing.healthy, spacing=timing.disk_spacing, quiet=quiet)


def begin_with_disk(disk: Disk, store: Store, links: Links, timing: Timing) -> bool:
    """Run what the disk has; say whether it had something that runs."""
    loaded = disk.load(timing.disk)
    if loaded is None or loaded.held.env != store.content.held.env:
        return False
    links.written = time.monotonic() - loaded.age_seconds
    if not store.begin(loaded.held, "disk"):
        return False
    revision = loaded.held.revision
    _log.info("starting at revision %d from disk, written %d s ago", revision, loaded.age_seconds)
    if loaded.barred is not None:
        reason = (
            f"revision {loaded.barred.revision} is not taken: "
            f"three starts in a row did not last on it; revision {revision} runs instead"
        )
        store.bar(loaded.barred, reason)
        _log.error("%s", reason)
    return True


def begin_with_bootstrap(bootstrap: Bootstrap, identity: Identity, store: Store) -> None:
    """Run the values that the service brought along, if there are any and they are sound."""
    try:
        held = read_bootstrap(bootstrap, identity.env, identity.namespaces)
    except InvalidValue as error:
        _log.warning("the bootstrap values are ignored: %s", error)
        return
    if held is not None:
        store.begin(held, "bootstrap")
