"""A fleet in order and in numbers: nobody is lost, problems come first, counts add up."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.answers import Instance
from setpoint_tui.errors import InvalidFilter
from setpoint_tui.model.fleet_view import (
    SORTS,
    ServiceCount,
    ServiceHeader,
    arrange,
    behind_by,
    matching,
    parse_fleet_filter,
    summarise,
)

STATES = ["current", "behind", "refused", "silent", "unknown", "of a newer hub"]


def instance(client_id: str, state: str = "current", **others: Any) -> Instance:
    given: dict[str, Any] = {
        "client_id": client_id, "service": "checkout", "env": "staging", "revision": 5, "target": 5, "state": state,
        "source": "push", "connected": True, "last_seen_seconds": 1.0,
    }  # fmt: skip
    return Instance(**(given | others))


INSTANCES = st.lists(
    st.builds(
        instance,
        st.text(min_size=1, max_size=4),
        st.sampled_from(STATES),
        service=st.sampled_from(["a", "b", "c"]),
        revision=st.integers(0, 9),
        target=st.integers(0, 9),
        last_seen_seconds=st.floats(0, 100),
    ),
    max_size=30,
    unique_by=lambda one: one.client_id,
)


@given(INSTANCES, st.sampled_from(SORTS), st.booleans(), st.booleans())
def test_nobody_is_lost_and_nobody_stands_twice(
    instances: list[Instance], sort: Any, descending: bool, grouped: bool
) -> None:
    rows = arrange(instances, sort=sort, descending=descending, grouped=grouped)
    listed = [row for row in rows if isinstance(row, str)]
    assert sorted(listed) == sorted(one.client_id for one in instances)
    headers = [row.service for row in rows if isinstance(row, ServiceHeader)]
    assert sorted(headers) == (sorted({one.service for one in instances}) if grouped else [])


@given(INSTANCES)
def test_problems_come_before_what_is_current(instances: list[Instance]) -> None:
    by_id = {one.client_id: one for one in instances}
    states = [by_id[row].state for row in arrange(instances) if isinstance(row, str)]
    first_current = states.index("current") if "current" in states else len(states)
    assert "current" not in states[:first_current]
    assert set(states[first_current:]) <= {"current"}
    assert [state for state in states if state in ("refused", "silent", "behind")] == sorted(
        (state for state in states if state in ("refused", "silent", "behind")),
        key=["refused", "silent", "behind"].index,
    )


@given(INSTANCES)
def test_a_group_holds_the_instances_of_its_service_and_the_worst_group_is_first(instances: list[Instance]) -> None:
    by_id = {one.client_id: one for one in instances}
    service = ""
    fine_seen = False
    worst: dict[str, bool] = {}
    for row in arrange(instances, grouped=True):
        if isinstance(row, ServiceHeader):
            service = row.service
            worst[service] = False
        else:
            assert by_id[row].service == service
            worst[service] |= by_id[row].state != "current"
    for has_problem in worst.values():
        assert not (fine_seen and has_problem)
        fine_seen |= not has_problem


@given(INSTANCES)
def test_counts_add_up(instances: list[Instance]) -> None:
    found = summarise(instances)
    assert found.instances == len(instances)
    assert sum(number for _, number in found.states) == len(instances)
    assert sum(one.instances for one in found.services) == len(instances)
    assert sum(one.current for one in found.services) == found.current
    assert sum(one.instances for one in found.revisions) == len(instances)
    assert sum(one.not_current for one in found.revisions) == len(instances) - found.current
    revisions = [one.revision for one in found.revisions]
    assert revisions == sorted(set(revisions), reverse=True)


def test_services_with_problems_are_named_first() -> None:
    found = summarise([instance("a", service="fine"), instance("b", "behind", service="late")])
    assert found.services == (ServiceCount("late", 0, 1), ServiceCount("fine", 1, 1))


def test_how_far_behind_is_not_said_of_another_history() -> None:
    assert behind_by(instance("a", revision=3, target=7)) == 4
    assert behind_by(instance("a", revision=9, target=7)) == 0
    assert behind_by(instance("a", "unknown", revision=9, target=7)) is None
    late = [instance("a", revision=4), instance("b", revision=1), instance("c", "unknown")]
    assert arrange(late, sort="behind") == ["c", "b", "a"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("", ["a", "b", "c"]),
        ("check", ["a", "b"]),
        ("!check", ["c"]),
        ("state:behind", ["b"]),
        ("service:bill", ["c"]),
        ("source:poll", ["c"]),
        ("label:zone=x", ["a"]),
        ("runs:r4", ["b"]),
        ("runs:5 !label:zone=x", ["c"]),
        ('"too high"', ["b"]),
    ],
)
def test_filters(text: str, expected: list[str]) -> None:
    instances = [
        instance("a", labels={"zone": "x"}),
        instance("b", "behind", revision=4, error="Too high"),
        instance("c", service="billing", source="poll"),
    ]
    assert [one.client_id for one in matching(instances, parse_fleet_filter(text))] == expected


@pytest.mark.parametrize("text", ["color:red", "state:", '"open'])
def test_a_filter_that_means_nothing_says_what_to_write(text: str) -> None:
    with pytest.raises(InvalidFilter):
        parse_fleet_filter(text)
