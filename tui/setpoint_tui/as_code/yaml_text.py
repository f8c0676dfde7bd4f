"""Writing values as YAML that git can show line by line: the same value is always the same text.

Written here rather than by the YAML library, so that what stands in a repository does not change with its version.
Strings are quoted as in JSON, or are blocks of lines; every reader of YAML 1.1 or 1.2 reads them alike.
"""

import json
import re
from collections.abc import Iterable, Iterator
from typing import Final

from setpoint.protocol.values import Json

__all__ = ["name_text", "value_lines"]

_INDENT: Final = "  "

_PLAIN_NAME = re.compile(r"[A-Za-z_][A-Za-z0-9._/-]{0,99}")
_WORDS: Final = frozenset({"null", "true", "false", "yes", "no", "on", "off", "y", "n"})
"""What some version of YAML takes for something else than a text."""

_ESCAPED = re.compile(
    # What YAML does not take as it stands: controls, a mark of byte order, no characters at all …
    "[\\x00-\\x1f\\x7f-\\x9f\\ufeff\\ufffe\\uffff"
    # … and what a person who reviews a file would not see: spaces that are none, line ends, directions, tags.
    "\\xa0\\xad\\u061c\\u200b\\u200e\\u200f\\u2028-\\u202f\\u2060-\\u206f\\ufff9-\\ufffb\\U000e0000-\\U000e007f]"
)

_LONGEST_NAME: Final = 500
"""Characters of a name before its colon; readers look no further than 1,024."""


def name_text(name: str) -> str:
    """Return the name of a member, quoted where it could be taken for anything else."""
    if _PLAIN_NAME.fullmatch(name) and name.lower() not in _WORDS:
        return name
    return _quoted(name)


def value_lines(name: str, value: Json) -> Iterator[str]:
    """Yield the lines of a member and its value; the first is not indented."""
    shown = name_text(name)
    if len(shown) > _LONGEST_NAME:
        yield f"? {shown}"
        shown = ""
    match value:
        case dict() if value:
            yield f"{shown}:"
            for member, item in value.items():
                yield from _indented(value_lines(member, item))
        case list() if value:
            yield f"{shown}:"
            for item in value:
                yield from _indented(_item_lines(item))
        case _:
            first, *rest = _scalar_lines(value)
            yield f"{shown}: {first}"
            yield from _indented(rest)


def _item_lines(item: Json) -> Iterator[str]:
    match item:
        case dict() if item:
            lines = [line for member, value in item.items() for line in value_lines(member, value)]
        case list() if item:
            lines = [line for value in item for line in _item_lines(value)]
        case _:
            lines = _scalar_lines(item)
    yield f"- {lines[0]}"
    yield from _indented(lines[1:])


def _scalar_lines(value: Json) -> list[str]:
    match value:
        case str():
            return _block(value) if _is_block(value) else [_quoted(value)]
        case bool() | None:
            return [json.dumps(value)]
        case float():
            return [_float(value)]
        case int():
            return [str(value)]
        case _:
            # What is left is an empty list or object.
            return [json.dumps(value)]


def _float(value: float) -> str:
    # Readers of YAML 1.1 take 1e+300 for a text: they want a point.
    text = repr(value)
    mantissa, exponent, power = text.partition("e")
    return text if not exponent or "." in mantissa else f"{mantissa}.0e{power}"


def _is_block(text: str) -> bool:
    """Whether a text of several lines keeps its every character as a block: no odd ends, starts or characters."""
    if "\n" not in text or text.endswith("\n\n") or _ESCAPED.search(text.replace("\n", "")):
        return False
    lines = text.removesuffix("\n").split("\n")
    return lines[0] != "" and not lines[0].startswith(" ") and all(line == line.rstrip(" ") for line in lines)


def _block(text: str) -> list[str]:
    lines = text.removesuffix("\n").split("\n")
    return ["|" if text.endswith("\n") else "|-", *lines]


def _quoted(text: str) -> str:
    return _ESCAPED.sub(lambda found: _escape(found[0]), json.dumps(text, ensure_ascii=False))


def _escape(character: str) -> str:
    code = ord(character)
    return f"\\u{code:04x}" if code <= 0xFFFF else f"\\U{code:08x}"


def _indented(lines: Iterable[str]) -> Iterator[str]:
    return (_INDENT + line if line else "" for line in lines)
