"""A moment ahead: what people type of it, in any zone, and how it is told again."""

from datetime import UTC, datetime, timedelta, timezone
from zoneinfo import ZoneInfo

import pytest

from setpoint_tui.errors import InvalidSettings
from setpoint_tui.moments import moment_words, parse_moment

BERLIN = ZoneInfo("Europe/Berlin")
NOW = datetime(2026, 11, 24, 14, 30, tzinfo=UTC)  # 15:30 in Berlin


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("typed", "meant"),
    [
        ("in 2h", "2026-11-24 16:30"),
        ("IN  90m", "2026-11-24 16:00"),
        ("in 1h30m", "2026-11-24 16:00"),
        ("in 1d 2 h", "2026-11-25 16:30"),
        ("22:00", "2026-11-24 21:00"),
        (" 9:05 ", "2026-11-25 08:05"),
        ("15:30", "2026-11-25 14:30"),
        ("15:30:01", "2026-11-24 14:30:01"),
        ("2026-12-01 22:00", "2026-12-01 21:00"),
        ("2027-07-01 22:00", "2027-07-01 20:00"),
        ("2026-12-01T22:00:00Z", "2026-12-01 22:00"),
        ("2026-12-01T22:00+05:30", "2026-12-01 16:30"),
        # Of a time that the clocks strike twice, the first.
        ("2027-10-31 02:30", "2027-10-31 00:30"),
    ],
)
def test_what_names_no_zone_is_the_persons_own(typed: str, meant: str) -> None:
    found = parse_moment(typed, NOW, BERLIN)
    assert (found, found.utcoffset()) == (utc(meant), timedelta())


def test_the_day_of_a_clocks_time_is_the_persons_own_day() -> None:
    east = timezone(timedelta(hours=13))
    assert parse_moment("03:00", NOW, east) == utc("2026-11-24 14:00") + timedelta(days=1)
    assert parse_moment("04:00", NOW, east) == utc("2026-11-24 15:00")


def test_without_a_zone_it_is_that_of_this_machine() -> None:
    here = (NOW + timedelta(days=3)).astimezone()
    assert parse_moment(f"{here:%Y-%m-%d %H:%M}", NOW) == NOW + timedelta(days=3)


@pytest.mark.parametrize(
    ("typed", "why"),
    [
        ("", "is no time: type 22:00, 2026-12-01 22:00, or in 2h"),
        ("soon", "is no time"),
        ("in", "is no time"),
        ("in -2h", "is no time"),
        ("in 2 weeks", "is no time"),
        ("2h", "is no time"),
        ("24:00", "is no time"),
        ("22:60", "is no time"),
        ("2026-13-01 10:00", "is no time"),
        ("\u0662\u0662:\u0660\u0660", "is no time"),
        ("\x1b[31m22:00", "is no time"),
        ("in 0s", "is over: it is 2026-11-24 15:30:00 now"),
        ("2026-11-24 15:00", "is over"),
        ("1999-01-01", "is over"),
        ("in 367d", "a year is the most"),
        ("in 999999999d", "a year is the most"),
        ("2028-01-01 00:00", "a year is the most"),
        ("9999-12-31T23:59:59-12:00", "a year is the most"),
        ("2027-03-28 02:30", "there is no 02:30 on 2027-03-28"),
    ],
)
def test_anything_else_says_what_is_expected(typed: str, why: str) -> None:
    with pytest.raises(InvalidSettings) as refused:
        parse_moment(typed, NOW, BERLIN)
    assert why in str(refused.value)
    assert "\x1b" not in str(refused.value)


@pytest.mark.parametrize(
    ("ahead", "told"),
    [
        (timedelta(seconds=65), "in 01:05"),
        (timedelta(hours=3, minutes=12, seconds=9), "in 3h 12m"),
        (timedelta(days=7, hours=6), "in 7d 6h"),
        (timedelta(), "due now"),
        (timedelta(seconds=-5), "due now"),
    ],
)
def test_a_moment_is_told_in_utc_and_by_what_is_left(ahead: timedelta, told: str) -> None:
    words = moment_words((NOW + ahead).astimezone(BERLIN), NOW)
    assert words == f"{NOW + ahead:%Y-%m-%d %H:%M:%S} UTC, {told}"
