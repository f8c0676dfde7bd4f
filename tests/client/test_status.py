"""The state that the facts add up to."""

import pytest

from setpoint.status import Links, State, state_of


@pytest.mark.parametrize(
    ("links", "has_data", "state"),
    [
        (Links(), False, "starting"),
        (Links(push="live", contact=0.0), True, "live"),
        (Links(contact=95.0), True, "polling"),
        (Links(poll="answered", contact=95.0), True, "polling"),
        (Links(poll="failed", contact=95.0), True, "polling"),
        (Links(poll="failed", contact=30.0), True, "stale"),
        (Links(poll="failed"), False, "starting"),
        # A refused upgrade alone may be the work of something on the way: the first poll decides.
        (Links(push="denied"), False, "starting"),
        (Links(push="denied", poll="failed"), False, "denied"),
        (Links(push="denied", poll="denied"), False, "denied"),
        (Links(push="denied", poll="answered", contact=95.0), True, "polling"),
        (Links(push="denied", contact=95.0), True, "denied"),
        (Links(poll="denied", contact=95.0), True, "denied"),
        (Links(push="superseded", poll="answered", contact=95.0), True, "polling"),
    ],
)
def test_the_state_follows_from_the_facts(links: Links, has_data: bool, state: State) -> None:
    assert state_of(links, has_data=has_data, stale_after=60.0, now=100.0) == state


def test_the_age_is_none_without_contact_and_nothing_while_live() -> None:
    assert Links().age(100.0) is None
    assert Links(contact=40.0).age(100.0) == 60.0
    assert Links(push="live", contact=40.0).age(100.0) == 0.0
