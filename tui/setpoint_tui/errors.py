"""What the operators' tools raise beyond `setpoint.errors`.

SetpointError
├── InvalidSettings     an address, a token or an option that cannot be meant as it stands
├── InvalidFilter       a filter that cannot be meant as it stands; the message says what to write
├── InvalidFile         a file cannot be taken as it stands
├── NotFound            what was asked for is not there, found out on this side
├── Conflict            what was asked cannot be done as things stand, found out on this side
└── HubUnreachable
    └── AnswerLost      a request went out and no answer came: what became of it is not known
"""

from setpoint.errors import HubUnreachable, SetpointError

__all__ = ["AnswerLost", "Conflict", "InvalidFile", "InvalidFilter", "InvalidSettings", "NotFound"]


class InvalidSettings(SetpointError):
    """A setting cannot be used as it stands; the message says what to set instead."""


class InvalidFilter(SetpointError):
    """A filter cannot be read, or would take too long; the message says what to write instead."""


class InvalidFile(SetpointError):
    """A file cannot be taken as it stands; the message says what is wrong and where."""

    def __init__(self, reason: str, line: int | None = None) -> None:
        super().__init__(reason, line)
        self.reason = reason
        self.line = line

    def __str__(self) -> str:
        return self.reason if self.line is None else f"line {self.line}: {self.reason}"


class NotFound(SetpointError):
    """What was asked for is not there."""


class Conflict(SetpointError):
    """What was asked cannot be done as things stand: look again, then decide."""


class AnswerLost(HubUnreachable):
    """A request was sent and its answer never came: it may have been carried out."""
