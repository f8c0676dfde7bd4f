"""Constraints of keys: JSON Schema 2020-12, what it takes of it, and what a value breaks. Pure.

`format` says something to readers and is not enforced, as the specification has it.
"""

import hashlib
import re
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Final, cast

from jsonschema import Draft202012Validator
from jsonschema.exceptions import SchemaError, ValidationError
from referencing import Registry
from referencing.exceptions import Unresolvable
from referencing.jsonschema import DRAFT202012

from setpoint.protocol.strict_json import dumps

__all__ = ["LARGEST_CONSTRAINTS", "UnusableConstraints", "Violation", "check_constraints", "introduced", "violations"]

LARGEST_CONSTRAINTS: Final = 16 * 1024
"""Bytes of the canonical text in UTF-8."""
LONGEST_PATTERN: Final = 500
MOST_VIOLATIONS: Final = 200

_DIALECT: Final = "https://json-schema.org/draft/2020-12/schema"
_LONGEST_LIMIT: Final = 100
_LONGEST_POINTER: Final = 300


class UnusableConstraints(Exception):
    """Constraints that cannot be enforced; the message says what to change."""


@dataclass(frozen=True, slots=True)
class Violation:
    """A rule that a value breaks. It never repeats the value, but `place` may hold names out of a json value."""

    place: str
    """Where in the value, as a JSON pointer; empty: the value itself."""
    rule: str
    """Where in the constraints, which tells two rules of one kind apart."""
    limit: str
    """The rule in words: `minimum: 1`."""

    def sentence(self, *, secret: bool) -> str:
        """Say what is broken; of a secret not where, since names inside it are part of it."""
        where = "the value" if secret or not self.place else f"the value at {self.place}"
        return f"{where} breaks the constraint {self.limit}"


def check_constraints(found: object) -> str:
    """Return the canonical text of constraints, JSON that fits a value, if they can be enforced.

    Raises UnusableConstraints.
    """
    if not isinstance(found, dict):
        raise UnusableConstraints('constraints are a JSON Schema object, such as {"minimum": 1}')
    constraints = cast("dict[str, Any]", found)
    text = dumps(constraints)
    if len(text.encode()) > LARGEST_CONSTRAINTS:
        raise UnusableConstraints(f"the constraints take more than {LARGEST_CONSTRAINTS:,} bytes: make them smaller")
    if constraints.get("$schema", _DIALECT) not in (_DIALECT, _DIALECT + "#"):
        raise UnusableConstraints(f"only JSON Schema 2020-12 is taken: leave $schema out, or write {_DIALECT}")
    for name, value in _members(constraints):
        _check_member(name, value, constraints)
    try:
        Draft202012Validator.check_schema(constraints)
    except SchemaError as error:
        raise UnusableConstraints(f"that is no JSON Schema: {error.message[:300]}{_in(error.absolute_path)}") from error
    return text


def violations(constraints: Any, value: Any) -> list[Violation]:
    """Return the rules of checked constraints that a value breaks, at most MOST_VIOLATIONS.

    It may take long, as patterns and references do: run it where it can be ended (`Checker`). Raises
    RecursionError for constraints that refer to themselves without end.
    """
    validator = Draft202012Validator(constraints, registry=Registry())
    errors = cast("Iterator[ValidationError]", validator.iter_errors(value))
    return [_violation(error) for error in islice(errors, MOST_VIOLATIONS)]


def introduced(now: Sequence[Violation], before: Iterable[Violation]) -> list[Violation]:
    """Return the violations that a change brings: those of rules that the value before did not break at that place."""
    known = {(violation.place, violation.rule) for violation in before}
    return [violation for violation in now if (violation.place, violation.rule) not in known]


def _violation(error: ValidationError) -> Violation:
    keyword = str(error.validator) if error.validator else "false"
    limit = f"{keyword}: {dumps(error.validator_value)}" if error.validator else keyword
    shown = limit if len(limit) <= _LONGEST_LIMIT else limit[:_LONGEST_LIMIT] + "…"
    return Violation(_pointer(error.absolute_path), _pointer(error.absolute_schema_path), shown)


def _pointer(path: Iterable[str | int]) -> str:
    """Return a path as a JSON pointer; names out of a value can make it very long: then its end is its digest."""
    pointer = "".join("/" + str(part).replace("~", "~0").replace("/", "~1") for part in path)
    if len(pointer) <= _LONGEST_POINTER:
        return pointer
    return f"{pointer[:_LONGEST_POINTER]}…{hashlib.sha256(pointer.encode()).hexdigest()[:16]}"


def _in(path: Iterable[str | int]) -> str:
    pointer = _pointer(path)
    return f" (at {pointer})" if pointer else ""


def _members(constraints: dict[str, Any]) -> Iterator[tuple[str, Any]]:
    """Yield every member of every object inside, also where it is data of an enum: that costs nothing to refuse."""
    waiting: list[Any] = [constraints]
    while waiting:
        found = waiting.pop()
        if isinstance(found, dict):
            members = cast("dict[str, Any]", found)
            yield from members.items()
            waiting += members.values()
        elif isinstance(found, list):
            waiting += cast("list[Any]", found)


def _check_member(name: str, value: Any, constraints: dict[str, Any]) -> None:
    if name == "$id" and isinstance(value, str):
        raise UnusableConstraints("$id is not taken: constraints stand for themselves; use $defs and $ref #/$defs/…")
    if name in ("$ref", "$dynamicRef") and isinstance(value, str):
        _check_reference(value, constraints)
    elif name == "pattern" and isinstance(value, str):
        _check_pattern(value)
    elif name == "patternProperties" and isinstance(value, dict):
        for pattern in cast("dict[str, Any]", value):
            _check_pattern(pattern)


def _check_reference(reference: str, constraints: dict[str, Any]) -> None:
    if not reference.startswith("#"):
        raise UnusableConstraints(
            f"the reference {reference[:80]!r} leads elsewhere, and nothing is fetched: put it under $defs"
        )
    registry: Registry[Any] = Registry()
    try:
        found = registry.with_resource("", DRAFT202012.create_resource(constraints)).resolver().lookup(reference)
        Draft202012Validator.check_schema(found.contents)
    except Unresolvable as error:
        raise UnusableConstraints(f"the reference {reference[:80]!r} leads nowhere") from error
    except SchemaError as error:
        raise UnusableConstraints(f"the reference {reference[:80]!r} leads to what is no JSON Schema") from error


def _check_pattern(pattern: str) -> None:
    if len(pattern) > LONGEST_PATTERN:
        raise UnusableConstraints(f"a pattern has more than {LONGEST_PATTERN} characters: make it shorter")
    try:
        re.compile(pattern)
    except (re.error, RecursionError, OverflowError) as error:
        raise UnusableConstraints(f"the pattern {pattern[:80]!r} is no regular expression: {error}") from error
