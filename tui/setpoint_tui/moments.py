"""A moment ahead as people type it, and as it is told again: a clock's time, a date with one, or a span from now."""

import re
from datetime import UTC, datetime, time, timedelta, tzinfo

from setpoint_tui.errors import InvalidSettings
from setpoint_tui.formatting import format_countdown

__all__ = ["moment_words", "parse_moment"]

_SPAN = re.compile(r"in((?: ?[0-9]{1,9} ?[smhd])+)")
_PART = re.compile(r"([0-9]+) ?([smhd])")
_UNITS = {"s": "seconds", "m": "minutes", "h": "hours", "d": "days"}
_CLOCK = re.compile(r"([01]?[0-9]|2[0-3]):([0-5][0-9])(?::([0-5][0-9]))?")
_LONGEST = timedelta(days=366)


def parse_moment(text: str, now: datetime, zone: tzinfo | None = None) -> datetime:
    """Return the moment in UTC that `in 2h`, `22:00` (the next one), `2026-12-01 22:00` or ISO 8601 means.

    What names no zone is of `zone`; None: of this machine. Raises InvalidSettings, also for a moment that is not
    between now and a year from now.
    """
    typed = " ".join(text.split())
    try:
        found = _read(typed, now, zone).astimezone(UTC)
    except OverflowError as error:
        raise InvalidSettings(f"{typed[:40]!r} is too far ahead: a year is the most") from error
    if found <= now:
        raise InvalidSettings(f"{typed[:40]!r} is over: it is {now.astimezone(zone):%Y-%m-%d %H:%M:%S} now")
    if found > now + _LONGEST:
        raise InvalidSettings(f"{typed[:40]!r} is too far ahead: a year is the most")
    return found


def moment_words(at: datetime, now: datetime) -> str:
    """Say when something is: in UTC, and how far ahead."""
    left = (at - now).total_seconds()
    ahead = f"in {format_countdown(left)}" if left > 0 else "due now"
    return f"{at.astimezone(UTC):%Y-%m-%d %H:%M:%S} UTC, {ahead}"


def _read(typed: str, now: datetime, zone: tzinfo | None) -> datetime:
    span = _SPAN.fullmatch(typed.lower())
    if span is not None:
        parts = [timedelta(**{_UNITS[unit]: int(number)}) for number, unit in _PART.findall(span[1])]
        return now + sum(parts, timedelta())
    clock = _CLOCK.fullmatch(typed)
    if clock is not None:
        hour, minute, second = (int(part or 0) for part in clock.groups())
        return _next(time(hour, minute, second), now, zone)
    try:
        return _placed(datetime.fromisoformat(typed), zone)
    except ValueError as error:
        raise InvalidSettings(f"{typed[:40]!r} is no time: type 22:00, 2026-12-01 22:00, or in 2h") from error


def _next(clock: time, now: datetime, zone: tzinfo | None) -> datetime:
    today = datetime.combine(now.astimezone(zone).date(), clock)
    found = _placed(today, zone)
    return found if found > now else _placed(today + timedelta(days=1), zone)


def _placed(read: datetime, zone: tzinfo | None) -> datetime:
    """Return a time with its zone. Raises InvalidSettings for one that the clocks leap over there."""
    if read.tzinfo is not None:
        return read
    found = read.astimezone() if zone is None else read.replace(tzinfo=zone)
    if found.astimezone(UTC).astimezone(zone).replace(tzinfo=None, fold=0) != read:
        raise InvalidSettings(f"there is no {read:%H:%M} on {read:%Y-%m-%d}: the clocks are put forward then")
    return found
