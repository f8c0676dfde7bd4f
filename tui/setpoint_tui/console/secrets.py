"""Secrets as a person meets them: shown for a while and on record, typed hidden, copied when asked twice."""

import time
from typing import TYPE_CHECKING

from textual.content import Content

from setpoint.errors import SetpointError
from setpoint_tui.console.dialogs.ask import AskDialog
from setpoint_tui.console.dialogs.secret import SecretDialog
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.formatting import copied_value
from setpoint_tui.intents import Outcome
from setpoint_tui.model.diff_lines import ABSENT
from setpoint_tui.model.dirty import Topic
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.keys import Held, KeyId, key_path
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.proposals import Proposal, ProposedChange
from setpoint_tui.model.revealed import REVEALED_SECONDS
from setpoint_tui.revealing import reveal
from setpoint_tui.text_safety import safe_text

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["copy_secret", "edit_secret", "reveal_secret"]


async def reveal_secret(console: "Console", env: str, key: KeyId) -> None:
    """Show a secret's value for a while, or mask it again; the hub records who asked before it answers."""
    path, bridge, hub = safe_text(key_path(key), limit=120), console.bridge, console.bridge.feed.connection
    held, revealed = bridge.model.held(env, key), bridge.model.revealed
    if held is not None and revealed.left(env, key, held.version, time.monotonic()):
        revealed.mask(0.0, at_once=True)
        bridge.model.dirty.mark(Topic.DETAIL)
        bridge.say(f"{path} is masked again", Severity.SUCCESS)
        return
    title = Content.assemble(environment_badge(bridge.model, env), (f"  reveal {path}", "bold"))
    lines = [
        Content(f"It is shown here for {REVEALED_SECONDS:.0f} seconds, and this is on record: who, what and when.")
    ]
    if not await console.push_screen_wait(AskDialog(title, lines, "Reveal")):
        return
    if bridge.feed.connection is not hub:
        bridge.say("nothing was revealed: the console went over to another hub meanwhile", Severity.WARNING)
        return
    try:
        found = await reveal(bridge.feed, env, key)
    except SetpointError as error:
        bridge.say(f"{path} is not revealed: {safe_text(str(error), limit=400)}", Severity.ERROR)
        return
    bridge.model.revealed.show(env, key, found.version, found.value, time.monotonic())
    bridge.model.dirty.mark(Topic.DETAIL)
    bridge.say(f"{path} is shown for {REVEALED_SECONDS:.0f} s; that you looked is on record", Severity.WARNING)
    console.set_timer(REVEALED_SECONDS + 0.1, lambda: _mask(console))


async def copy_secret(console: "Console", env: str, key: KeyId, held: Held) -> None:
    """Put a secret that is on show on the clipboard, once this is agreed to."""
    revealed, path = console.bridge.model.revealed, safe_text(key_path(key), limit=120)
    if not revealed.left(env, key, held.version, time.monotonic()):
        console.bridge.say(f"{path} is a secret: {console.key_of('reveal')} reveals it first", Severity.WARNING)
        return
    title = Content.assemble(environment_badge(console.bridge.model, env), (f"  copy {path}", "bold"))
    lines = [Content("Other programs can read the clipboard, and some keep what was on it.")]
    if not await console.push_screen_wait(AskDialog(title, lines, "Copy")):
        return
    if revealed.left(env, key, held.version, time.monotonic()):
        console.copy(copied_value(held.type, revealed.value), f"the secret {path}")
    else:
        console.bridge.say(f"{path} is masked again: reveal it once more to copy it", Severity.WARNING)


async def edit_secret(console: "Console", env: str, key: KeyId) -> Outcome | None:
    """Have a secret typed and written; what is shown of it is that it changes. None: it was not written."""
    model = console.bridge.model
    held = model.held(env, key)
    submission = await console.push_screen_wait(SecretDialog(env, model.facts[key], held))
    if submission is None:
        return None
    path = safe_text(key_path(key), limit=120)
    change = {
        "namespace": key[0],
        "key": key[1],
        "value": submission.value,
        "expected_version": submission.base.version,
    }
    params = {"env": env, "changes": [change], "note": submission.note, **submission.terms}
    old = ABSENT if held is None else held.text
    shown = (ProposedChange(key, "string", old, "another secret, not shown"),)
    intent = Intent("set", params, env, f"set {path}", (key,))
    return await console.acting.propose(Proposal(intent, f"set {path}", shown, asks_note=False))


def _mask(console: "Console") -> None:
    if console.bridge.model.revealed.mask(time.monotonic()):
        console.bridge.model.dirty.mark(Topic.DETAIL)
