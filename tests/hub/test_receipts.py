"""Receipts: nothing is called current that did not say so, and recently."""

from dataclasses import replace
from itertools import product

import pytest

from setpoint_hub.instance import Told, judge
from setpoint_hub.receipts import MOST_NAMED, make_receipt
from support.change_sets import EPOCH

TOLD = Told(
    client_id="checkout-1",
    service="checkout",
    env="staging",
    namespaces=frozenset({"payments", "global"}),
    sdk="",
    labels={},
    epoch=EPOCH,
    revision=7,
    status="applied",
    source="push",
    error=None,
    applied_ms=4.0,
    connected=True,
    silent_seconds=1.0,
    hub="hub",
)
SILENT_AFTER = 30.0


def state_of(told: Told) -> str:
    return judge(told, epoch=EPOCH, target=7, silent_after=SILENT_AFTER)


@pytest.mark.parametrize(
    ("told", "state"),
    [
        (TOLD, "current"),
        (replace(TOLD, revision=9), "current"),
        (replace(TOLD, revision=6), "behind"),
        (replace(TOLD, status="refused", revision=6), "refused"),
        (replace(TOLD, status="refused", revision=9), "refused"),
        (replace(TOLD, epoch="another"), "unknown"),
        (replace(TOLD, silent_seconds=31), "silent"),
        (replace(TOLD, silent_seconds=31, status="refused"), "silent"),
        (replace(TOLD, source="poll"), "current"),
    ],
)
def test_an_instance_is_what_it_said_last(told: Told, state: str) -> None:
    assert state_of(told) == state


def test_only_a_recent_word_of_the_revision_or_a_later_one_makes_an_instance_current() -> None:
    for epoch, revision, status, silent in product([EPOCH, "another"], [6, 7, 8], ["applied", "refused"], [0.0, 31.0]):
        told = replace(TOLD, epoch=epoch, revision=revision, status=status, silent_seconds=silent)
        said_so = epoch == EPOCH and revision >= 7 and status == "applied" and silent <= SILENT_AFTER
        assert (state_of(told) == "current") == said_so, told


def receipt(*fleet: Told) -> dict[str, object]:
    return make_receipt("staging", 7, EPOCH, {"payments"}, fleet, silent_after=SILENT_AFTER).as_json()


def test_instances_of_other_environments_and_namespaces_do_not_count() -> None:
    found = receipt(TOLD, replace(TOLD, env="production"), replace(TOLD, namespaces=frozenset({"search"})))
    assert found["instances"] == 1
    assert found["complete"] is True


def test_every_instance_is_counted_once_and_those_not_current_are_named() -> None:
    found = receipt(
        TOLD,
        replace(TOLD, client_id="late", revision=6, source="poll"),
        replace(TOLD, client_id="stubborn", status="refused", revision=6, error="too high"),
        replace(TOLD, client_id="gone quiet", silent_seconds=99),
        replace(TOLD, client_id="of another history", epoch="another"),
    )
    counted = {name: found[name] for name in ("instances", "current", "behind", "refused", "silent", "polling")}
    assert counted == {"instances": 5, "current": 1, "behind": 2, "refused": 1, "silent": 1, "polling": 1}
    assert found["complete"] is False
    named = found["behind_instances"]
    assert isinstance(named, list)
    assert [(one["client_id"], one["state"]) for one in named] == [
        ("late", "behind"),
        ("stubborn", "refused"),
        ("gone quiet", "silent"),
        ("of another history", "unknown"),
    ]
    assert named[1]["error"] == "too high"


def test_at_most_fifty_are_named() -> None:
    found = receipt(*(replace(TOLD, client_id=str(number), revision=1) for number in range(MOST_NAMED + 5)))
    assert found["behind"] == MOST_NAMED + 5
    assert len(found["behind_instances"]) == MOST_NAMED  # type: ignore[arg-type]


def test_a_receipt_of_nobody_is_complete_and_knows_no_times() -> None:
    found = receipt()
    assert (found["instances"], found["complete"], found["applied_ms"]) == (0, True, None)


def test_the_spread_is_over_those_that_told_of_this_very_revision() -> None:
    fleet = [replace(TOLD, client_id=str(number), applied_ms=float(number)) for number in range(1, 101)]
    others = [replace(TOLD, applied_ms=None), replace(TOLD, revision=8, applied_ms=9999.0)]
    assert receipt(*fleet, *others)["applied_ms"] == {"p50": 50.0, "p95": 95.0, "max": 100.0}


def test_waiting_ends_when_nobody_is_merely_behind() -> None:
    settled = [replace(TOLD, status="refused"), replace(TOLD, silent_seconds=99)]
    assert make_receipt("staging", 7, EPOCH, {"payments"}, settled, silent_after=SILENT_AFTER).settled
    late = [*settled, replace(TOLD, revision=6)]
    assert not make_receipt("staging", 7, EPOCH, {"payments"}, late, silent_after=SILENT_AFTER).settled
