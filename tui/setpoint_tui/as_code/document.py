"""One environment as a file: what it says, how it is read and how it is written.

setpoint: 1
env: production
revision: 43
namespaces:
  payments:
    max_retries:
      type: int
      value: 3
"""

from collections.abc import Callable, Iterator
from collections.abc import Mapping as ReadOnly
from dataclasses import dataclass
from typing import Final

from setpoint.errors import InvalidName, InvalidValue
from setpoint.protocol.messages import Entry
from setpoint.protocol.names import check_environment, check_key, check_namespace
from setpoint.protocol.values import VALUE_TYPES, Json, ValueType, check_value, encode_value, is_value_type
from setpoint_tui.as_code.strict_yaml import Mapping, Node, Scalar, read_yaml, value_of
from setpoint_tui.as_code.yaml_text import name_text, value_lines
from setpoint_tui.errors import InvalidFile

__all__ = ["EnvironmentFile", "Setting", "read_file", "write_file"]

FORMAT: Final = 1
"""What `setpoint:` says: it rises when a file of today would be read differently."""

_MEMBERS: Final = {"setpoint", "env", "revision", "namespaces"}


@dataclass(frozen=True, slots=True)
class Setting:
    """A key's type and value; `text` is the value as canonical JSON, `line` where it stands in the file."""

    type: ValueType
    value: Json
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class EnvironmentFile:
    """What a file says of an environment; `revision` is the one that it was exported at, if it tells."""

    env: str
    revision: int | None
    namespaces: dict[str, dict[str, Setting]]


def write_file(env: str, revision: int, namespaces: ReadOnly[str, ReadOnly[str, Entry]]) -> str:
    """Return the text of a file, in order of name; a namespace without values is left out."""
    return "".join(f"{line}\n" for line in _lines(env, revision, namespaces))


def read_file(text: str) -> EnvironmentFile:
    """Read a file. Raises InvalidFile for anything that is not clear, with the line where it stands."""
    file = _mapping(read_yaml(text), "the file")
    _check_format(file)
    _refuse_unknown(file, _MEMBERS, "the file")
    members = file.members
    if "env" not in members:
        raise InvalidFile("the file does not say which environment it is for: give it env: NAME")
    if "namespaces" not in members:
        raise InvalidFile("the file holds no namespaces: give it namespaces: {} if that is meant")
    namespaces = _mapping(members["namespaces"], "namespaces")
    return EnvironmentFile(
        env=_env(members["env"]),
        revision=_revision(members["revision"]) if "revision" in members else None,
        namespaces={
            _named(name, check_namespace, namespaces.lines[name]): _namespace(name, node)
            for name, node in namespaces.members.items()
        },
    )


def _lines(env: str, revision: int, namespaces: ReadOnly[str, ReadOnly[str, Entry]]) -> Iterator[str]:
    yield f"setpoint: {FORMAT}"
    yield f"env: {name_text(env)}"
    yield f"revision: {revision}"
    held = {name: keys for name, keys in sorted(namespaces.items()) if keys}
    yield "namespaces:" if held else "namespaces: {}"
    for namespace, keys in held.items():
        yield f"  {name_text(namespace)}:"
        for key, entry in sorted(keys.items()):
            yield f"    {name_text(key)}:"
            yield f"      type: {entry.type}"
            for line in value_lines("value", entry.value):
                yield f"      {line}" if line else ""


def _check_format(file: Mapping) -> None:
    if "setpoint" not in file.members:
        raise InvalidFile(f"this is no file of setpoint export: such a file begins with setpoint: {FORMAT}")
    found = value_of(file.members["setpoint"])
    if isinstance(found, bool) or found != FORMAT:
        raise InvalidFile(
            f"setpoint: {str(found)[:40]} is a format that is not known here, only {FORMAT} is: use a newer setpoint",
            file.lines["setpoint"],
        )


def _env(node: Node) -> str:
    # Whatever a name looks like, it is a text.
    if not isinstance(node, Scalar):
        raise InvalidFile("env is the name of an environment", node.line)
    return _named(node.text, check_environment, node.line)


def _revision(node: Node) -> int:
    found = value_of(node)
    if isinstance(found, int) and not isinstance(found, bool) and 0 <= found < 2**62:
        return found
    raise InvalidFile("revision is a whole number", node.line)


def _namespace(namespace: str, node: Node) -> dict[str, Setting]:
    keys = _mapping(node, namespace)
    return {
        _named(key, check_key, keys.lines[key]): _setting(f"{namespace}/{key}", found)
        for key, found in keys.members.items()
    }


def _setting(name: str, node: Node) -> Setting:
    found = _mapping(node, name)
    _refuse_unknown(found, {"type", "value"}, name)
    for member in ("type", "value"):
        if member not in found.members:
            raise InvalidFile(f"{name} has no {member}", found.line)
    value_type, line = _type(name, found.members["type"]), found.lines["value"]
    given = value_of(found.members["value"])
    try:
        value = check_value(value_type, given)
        text = encode_value(value_type, value)
    except InvalidValue as error:
        advice = ": put it in quotes" if value_type == "string" and isinstance(given, int | float) else ""
        raise InvalidFile(f"{name}: {error.reason}{advice}", line) from error
    return Setting(value_type, value, text, line)


def _type(name: str, node: Node) -> ValueType:
    found = value_of(node)
    if isinstance(found, str) and is_value_type(found):
        return found
    raise InvalidFile(f"{name}: {str(found)[:40]!r} is no type: choose one of {', '.join(VALUE_TYPES)}", node.line)


def _mapping(node: Node, what: str) -> Mapping:
    if isinstance(node, Mapping):
        return node
    raise InvalidFile(f"{what} is not a mapping of names to what they hold", node.line)


def _refuse_unknown(found: Mapping, known: set[str], what: str) -> None:
    for name in found.members:
        if name not in known:
            there_are = ", ".join(sorted(known))
            raise InvalidFile(f"{what} has an unknown member {name[:80]!r}: there are {there_are}", found.lines[name])


def _named(name: str, check: Callable[[str], str], line: int) -> str:
    try:
        return str(check(name))
    except InvalidName as error:
        raise InvalidFile(str(error), line) from error
