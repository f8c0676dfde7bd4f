"""What the hub will make of a proposal by its rules, as far as can be known beforehand. Pure."""

import re
from enum import Enum, auto

from setpoint_tui.formatting import format_revision, format_span
from setpoint_tui.model.conflicts import last_change
from setpoint_tui.model.model import Model
from setpoint_tui.model.proposals import Proposal
from setpoint_tui.model.risk import policy_sentence, title_of_button

__all__ = ["Becomes", "becomes", "button_of", "may_break_glass", "terms_sentence", "what_becomes"]

_OF_REVIEW = re.compile(r"(?:break glass: )?review ([0-9]{1,18})")


class Becomes(Enum):
    """What a proposal turns into."""

    CHANGE = auto()
    """It is made: the environment is not protected."""
    REVIEW = auto()
    APPLIED = auto()
    """It is a review already, and is applied."""
    TAKEN_BACK = auto()
    """It takes the newest change of a protected environment back, and one approver is enough for that."""


def becomes(model: Model, proposal: Proposal) -> Becomes:
    """Return what a proposal turns into. The hub has the last word."""
    if proposal.intent.method == "review.apply":
        return Becomes.APPLIED
    if not model.is_protected(proposal.intent.env):
        return Becomes.CHANGE
    return Becomes.TAKEN_BACK if _takes_back_anothers(model, proposal) else Becomes.REVIEW


def what_becomes(model: Model, proposal: Proposal, *, glass: bool) -> str | None:
    """Say what becomes of a proposal; None: it is simply made."""
    env = proposal.intent.env
    if glass:
        return "past review: it is made at once, and everybody who is connected is told"
    match becomes(model, proposal):
        case Becomes.APPLIED if proposal.needs_glass:
            # Not made as it stands, and what is missing is told by who asks for it.
            return None
        case Becomes.APPLIED:
            return "approved: it is made at once, as one change set"
        case Becomes.TAKEN_BACK:
            newest = format_revision(model.revision(env))
            return f"{newest} is the newest change, and not yours: an approver takes it back at once, without a review"
        case _:
            return policy_sentence(model.environments.get(env))


def terms_sentence(proposal: Proposal) -> str | None:
    """Say when a change will take itself back; None: it stays."""
    terms = {**proposal.terms, **proposal.intent.params}
    expires, within = (terms.get(name) for name in ("expires_in", "confirm_within"))
    said: list[str] = []
    if isinstance(expires, (int, float)):
        said.append(f"after {format_span(expires)}")
    if isinstance(within, (int, float)):
        said.append(f"unless it is confirmed within {format_span(within)}")
    return f"takes itself back {', and '.join(said)}" if said else None


def button_of(model: Model, proposal: Proposal, *, glass: bool) -> str:
    """Return what the button is called that sends a proposal."""
    if glass:
        return "Break the glass"
    if becomes(model, proposal) is Becomes.TAKEN_BACK:
        return "Roll back now"
    return title_of_button(proposal, model.environments.get(proposal.intent.env))


def may_break_glass(model: Model, env: str) -> bool:
    """Whether our token may change a protected environment without a review."""
    who = model.whoami
    if who is None or not model.is_protected(env):
        return False
    powers = who.may.get(env)
    return who.role == "admin" if powers is None else powers.administer


def _takes_back_anothers(model: Model, proposal: Proposal) -> bool:
    intent, who = proposal.intent, model.whoami
    powers = None if who is None else who.may.get(intent.env)
    if intent.method != "rollback" or who is None or powers is None or not powers.approve:
        return False
    newest = next((one for one in reversed(model.activity) if one.env == intent.env), None)
    if newest is None or newest.revision != model.revision(intent.env):
        return False
    if intent.params.get("change_set") != newest.revision and not _to_the_one_before(model, proposal):
        return False
    found = _OF_REVIEW.match(newest.how)
    review = None if found is None else model.reviews.known.get(int(found[1]))
    # Who proposed it counts as its author; where that is not known here, the hub's word decides.
    return (newest.by.id if review is None else review.author.id) != who.user.id


def _to_the_one_before(model: Model, proposal: Proposal) -> bool:
    """Whether one key goes back to what it held just before the newest change."""
    intent = proposal.intent
    if len(intent.keys) != 1:
        return False
    last = last_change(model, intent.env, intent.keys[0])
    if last is None or last.revision != model.revision(intent.env):
        return False
    return any(
        (change.namespace, change.key) == intent.keys[0] and change.previous_version == intent.params.get("version")
        for change in last.changes
    )
