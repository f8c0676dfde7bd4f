"""Taking a whole change set back, from any screen: what changed since is shown instead, when something has."""

from typing import TYPE_CHECKING

from setpoint.errors import SetpointError
from setpoint_tui.console.dialogs.changed_since import ChangedSinceDialog
from setpoint_tui.intents import Conflicted, Outcome
from setpoint_tui.model.notices import Severity
from setpoint_tui.model.place import Loading
from setpoint_tui.model.proposals import Proposal
from setpoint_tui.model.rolling_back import ChangedSince, changed_since, changed_since_conflicts, propose_set

if TYPE_CHECKING:
    from setpoint_tui.console.app import Console

__all__ = ["propose_or_explain", "roll_back_set"]


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
        _show_changed(console, since)
        return None
    return await propose_or_explain(console, propose_set(done, place.revision, place.held.get))


async def propose_or_explain(console: "Console", proposal: Proposal) -> Outcome | None:
    """Propose a rollback; of a conflict, show what has changed since."""
    outcome = await console.acting.propose(proposal)
    if isinstance(outcome, Conflicted):
        since = changed_since_conflicts(outcome.conflicts, proposal.intent.env, console.bridge.model.held)
        if since:
            _show_changed(console, since)
    return outcome


def _show_changed(console: "Console", since: list[ChangedSince]) -> None:
    console.push_screen(ChangedSinceDialog("nothing was rolled back", since))
