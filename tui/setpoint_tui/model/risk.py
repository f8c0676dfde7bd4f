"""How much is asked before a write, by what the hub says of the environment and by what the write does."""

from enum import Enum, auto

from setpoint_tui.answers import Environment
from setpoint_tui.formatting import counted
from setpoint_tui.model.diff_lines import ABSENT
from setpoint_tui.model.model import Model
from setpoint_tui.model.proposals import Proposal
from setpoint_tui.text_safety import safe_text

__all__ = ["Rung", "policy_sentence", "role_refuses_because", "rung_of", "title_of_button"]


class Rung(Enum):
    """A step of the ladder."""

    ONE_KEY = auto()
    """One value of an unprotected environment: the diff and `y`."""
    COUNTED = auto()
    """Many keys, or a value that is taken away: counts, and the focus is on Cancel."""
    PROTECTED = auto()
    """A reason, and the environment's name typed."""


def rung_of(proposal: Proposal, *, protected: bool) -> Rung:
    """Return how a proposal is to be confirmed."""
    if protected:
        return Rung.PROTECTED
    if len(proposal.changes) == 1 and proposal.changes[0].new is not ABSENT:
        return Rung.ONE_KEY
    return Rung.COUNTED


def policy_sentence(environment: Environment | None) -> str | None:
    """Say what becomes of a write to an environment by the hub's rules; None: it is simply made."""
    if environment is None or not environment.protected:
        return None
    if environment.required_approvals == 0:
        return "protected: will be sent for review, not applied; it needs no approval there"
    return f"{counted(environment.required_approvals, 'approval')}: will be sent for review, not applied"


def title_of_button(proposal: Proposal, environment: Environment | None) -> str:
    """Return what the button that writes is called: what it does, and to how many keys."""
    if proposal.intent.method == "review.apply":
        return "Apply"
    if policy_sentence(environment) is not None:
        return "Send for review"
    number = len(proposal.changes)
    deleted = sum(1 for change in proposal.changes if change.new is ABSENT)
    if proposal.intent.method == "set" and deleted == number:
        return f"Delete {counted(number, 'value')}"
    return "Write" if number == 1 else f"Write {counted(number, 'change')}"


def role_refuses_because(model: Model, env: str | None = None) -> str | None:
    """Return why our token may not change anything in an environment, or, without one, anywhere; None: it may.

    The hub has the last word; this only says beforehand what it would say.
    """
    who = model.whoami
    if who is None:
        return None
    powers = [one for name, one in who.may.items() if env in (None, name)]
    if who.role != "reader" and (any(one.write or one.propose for one in powers) or not who.may):
        return None
    if who.role != "reader" and not powers:
        return f"your token does not reach {safe_text(env or 'any environment', limit=60)}"
    return f"your token's role is {safe_text(who.role, limit=40)}: this takes the role editor"
