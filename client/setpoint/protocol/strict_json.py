"""JSON that is read without guessing: what Python's parser would silently bend is kept visible.

Python's parser keeps the last of two equal keys, reads NaN, turns 1e400 into infinity and refuses
integers of more than 4,300 digits by raising in the middle of a frame. Here such a frame still parses,
so that the one bad value can be named in an answer to the request that carries it: equal keys give an
`AmbiguousObject`, and a number that no 64-bit reader holds gives a float that is not finite.
"""

import json
import math
from typing import Any

from setpoint.errors import InvalidRequest, NotJson

__all__ = ["AmbiguousObject", "dumps", "loads"]

_LONGEST_INTEGER = 40  # digits; more than twice what 64 bits need


class AmbiguousObject(dict[str, Any]):
    """A JSON object in which a key stood more than once; `repeated` is the first such key."""

    repeated: str

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        super().__init__(pairs)
        seen: set[str] = set()
        for key, _ in pairs:
            if key in seen:
                self.repeated = key
                break
            seen.add(key)


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else AmbiguousObject(pairs)


def _integer(digits: str) -> int | float:
    return int(digits) if len(digits) <= _LONGEST_INTEGER else math.inf


_decoder = json.JSONDecoder(object_pairs_hook=_object, parse_int=_integer)


def loads(text: str) -> Any:
    """Parse one JSON text. Raise NotJson, with the place, when it is none; InvalidRequest when it nests too deeply."""
    try:
        return _decoder.decode(text)
    except json.JSONDecodeError as error:
        raise NotJson(f"not JSON: {error.msg} at line {error.lineno}, column {error.colno}") from error
    except RecursionError as error:
        raise InvalidRequest("nested too deeply to be read") from error


def dumps(value: Any) -> str:
    """Return the canonical text: no spaces, keys in the order given, no escapes beyond what JSON asks for."""
    return json.dumps(value, ensure_ascii=False, separators=(",", ":"), allow_nan=False)
