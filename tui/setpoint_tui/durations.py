"""Spans of time as a person types them: 90s, 30m, 1h30m, 30d, 2w."""

import re
from typing import Final

from setpoint_tui.errors import InvalidSettings

__all__ = ["parse_duration"]

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_PART: Final = r"([0-9]{1,9}(?:\.[0-9]{1,3})?) ?([smhdw])"
_SPAN: Final = re.compile(rf"{_PART}(?: ?{_PART})*", re.ASCII)
_PARTS: Final = re.compile(_PART, re.ASCII)


def parse_duration(text: str) -> int:
    """Return the whole seconds of numbers with their units. Raises InvalidSettings, also for less than a second."""
    typed = text.strip()
    parts = _PARTS.findall(typed) if _SPAN.fullmatch(typed) else []
    seconds = int(sum(float(number) * _SECONDS[unit] for number, unit in parts))
    if seconds < 1:
        raise InvalidSettings(f"{text[:40]!r} is no duration: type a number with s, m, h, d or w, such as 30m or 30d")
    return seconds
