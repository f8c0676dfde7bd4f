"""Taking a whole change set back, from any screen: what changed since is shown instead, when something has."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from textual.content import Content

from setpoint.errors import SetpointError
from setpoint_tui.console.dialogs.tell import TellDialog
from setpoint_tui.console.telling import changed_since_lines
from setpoint_tui.console.widgets.bars import environment_badge
from setpoint_tui.formatting import format_revision
from setpoint_tui.intents import Outcome
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.place import Loading
from setpoint_tui.model.rolling_back import ChangedSince, changed_since, propose_set

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["roll_back_set"]


async def roll_back_set(console: "Console", env: str, revision: int) -> Outcome | None:
    """Put back everything that a change set changed, once the person has seen it against now. None: not done."""
    bridge = console.bridge
    try:
        done = await bridge.change_set(env, revision)
        await bridge.feed.load(env)
    except SetpointError as error:
        bridge.say(str(error), Severity.WARNING)
        return None
    place = bridge.model.places.get(env)
    if place is None or place.loading is not Loading.COMPLETE:
        bridge.say(f"what {env} holds now is not known yet: try again in a moment", Severity.WARNING)
        return None
    since = changed_since(done, place.held.get)
    if since:
        _show_changed(console, env, revision, since)
        return None
    return await console.acting.propose(propose_set(done, place.revision, place.held.get))


def _show_changed(console: "Console", env: str, revision: int, since: Sequence[ChangedSince]) -> None:
    badge = environment_badge(console.bridge.model, env)
    title = Content.assemble(badge, (f"  {format_revision(revision)} cannot be taken back whole", "bold"))
    console.push_screen(TellDialog(title, list(changed_since_lines(since))))
