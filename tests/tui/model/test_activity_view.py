"""The activity's rows and filters: newest first, gaps where they are, and only what matches."""

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.answers import Change, PastChangeSet, Person
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.model.activity_filter import ActivityFilter, parse_activity_filter
from setpoint_tui.model.activity_log import ActivityLog, Gap
from setpoint_tui.model.activity_view import activity_rows, gap_words, headline, oldest_gap

START = datetime(2026, 2, 3, tzinfo=UTC)
NOW = START + timedelta(hours=2)


def change_set(
    revision: int, env: str = "staging", *, keys: tuple[str, ...] = ("payments/max",), who: int = 1, **others: object
) -> PastChangeSet:
    changes = [
        Change(namespace=name.split("/")[0], key=name.split("/")[1], type="int", old=1, new=2, version="v",
               previous_version="u")
        for name in keys
    ]  # fmt: skip
    given: dict[str, object] = {
        "env": env, "revision": revision, "change_set": f"{env}-{revision}", "how": "set", "note": "",
        "by": Person(id=who, name=f"person{who}"), "at": START + timedelta(minutes=revision), "changes": changes,
    }  # fmt: skip
    return PastChangeSet.model_validate(given | others)


def log_of(*sets: PastChangeSet) -> ActivityLog:
    log = ActivityLog()
    for one in sets:
        log.add(one)
    return log


def test_gaps_stand_below_what_follows_them_in_their_environment() -> None:
    log = log_of(change_set(9), change_set(5), change_set(7, "production"))
    log.add_unfetched("staging", 8, "no")
    rows = activity_rows(log, {"staging": 9, "production": 8}, ActivityFilter(), NOW)
    assert rows == [
        Gap("production", 8, 8),
        ("staging", 9),
        Gap("staging", 8, 8, "no"),
        Gap("staging", 6, 7),
        ("production", 7),
        Gap("production", 1, 6),
        ("staging", 5),
        Gap("staging", 1, 4),
    ]
    assert oldest_gap(rows) == Gap("production", 1, 6)


def test_a_gap_stays_where_a_filter_hides_its_neighbour_and_goes_with_its_environment() -> None:
    log = log_of(change_set(2), change_set(4, who=2))
    assert activity_rows(log, {"staging": 4}, parse_activity_filter("who:person1"), NOW) == [
        Gap("staging", 3, 3),
        ("staging", 2),
        Gap("staging", 1, 1),
    ]
    assert activity_rows(log, {"staging": 4}, parse_activity_filter("env:production"), NOW) == []
    mine = activity_rows(log, {"staging": 4}, ActivityFilter(), NOW, mine=2)
    assert [row for row in mine if not isinstance(row, Gap)] == [("staging", 4)]


@given(st.sets(st.tuples(st.sampled_from(["a", "b"]), st.integers(1, 15))), st.integers(0, 15), st.integers(0, 15))
def test_rows_are_everything_once_newest_first(known: set[tuple[str, int]], a: int, b: int) -> None:
    heads = {"a": a, "b": b}
    log = log_of(*(change_set(revision, env) for env, revision in known))
    rows = activity_rows(log, heads, ActivityFilter(), NOW)
    assert len(rows) == len(set(rows))
    listed = [row for row in rows if not isinstance(row, Gap)]
    assert set(listed) == known
    assert [revision for _, revision in listed] == sorted((revision for _, revision in known), reverse=True)
    missing = {(row.env, one) for row in rows if isinstance(row, Gap) for one in range(row.first, row.last + 1)}
    assert missing == {(env, one) for env, head in heads.items() for one in range(1, head + 1)} - known


@pytest.mark.parametrize(
    ("text", "matches"),
    [
        ("", True),
        ("max", True),
        ("PAYMENTS/MAX", True),
        ("campaign", True),
        ("!campaign", False),
        ("retry", False),
        ("max nothing", False),
        ("env:stag", True),
        ("!env:staging", False),
        ("ns:payments who:person1 how:rollback", True),
        ("who:alice", False),
        ('note:"black friday"', True),
        ("rev:7", True),
        ("rev:r7", True),
        ("rev:70", False),
        ("since:3h", True),
        ("since:1h", False),
        ("!since:1h", True),
    ],
)
def test_what_a_filter_matches(text: str, matches: bool) -> None:
    done = change_set(7, how="rollback", note="Black Friday campaign")
    assert parse_activity_filter(text).matches(done, NOW) is matches


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("when:now", "there is no filter when:"),
        ("who:", "as in who:alice"),
        ("!", "after !"),
        ("since:soon", "since:1h"),
        ("since:>1h", "!since:1h"),
        ('note:"open', "close it"),
        ("x" * 1_001, "shorter"),
    ],
)
def test_a_filter_that_means_nothing_says_what_to_write(text: str, says: str) -> None:
    with pytest.raises(InvalidFilter, match=says):
        parse_activity_filter(text)


def test_one_place_alone() -> None:
    wanted = parse_activity_filter("max").within("staging", "payments")
    assert wanted.matches(change_set(1), NOW)
    assert not wanted.matches(change_set(1, "production"), NOW)
    assert not wanted.matches(change_set(1, keys=("search/max",)), NOW)


def test_the_headline_says_how_many_more_before_values_that_may_be_long() -> None:
    assert headline(change_set(1)) == "payments/max 1 → 2"
    assert headline(change_set(1, keys=("a/b", "a/c", "a/d"))) == "a/b +2 more  1 → 2"
    assert headline(change_set(1, keys=())) == "nothing that this token may see"


def test_what_is_missing_says_what_to_do() -> None:
    assert gap_words(Gap("staging", 1, 70), is_full=False) == "r1-r70 not loaded · enter loads it"
    assert "tries again" in gap_words(Gap("staging", 3, 3, "forbidden"), is_full=False)
    assert "more than is kept" in gap_words(Gap("staging", 1, 2), is_full=True)
