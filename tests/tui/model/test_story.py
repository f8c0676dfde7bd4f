"""The story of a key: pages come in any order and while others change it, and nothing is lost or told twice."""

from datetime import UTC, datetime, timedelta

from hypothesis import given
from hypothesis import strategies as st

from setpoint_tui.answers import History, HistoryChange, Person
from setpoint_tui.model.diffing import ABSENT
from setpoint_tui.model.story import Story, value_after, value_before

KEY = ("payments", "max_retries")
BEGAN = datetime(2026, 1, 1, tzinfo=UTC)


def change(revision: int, version: str | None = None, value: object = None) -> HistoryChange:
    return HistoryChange(
        revision=revision,
        how="set",
        by=Person(id=1, name="alice"),
        note="",
        at=BEGAN + timedelta(minutes=revision),
        version=f"v{revision}" if version is None else (version or None),
        previous_version=None,
        value=value,
    )


def page(*revisions: int, following: int | None = None) -> History:
    changes = tuple(change(revision) for revision in revisions)
    return History(env="staging", namespace=KEY[0], key=KEY[1], type="int", changes=changes, next=following)


def told(all_revisions: list[int], limit: int, before: int | None = None) -> History:
    """Answer as a hub would: the newest `limit` changes before a revision."""
    found = sorted((one for one in all_revisions if before is None or one < before), reverse=True)
    rest = found[limit:]
    return page(*found[:limit], following=found[limit - 1] if rest else None)


def test_the_newest_change_is_what_holds() -> None:
    story = Story("staging", KEY)
    assert (story.present, story.is_known) == (None, False)
    assert story.put_newest(page(9, 4, 2)) == {9, 4, 2}
    assert story.present is not None
    assert story.present.revision == 9
    assert story.type == "int"


def test_a_version_that_was_made_to_hold_again_is_recognised() -> None:
    story = Story("staging", KEY)
    again, between, first = change(3, "a"), change(2, "b"), change(1, "a")
    found = page().model_copy(update={"changes": (again, between, first)})
    story.put_newest(found)
    assert [story.is_present_again(one) for one in (again, between, first)] == [True, False, True]


def test_a_deletion_holds_nothing_which_differs_from_null() -> None:
    assert value_after(change(1, "")) is ABSENT
    assert value_after(change(1, "a", None)) is None
    assert value_before(change(1)) is ABSENT


def test_what_is_newer_comes_on_top_and_only_that_is_news() -> None:
    story = Story("staging", KEY)
    story.put_newest(page(9, 4, following=4))
    assert story.put_newest(page(12, 9, 4, following=4)) == {12}
    assert story.order == [12, 9, 4]
    assert story.older == 4


def test_a_page_that_does_not_join_on_takes_the_place_of_what_was_held() -> None:
    story = Story("staging", KEY)
    story.put_newest(page(4, 2))
    story.put_newest(page(12, 11, 10, following=10))
    assert (story.order, story.older) == ([12, 11, 10], 10)


def test_an_earlier_history_takes_the_place_of_a_later_one() -> None:
    story = Story("staging", KEY)
    story.put_newest(page(9, 4))
    story.put_newest(page(3))
    assert story.order == [3]


def test_a_page_of_older_changes_that_comes_twice_is_taken_once() -> None:
    story = Story("staging", KEY)
    story.put_newest(page(9, 8, following=8))
    story.put_older(page(5, 4, following=4))
    story.put_older(page(5, 4, following=4))
    assert (story.order, story.older) == ([9, 8, 5, 4], 4)


@given(st.lists(st.tuples(st.sampled_from(["write", "newest", "older"]), st.integers(1, 5)), max_size=40))
def test_read_to_the_end_it_equals_the_hubs_history(steps: list[tuple[str, int]]) -> None:
    at_hub, limit, story = [1, 2, 3], 3, Story("staging", KEY)
    for step, number in steps:
        if step == "write":
            at_hub += [at_hub[-1] + number * jump for jump in range(1, number + 1)]
        elif step == "newest":
            story.put_newest(told(at_hub, limit))
        elif story.older is not None:
            story.put_older(told(at_hub, limit, story.older))
        assert story.order == sorted(story.order, reverse=True)
    story.put_newest(told(at_hub, limit))
    while story.older is not None:
        story.put_older(told(at_hub, limit, story.older))
    assert story.order == sorted(at_hub, reverse=True)
