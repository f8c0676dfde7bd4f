"""What has changed in the model since the screens last looked."""

from dataclasses import dataclass, field
from enum import Enum, auto

from setpoint_tui.model.keys import KeyId

__all__ = ["Dirty", "Topic"]


class Topic(Enum):
    """A part of the model that a screen may depend on."""

    LINK = auto()
    """The state of the connection, who we are, the hub."""
    ENVIRONMENTS = auto()
    """Which environments there are, their protection or their revision."""
    KEYS = auto()
    """Which keys there are, or what holds of them everywhere."""
    VALUES = auto()
    """What keys hold: `Dirty.values` says which."""
    DETAIL = auto()
    """What was fetched about one key."""
    ACTIVITY = auto()
    FLEET = auto()
    WRITES = auto()
    """Our own writes, their receipts, and drafts."""
    SELECTION = auto()
    """Which environment, namespace or key the person is at."""
    REVIEWS = auto()
    """Which reviews there are."""


@dataclass(slots=True)
class Dirty:
    """A set of topics, and the (environment, key) of each value that changed."""

    topics: set[Topic] = field(default_factory=set[Topic])
    values: set[tuple[str, KeyId]] = field(default_factory=set[tuple[str, KeyId]])

    @classmethod
    def everything(cls) -> "Dirty":
        """What a screen is told that is shown again: look at all of it."""
        return cls(set(Topic))

    def mark(self, *topics: Topic) -> None:
        """Add topics."""
        self.topics.update(topics)

    def mark_value(self, env: str, key: KeyId) -> None:
        """Add one value."""
        self.topics.add(Topic.VALUES)
        self.values.add((env, key))

    def has(self, *topics: Topic) -> bool:
        """Whether any of these topics changed."""
        return not self.topics.isdisjoint(topics)

    def __bool__(self) -> bool:
        return bool(self.topics)
