"""What is known of the log, and what is missing of it."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.answers import PastChangeSet, Person
from setpoint_tui.model import activity_log
from setpoint_tui.model.activity_log import ActivityLog, Gap

START = datetime(2026, 2, 3, tzinfo=UTC)


def change_set(revision: int, env: str = "staging") -> PastChangeSet:
    return PastChangeSet(
        env=env,
        revision=revision,
        change_set=f"{env}-{revision}",
        how="set",
        by=Person(id=1, name="alice"),
        note="",
        at=START + timedelta(seconds=revision),
        changes=(),
    )


def test_change_sets_stand_in_the_order_of_time_however_they_came() -> None:
    log = ActivityLog()
    for revision, env in [(5, "staging"), (2, "production"), (9, "staging"), (3, "staging")]:
        assert log.add(change_set(revision, env))
    assert not log.add(change_set(5))
    assert [(one.env, one.revision) for one in log] == [
        ("production", 2),
        ("staging", 3),
        ("staging", 5),
        ("staging", 9),
    ]
    assert [one.revision for one in reversed(log)] == [9, 5, 3, 2]
    assert log.get("staging", 9) is not None
    assert log.get("staging", 2) is None


def test_gaps_are_what_is_missing_newest_first_with_the_reason_where_one_was_given() -> None:
    log = ActivityLog()
    for revision in (3, 7, 8):
        log.add(change_set(revision))
    for revision in (5, 6):
        log.add_unfetched("staging", revision, "forbidden")
    assert log.gaps("staging", 10) == [
        Gap("staging", 9, 10),
        Gap("staging", 5, 6, "forbidden"),
        Gap("staging", 4, 4),
        Gap("staging", 1, 2),
    ]
    assert log.missing("staging", below=11, count=3) == [10, 9, 4]
    assert log.missing("staging", below=5, count=9) == [4, 2, 1]
    log.forget_refusals(Gap("staging", 5, 6, "forbidden"))
    assert Gap("staging", 4, 6) in log.gaps("staging", 10)


def test_an_environment_nothing_is_known_of_is_one_gap_and_one_without_a_log_has_none() -> None:
    log = ActivityLog()
    assert log.gaps("staging", 1_000_000) == [Gap("staging", 1, 1_000_000)]
    assert log.missing("staging", below=1_000_001, count=2) == [1_000_000, 999_999]
    assert log.gaps("staging", 0) == []


def test_the_oldest_are_forgotten_and_become_a_gap() -> None:
    log = ActivityLog()
    for revision in range(1, activity_log.MOST_KEPT + 3):
        log.add(change_set(revision))
    assert log.is_full
    assert len(log) == activity_log.MOST_KEPT
    assert log.gaps("staging", activity_log.MOST_KEPT + 2) == [Gap("staging", 1, 2)]


@given(st.sets(st.integers(1, 30)), st.sets(st.integers(1, 30)), st.integers(0, 32))
def test_known_and_gaps_are_together_the_whole_log(known: set[int], refused: set[int], head: int) -> None:
    log = ActivityLog()
    for revision in refused:
        log.add_unfetched("staging", revision, f"reason {revision % 2}")
    for revision in known:
        log.add(change_set(revision))
    gaps = log.gaps("staging", head)
    covered = [revision for gap in gaps for revision in range(gap.first, gap.last + 1)]
    assert len(covered) == len(set(covered))
    assert sorted(covered) == [revision for revision in range(1, head + 1) if revision not in known]
    assert [gap.last for gap in gaps] == sorted((gap.last for gap in gaps), reverse=True)
    for gap in gaps:
        assert {revision in refused for revision in range(gap.first, gap.last + 1)} == {bool(gap.reason)}
    open_ones = sorted(set(covered) - refused, reverse=True)
    assert log.missing("staging", below=head + 1, count=5) == open_ones[:5]
