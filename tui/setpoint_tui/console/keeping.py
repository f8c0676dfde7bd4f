"""Confirming a change that takes itself back unless somebody does."""

import time
from typing import TYPE_CHECKING

from setpoint.errors import SetpointError
from setpoint_tui.expiring import confirm_change
from setpoint_tui.formatting import format_countdown, format_revision
from setpoint_tui.model.notices import Severity
from setpoint_tui.protected_answers import TemporaryChange
from setpoint_tui.text_safety import safe_text

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["keep_change"]


async def keep_change(console: "Console", change: TemporaryChange) -> None:
    """Tell the hub that a change stays, and say so. A protected environment has to be armed."""
    bridge, env = console.bridge, change.env
    where = f"{safe_text(env, limit=60)} {format_revision(change.revision)}"
    if bridge.model.is_protected(env) and not bridge.model.arming.left(env, time.monotonic()):
        arm = console.key_of("arm")
        bridge.say(
            f"{where} is not confirmed: {safe_text(env, limit=60)} is not armed, {arm} arms it", Severity.WARNING
        )
        return
    try:
        await confirm_change(bridge.feed, env, change.revision)
    except SetpointError as error:
        bridge.say(f"{where} is not confirmed: {error}", Severity.ERROR)
    else:
        due = bridge.model.temporary.expiry_of(env, change.revision)
        until = "" if due is None else f" until it expires, in {format_countdown(due.left(time.monotonic()))}"
        bridge.say(f"{where} is confirmed: it stays{until}", Severity.SUCCESS)
