"""What the operators' tools raise beyond `setpoint.errors`.

SetpointError
├── InvalidSettings     an address, a token or an option that cannot be meant as it stands
├── InvalidFilter       a filter that cannot be meant as it stands; the message says what to write
├── NotFound            what was asked for is not there, found out on this side
└── HubUnreachable
    └── AnswerLost      a request went out and no answer came: what became of it is not known
"""

from setpoint.errors import HubUnreachable, SetpointError

__all__ = ["AnswerLost", "InvalidFilter", "InvalidSettings", "NotFound"]


class InvalidSettings(SetpointError):
    """A setting cannot be used as it stands; the message says what to set instead."""


class InvalidFilter(SetpointError):
    """A filter cannot be read, or would take too long; the message says what to write instead."""


class NotFound(SetpointError):
    """What was asked for is not there."""


class AnswerLost(HubUnreachable):
    """A request was sent and its answer never came: it may have been carried out."""
