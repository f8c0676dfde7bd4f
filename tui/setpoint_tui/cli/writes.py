"""What every command that changes values does around its write."""

import asyncio
import uuid
from typing import Any

from setpoint_tui.cli.output import note, waiting
from setpoint_tui.errors import InvalidSettings
from setpoint_tui.link import HubLink
from setpoint_tui.writing import Written, write

__all__ = ["check_wait", "forced", "protection", "write_once"]


def check_wait(wait: float, require_all: bool) -> None:
    """Refuse to require what there is no time to hear."""
    if require_all and wait == 0:
        raise InvalidSettings("--require-all needs time to hear from the instances: give --wait more than 0")


def forced(force: bool) -> dict[str, bool]:
    """Return what a write says when it may change a large part of an environment."""
    return {"force": True} if force else {}


def protection(ticket: str, break_glass: bool) -> dict[str, Any]:
    """Return what is stated for a protected environment, when it is: an older hub need not know of it."""
    return {**({"ticket": ticket} if ticket else {}), **({"break_glass": True} if break_glass else {})}


async def write_once(link: HubLink, method: str, params: dict[str, Any], wait: float) -> Written:
    """Make a write under a request id of its own, and tell that id to who interrupts it."""
    request_id = str(uuid.uuid4())
    try:
        with waiting("waiting for the instances to confirm"):
            return await write(link, method, params, request_id=request_id, wait=wait)
    except asyncio.CancelledError:
        note(f"interrupted: `setpoint status --request {request_id}` tells whether the change was made")
        raise
