"""What a key is, what it holds in an environment, and where on the screen we are."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from setpoint.protocol.values import ValueType, is_value_type
from setpoint_tui.answers import Key
from setpoint_tui.formatting import format_secret, format_value

__all__ = ["Facts", "Held", "KeyId", "held_of", "key_path"]

KeyId = tuple[str, str]
"""Namespace and key: how a key is named everywhere in the console."""


def key_path(key: KeyId) -> str:
    """Return a key as people write it: namespace/key."""
    return f"{key[0]}/{key[1]}"


@dataclass(frozen=True, slots=True)
class Facts:
    """What holds of a key in every environment."""

    namespace: str
    key: str
    type: str
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    secret: bool = False
    """Whether its values are shown as marks, everywhere and always."""

    @property
    def value_type(self) -> ValueType:
        """The type, as the protocol names it."""
        assert is_value_type(self.type)
        return self.type

    @property
    def id(self) -> KeyId:
        """The key's name."""
        return (self.namespace, self.key)

    @classmethod
    def of(cls, key: Key) -> "Facts":
        """Read them off an answer."""
        return cls(key.namespace, key.key, key.type, key.description, key.owner, key.tags, key.secret)


@dataclass(frozen=True, slots=True)
class Held:
    """The value that a key has in one environment, and since when."""

    type: str
    value: Any
    version: str
    revision: int
    at: datetime | None
    secret: bool = False
    """Whether the value is the mark of a secret."""

    @property
    def text(self) -> str:
        """The value on one line, safe to show."""
        return format_secret(self.value) if self.secret else format_value(self.type, self.value)


def held_of(key: Key) -> Held | None:
    """Return what `key.list` says that a key holds in the environment asked for; None: no value."""
    if key.version is None or key.revision is None:
        return None
    return Held(key.type, key.value, key.version, key.revision, key.at, key.secret)
