"""YAML read without guessing: one document of plain mappings, lists and scalars, each with its line.

Refused are aliases and anchors (a small file could unfold without end), tags, several documents, keys that stand
twice, and words that YAML's versions read differently: `yes`, `010`, `1_000`, `~`, `2030-01-01`. What is left is JSON's
own words: null, true, false, its numbers; any other plain word is a string.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final, TypeAlias, cast

import yaml

from setpoint_tui.errors import InvalidFile

__all__ = ["Mapping", "Node", "Scalar", "Sequence", "read_yaml", "value_of"]

LARGEST_FILE: Final = 32 * 1024 * 1024
"""Characters."""
DEEPEST: Final = 40
"""Levels: those of the deepest value, and those of the file around it."""

_NUMBER = re.compile(r"-?(0|[1-9][0-9]*)(\.[0-9]+)?([eE][+-]?[0-9]+)?")
_WORDS: Final[dict[str, bool | None]] = {"null": None, "true": True, "false": False, "": None}
_LONGEST_INTEGER = 40
"""Digits; more than twice what 64 bits need, and far below what Python refuses to read."""

# libyaml's parser reads ten times faster and gives the same events; not every platform's wheel has it.
_Loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
_ambiguous: dict[str, list[tuple[str, re.Pattern[str]]]] = yaml.SafeLoader.yaml_implicit_resolvers
"""What a plain word is taken for by YAML 1.1, by its first character."""


@dataclass(frozen=True, slots=True)
class Scalar:
    """A scalar as it was written; `plain` when without quotes and not as a block."""

    text: str
    plain: bool
    line: int


@dataclass(frozen=True, slots=True)
class Sequence:
    """A list."""

    items: tuple["Node", ...]
    line: int


@dataclass(frozen=True, slots=True)
class Mapping:
    """A mapping; its keys are texts, whatever they look like."""

    members: dict[str, "Node"]
    lines: dict[str, int]
    """Where each key stands; its value may begin further down."""
    line: int


Node: TypeAlias = "Scalar | Sequence | Mapping"


def read_yaml(text: str) -> Node:
    """Read the one document of a text. Raises InvalidFile."""
    if len(text) > LARGEST_FILE:
        raise InvalidFile(f"the file holds {len(text):,} characters; the most allowed is {LARGEST_FILE:,}")
    try:
        return _document(_events(text))
    except yaml.MarkedYAMLError as error:
        mark = error.problem_mark or error.context_mark
        raise InvalidFile(f"not YAML: {error.problem or error.context}", mark.line + 1 if mark else None) from error
    except yaml.YAMLError as error:
        raise InvalidFile(f"not YAML: {str(error).splitlines()[0]}") from error


def value_of(node: Node) -> Any:
    """Return the JSON value that a node stands for. Raises InvalidFile for a word that can mean several things."""
    match node:
        case Scalar():
            return _scalar_value(node)
        case Sequence():
            return [value_of(item) for item in node.items]
        case Mapping():
            return {name: value_of(member) for name, member in node.members.items()}


def _events(text: str) -> Iterator[Any]:
    for event in cast("Iterator[Any]", yaml.parse(text, Loader=_Loader)):
        line = event.start_mark.line + 1
        if isinstance(event, yaml.AliasEvent) or getattr(event, "anchor", None) is not None:
            raise InvalidFile("aliases and anchors are not taken: write the value out in each place", line)
        if getattr(event, "tag", None) is not None:
            raise InvalidFile(f"tags such as {event.tag[:40]} are not taken: the key's type says what a value is", line)
        yield event


def _document(events: Iterator[Any]) -> Node:
    next(events)
    if isinstance(next(events), yaml.StreamEndEvent):
        raise InvalidFile("the file is empty")
    document = _node(next(events), events, depth=0)
    next(events)
    after = next(events)
    if not isinstance(after, yaml.StreamEndEvent):
        line = after.start_mark.line + 1
        raise InvalidFile("a second document begins here: one file holds one environment", line)
    return document


def _node(event: Any, events: Iterator[Any], *, depth: int) -> Node:
    line = event.start_mark.line + 1
    if isinstance(event, yaml.ScalarEvent):
        # A block or a quoted scalar is a string for certain.
        return Scalar(event.value, event.style in (None, ""), line)
    if depth >= DEEPEST:
        raise InvalidFile(f"nested more than {DEEPEST} levels deep", line)
    if isinstance(event, yaml.SequenceStartEvent):
        return Sequence(tuple(_items(events, depth=depth + 1)), line)
    return _mapping(line, events, depth=depth + 1)


def _items(events: Iterator[Any], *, depth: int) -> Iterator[Node]:
    for event in events:
        if isinstance(event, yaml.SequenceEndEvent):
            return
        yield _node(event, events, depth=depth)


def _mapping(line: int, events: Iterator[Any], *, depth: int) -> Mapping:
    members: dict[str, Node] = {}
    lines: dict[str, int] = {}
    for event in events:
        if isinstance(event, yaml.MappingEndEvent):
            break
        name, place = _name(event), event.start_mark.line + 1
        if name in members:
            raise InvalidFile(f"{name[:80]!r} stands twice: which one should hold?", place)
        lines[name] = place
        members[name] = _node(next(events), events, depth=depth)
    return Mapping(members, lines, line)


def _name(event: Any) -> str:
    line = event.start_mark.line + 1
    if not isinstance(event, yaml.ScalarEvent):
        raise InvalidFile("a list or a mapping cannot be a key", line)
    name: str = event.value
    if name == "<<" and event.style in (None, ""):
        raise InvalidFile("merge keys are not taken: write the members out", line)
    return name


def _scalar_value(scalar: Scalar) -> Any:
    text = scalar.text
    if not scalar.plain:
        return text
    if text in _WORDS:
        return _WORDS[text]
    number = _NUMBER.fullmatch(text)
    if number is not None:
        is_float = number[2] is not None or number[3] is not None or len(text) > _LONGEST_INTEGER
        return float(text) if is_float else int(text)
    if any(pattern.match(text) for _, pattern in _ambiguous.get(text[0], [])):
        raise InvalidFile(
            f"{text[:40]} can be read in several ways: put it in quotes if it is a text; "
            "otherwise write null, true, false, or a number as JSON has it",
            scalar.line,
        )
    return text
