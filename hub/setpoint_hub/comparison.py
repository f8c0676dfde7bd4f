"""Two environments side by side, key by key: what differs, which side is newer, what could be promoted. Pure."""

from dataclasses import dataclass, field
from datetime import datetime
from typing import Literal
from uuid import UUID

from setpoint.errors import InvalidValue
from setpoint.protocol.names import Revision
from setpoint.protocol.values import decode_value, encode_value
from setpoint_hub.sealing import Wrapped, masked_text
from setpoint_hub.store.keys import Key

__all__ = ["Difference", "Position", "Side", "State", "problem_with"]

State = Literal["same", "changed", "only_source", "only_target"]


@dataclass(frozen=True, slots=True)
class Position:
    """An environment at the revision that is looked at."""

    env: str
    revision: Revision
    protected: bool
    required_approvals: int


@dataclass(frozen=True, slots=True)
class Side:
    """What a key's last change in one environment, up to a revision, left behind; `version` None: no value."""

    version: UUID | None
    text: str | None
    revision: Revision
    by_id: int
    by_name: str
    at: datetime
    note: str
    wrapped: Wrapped | None = None
    """What opens the text, when it is sealed."""
    clear: str | None = field(default=None, repr=False)
    """A secret's value in the clear, where it is to be promoted."""


@dataclass(frozen=True, slots=True)
class Difference:
    """One key in both environments; a side is None where the key was never set.

    Values are equal as canonical text, those of secrets by their fingerprints.
    """

    key: Key
    source: Side | None
    target: Side | None
    constraints: str | None = None
    broken: str | None = None
    """What of the constraints keeps the source's value out of the target; see `Judge`."""

    @property
    def state(self) -> State:
        """Where there is a value, and whether it is the same."""
        source, target = self._text(self.source), self._text(self.target)
        if source == target:
            return "same"
        if source is None:
            return "only_target"
        return "only_source" if target is None else "changed"

    @property
    def newer_in_target(self) -> bool:
        """Whether the target changed later than the source; a deletion is a change, no change at all is earliest."""
        if self.target is None:
            return False
        return self.source is None or self.target.at > self.source.at

    @property
    def problem(self) -> str | None:
        """Why the source's value cannot be promoted as it stands; None when it can, or when there is none."""
        text = self._text(self.source)
        if text is None or self.broken is not None or self.key.secret:
            return self.broken
        return problem_with(self.key, text)

    def _text(self, side: Side | None) -> str | None:
        if side is None or side.text is None:
            return None
        return masked_text(side.text) if self.key.secret else side.text


def problem_with(key: Key, text: str) -> str | None:
    """Say what keeps a stored value (canonical JSON) from being active for this key; None when nothing does.

    The database holds values to their key's type; what came in past the hubs may still break a limit of theirs.
    """
    try:
        encode_value(key.type, decode_value(text))
    except InvalidValue as error:
        return error.reason
    return None
