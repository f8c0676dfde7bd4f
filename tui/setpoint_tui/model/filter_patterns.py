"""Regular expressions that a person types, accepted only when none can take for ever."""

import re
import warnings

from setpoint_tui.errors import InvalidFilter

__all__ = ["LONGEST_SUBJECT", "bounded_pattern"]

LONGEST_SUBJECT = 320
"""Characters of a name that a pattern looks at: a namespace, a slash and a key are 301 at most."""

_LONGEST_PATTERN = 200
_MOST_REPEATS = 2
"""Open repeats in one pattern: each takes the work to one more power of the name's length."""
_MOST_OPTIONALS = 4
"""Optional parts in one pattern: each may double the work."""

_TOKEN = re.compile(
    r"""
      (?P<reference> \\[1-9])
    | (?P<plain>     \\. | \[\^?\]?(?:\\.|[^\]\\])*\] | \(\?(?:[:=!]|<[=!]) | \{[0-9]+\})
    | (?P<special>   \(\?)
    | (?P<group>     \)(?:[*+]|\{[0-9]*,?[0-9]*\}))
    | (?P<optional>  \??\?)
    | (?P<repeat>    (?:[*+]|\{[0-9]*,[0-9]*\})[?+]?)
    | (?P<other>     .)
    """,
    re.VERBOSE | re.DOTALL,
)


def bounded_pattern(text: str) -> re.Pattern[str]:
    """Compile a pattern, without regard to case; raise InvalidFilter when it is wrong or may run away.

    Refused: a repeated group, back references, flags and named groups, and more open repeats or optional
    parts than search 100,000 names in a bearable time.
    """
    if len(text) > _LONGEST_PATTERN:
        raise InvalidFilter(f"the pattern is longer than {_LONGEST_PATTERN} characters: write a shorter one")
    _refuse_runaways(text)
    try:
        with warnings.catch_warnings():
            # What a later Python may read otherwise, such as [[, is no pattern either: a warning would tear the screen.
            warnings.simplefilter("error")
            return re.compile(text, re.IGNORECASE)
    except (re.error, OverflowError, RecursionError, Warning) as error:
        raise InvalidFilter(f"re: is no regular expression yet: {error}") from error


def _refuse_runaways(text: str) -> None:
    kinds = [token.lastgroup for token in _TOKEN.finditer(text)]
    if "reference" in kinds or "special" in kinds:
        raise InvalidFilter("re: takes no back references, flags or named groups: write (…) or (?:…)")
    if "group" in kinds:
        raise InvalidFilter("re: cannot repeat a group, as in (…)+: repeat a character or a [set] instead")
    if kinds.count("repeat") > _MOST_REPEATS:
        raise InvalidFilter(f"re: takes {_MOST_REPEATS} open repeats such as .* at most: use several terms instead")
    if kinds.count("optional") > _MOST_OPTIONALS:
        raise InvalidFilter(f"re: takes {_MOST_OPTIONALS} optional parts at most: use several terms instead")
