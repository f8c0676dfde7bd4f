"""Diffs of JSON values: which paths were added, removed or changed."""

import re
from collections.abc import Iterator
from itertools import zip_longest
from typing import Any, TypeGuard, cast

from setpoint.protocol.strict_json import dumps
from setpoint_tui.model.alignment import align
from setpoint_tui.model.diff_lines import ABSENT, DiffLine, arrow, relative_size, span

__all__ = ["child", "is_object", "json_lines", "same_json"]

_PLAIN = re.compile(r"[A-Za-z0-9_-]+")


def json_lines(old: Any, new: Any, path: str = "") -> Iterator[DiffLine]:
    """Yield a line for every path below which two values differ, in the order of the old value, then the new.

    Either side may be ABSENT. 1, 1.0 and true are three values.
    """
    if old is ABSENT or new is ABSENT:
        yield from () if old is new else _one_sided(old, new, path)
    elif is_object(old) and is_object(new):
        for key in old | new:
            yield from json_lines(old.get(key, ABSENT), new.get(key, ABSENT), child(path, key))
    elif _is_list(old) and _is_list(new):
        yield from _list_lines(old, new, path)
    elif not same_json(old, new):
        head = (span(f"{path}  ", "path"),) if path else ()
        yield DiffLine((*head, *arrow(dumps(old), dumps(new), relative_size(old, new))), "~")


def same_json(old: Any, new: Any) -> bool:
    """Say whether two values, or their absence, are written alike as JSON, the order of members aside."""
    if old is ABSENT or new is ABSENT:
        return old is new
    if is_object(old) and is_object(new):
        return old.keys() == new.keys() and all(same_json(value, new[key]) for key, value in old.items())
    if _is_list(old) and _is_list(new):
        return len(old) == len(new) and all(map(same_json, old, new))
    return type(old) is type(new) and old == new


def is_object(value: Any) -> TypeGuard[dict[str, Any]]:
    """Say whether a value is a JSON object."""
    return isinstance(value, dict)


def child(path: str, key: str) -> str:
    """Return the path of an object's member: `limits.rps`, or `limits["a.b"]` where a dot would mislead."""
    if _PLAIN.fullmatch(key) is None:
        return f"{path}[{dumps(key)}]"
    return f"{path}.{key}" if path else key


def _is_list(value: Any) -> TypeGuard[list[Any]]:
    return isinstance(value, list)


def _one_sided(old: Any, new: Any, path: str) -> Iterator[DiffLine]:
    head = (span(f"{path}  ", "path"),) if path else ()
    if old is ABSENT:
        yield DiffLine((*head, span(dumps(new), "added")), "+")
    else:
        yield DiffLine((*head, span(dumps(old), "removed")), "-")


def _list_lines(old: list[Any], new: list[Any], path: str) -> Iterator[DiffLine]:
    for stretch in align([dumps(item) for item in old], [dumps(item) for item in new]):
        if stretch.same:
            continue
        for before, after in zip_longest(stretch.old, stretch.new):
            # What was removed is found at its old place, everything else at its new one.
            place = f"{path}[{cast('int', before if after is None else after)}]"
            yield from json_lines(
                ABSENT if before is None else old[before], ABSENT if after is None else new[after], place
            )
