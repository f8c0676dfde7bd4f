"""What a person typed after a command, taken apart: keys, values, positions."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from setpoint_tui.errors import InvalidSettings

__all__ = [
    "Assignment",
    "KeyName",
    "KeyPath",
    "is_id",
    "is_negative_number",
    "parse_assignments",
    "parse_keys",
    "parse_paths_or_keys",
    "parse_revision",
    "possible_names",
]

_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
_NEGATIVE_NUMBER = re.compile(r"-\.?[0-9].*", re.DOTALL)


@dataclass(frozen=True, slots=True)
class KeyName:
    """A key, by namespace and name."""

    namespace: str
    key: str

    def __str__(self) -> str:
        return f"{self.namespace}/{self.key}"


@dataclass(frozen=True, slots=True)
class KeyPath:
    """A key written as one word, NAMESPACE/KEY; where one ends and the other begins, the hub's keys tell."""

    text: str


@dataclass(frozen=True, slots=True)
class Assignment:
    """A key and the text of its new value, not yet read as the key's type."""

    name: KeyName | KeyPath
    text: str


def parse_assignments(words: Sequence[str]) -> list[Assignment]:
    """Read NS KEY VALUE, NS KEY=VALUE…, or NS/KEY=VALUE…. Raises InvalidSettings."""
    if "=" in words[0]:
        return [Assignment(KeyPath(name), text) for name, text in map(_split, words)]
    namespace, rest = words[0], words[1:]
    if not rest:
        raise InvalidSettings(f"{namespace!r} is a namespace alone: type NAMESPACE KEY VALUE")
    if "=" in rest[0]:
        return [Assignment(KeyName(namespace, name), text) for name, text in map(_split, rest)]
    match rest:
        case [key, text]:
            return [Assignment(KeyName(namespace, key), text)]
        case [key]:
            raise InvalidSettings(f"{namespace} {key} is given no value: type {namespace} {key} VALUE")
        case _:
            raise InvalidSettings(
                "too many words: quote a value that holds spaces, and type KEY=VALUE to set several keys"
            )


def parse_keys(words: Sequence[str]) -> list[KeyName | KeyPath]:
    """Read NS KEY…, or NS/KEY. Raises InvalidSettings."""
    if len(words) == 1:
        if "/" not in words[0]:
            raise InvalidSettings(f"{words[0]!r} is a namespace alone: type NAMESPACE KEY")
        return [KeyPath(words[0])]
    return [KeyName(words[0], key) for key in words[1:]]


def parse_paths_or_keys(words: Sequence[str]) -> list[KeyName | KeyPath]:
    """Read NS KEY…, or NS/KEY…: several words that all hold a slash are a path each. Raises InvalidSettings."""
    if len(words) > 1 and all("/" in word for word in words):
        return [KeyPath(word) for word in words]
    return parse_keys(words)


def possible_names(path: KeyPath) -> list[KeyName]:
    """Return every key that a path can mean, since both names may hold slashes.

    Raises InvalidSettings when there is none.
    """
    parts = path.text.split("/")
    names = [KeyName("/".join(parts[:cut]), "/".join(parts[cut:])) for cut in range(1, len(parts))]
    found = [name for name in names if name.namespace and name.key]
    if not found:
        raise InvalidSettings(f"{path.text!r} names no key: type NAMESPACE/KEY")
    return found


def parse_revision(text: str) -> int | None:
    """Return the revision that `r43` or `43` names, or None when it is something else."""
    digits = text.removeprefix("r")
    return int(digits) if digits.isascii() and digits.isdigit() and len(digits) <= 18 else None


def is_id(text: str) -> bool:
    """Whether a text is an id of the hub's, a UUID."""
    return _ID.fullmatch(text.lower()) is not None


def is_negative_number(word: str) -> bool:
    """Whether a word of the command line is a value such as -5 or -.5 rather than an option."""
    return _NEGATIVE_NUMBER.fullmatch(word) is not None


def _split(word: str) -> tuple[str, str]:
    name, equals, text = word.partition("=")
    if not equals or not name:
        raise InvalidSettings(f"{word[:80]!r} is not KEY=VALUE: give every key of the change set a value")
    return name, text
