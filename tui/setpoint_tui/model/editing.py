"""A value as text that a person edits: how it is written down, how it is read back, and what is wrong with it."""

import json
import re
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

from setpoint.errors import InvalidRequest, InvalidValue, NotJson
from setpoint.protocol.strict_json import loads
from setpoint.protocol.values import Json, ValueType, check_value, encode_value, parse_value
from setpoint_tui.formatting import copied_value
from setpoint_tui.text_safety import safe_text

__all__ = ["EditedText", "Mistake", "ReadValue", "read_text", "stepped", "text_of"]

_LONGEST_STEPPED = 40
_NUMBER = re.compile(r"[+-]?\d+(?:\.(\d+))?")


@dataclass(frozen=True, slots=True)
class EditedText:
    """A text for an editor. `escaped`: a string written as JSON, because it holds what cannot be shown."""

    text: str
    escaped: bool = False


@dataclass(frozen=True, slots=True)
class Mistake:
    """What is wrong with a text, safe to show, and where; lines and columns begin at 1."""

    reason: str
    line: int | None = None
    column: int | None = None


@dataclass(frozen=True, slots=True)
class ReadValue:
    """The value that a text says, as it will be stored."""

    value: Json


def text_of(value_type: str, value: Any) -> EditedText:
    """Write a value down so that `read_text` gives the same value back.

    No terminal acts on the text, and no editor changes it by showing it: what could not be shown as it is,
    is escaped as JSON does.
    """
    if value_type == "string" and isinstance(value, str):
        if safe_text(value, limit=None, keep="\n\t") == value:
            return EditedText(value)
        return EditedText(_escaped(json.dumps(value, ensure_ascii=False)), escaped=True)
    return EditedText(_escaped(copied_value(value_type, value)))


def read_text(value_type: ValueType, edited: EditedText) -> ReadValue | Mistake:
    """Read what stands in an editor."""
    as_json = value_type == "json" or edited.escaped
    try:
        value = check_value(value_type, loads(edited.text)) if as_json else parse_value(value_type, edited.text)
        encode_value(value_type, value)
    except NotJson as error:
        return _not_json(error)
    except (InvalidValue, InvalidRequest) as error:
        reason = error.reason if isinstance(error, InvalidValue) else str(error)
        return Mistake(safe_text(reason, limit=300))
    return ReadValue(value)


def stepped(value_type: ValueType, text: str, by: int) -> str:
    """Return a number `by` steps away: whole ones for an int, the last decimal place for a float.

    A text that is no plain number is returned as it is.
    """
    found = _NUMBER.fullmatch(text.strip())
    if found is None or len(text) > _LONGEST_STEPPED or (value_type == "int" and found[1] is not None):
        return text
    places = len(found[1] or "")
    try:
        moved = Decimal(text.strip()) + Decimal(by).scaleb(-places)
    except InvalidOperation:
        return text
    return f"{moved:f}"


def _not_json(error: NotJson) -> Mistake:
    cause = error.__cause__
    if isinstance(cause, json.JSONDecodeError):
        said = f"line {cause.lineno}, column {cause.colno}: {cause.msg}"
        return Mistake(safe_text(said, limit=300), cause.lineno, cause.colno)
    return Mistake(safe_text(str(error), limit=300))


def _escaped(text: str) -> str:
    r"""Return JSON text with what cannot be shown as `\u…`; such characters stand in its strings alone."""
    if safe_text(text, limit=None, keep="\n\t") == text:
        return text
    return "".join(_json_escape(character) for character in text)


def _json_escape(character: str) -> str:
    if character in "\n\t" or safe_text(character, limit=None) == character:
        return character
    return json.dumps(character)[1:-1]
