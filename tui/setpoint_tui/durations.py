"""Spans of time as a person types them: 90s, 30m, 12h, 30d, 2w."""

import re
from typing import Final

from setpoint_tui.errors import InvalidSettings

__all__ = ["parse_duration"]

_SECONDS: Final = {"s": 1, "m": 60, "h": 3600, "d": 86_400, "w": 604_800}
_SPAN: Final = re.compile(r"([0-9]{1,9})([smhdw])", re.ASCII)


def parse_duration(text: str) -> int:
    """Return the seconds of a number with its unit. Raises InvalidSettings, also for none at all."""
    found = _SPAN.fullmatch(text.strip())
    if found is None or int(found[1]) == 0:
        raise InvalidSettings(f"{text[:40]!r} is no span of time: write a number with s, m, h, d or w, such as 30d")
    return int(found[1]) * _SECONDS[found[2]]
