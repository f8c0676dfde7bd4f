"""JSON that many readers share."""

import copy
import json
import pickle
from collections.abc import Callable
from typing import Any

import pytest

from setpoint.frozen import freeze, thaw

VALUE = {"rps": 50, "zones": ["a", {"b": None}]}


def through_pickle(value: Any) -> Any:
    return pickle.loads(pickle.dumps(value))  # noqa: S301 its own dump


@pytest.fixture
def frozen() -> Any:
    return freeze(VALUE)


def test_a_frozen_value_is_an_equal_dict_that_json_can_write(frozen: Any) -> None:
    assert isinstance(frozen, dict)
    assert frozen == VALUE
    assert json.loads(json.dumps(frozen)) == VALUE


CHANGES: list[Callable[[Any], Any]] = [
    lambda value: value.__setitem__("rps", 1),
    lambda value: value.__delitem__("rps"),
    lambda value: value.update(rps=1),
    lambda value: value.pop("rps"),
    lambda value: value.popitem(),
    lambda value: value.setdefault("new", 1),
    lambda value: value.clear(),
    lambda value: value.__ior__({"rps": 1}),
    lambda value: value["zones"].append("c"),
    lambda value: value["zones"].extend("c"),
    lambda value: value["zones"].insert(0, "c"),
    lambda value: value["zones"].pop(),
    lambda value: value["zones"].remove("a"),
    lambda value: value["zones"].sort(),
    lambda value: value["zones"].reverse(),
    lambda value: value["zones"].clear(),
    lambda value: value["zones"].__setitem__(0, "c"),
    lambda value: value["zones"].__delitem__(0),
    lambda value: value["zones"].__iadd__(["c"]),
    lambda value: value["zones"].__imul__(2),
    lambda value: value["zones"][1].update(b=1),
]


@pytest.mark.parametrize("change", CHANGES)
def test_no_way_of_changing_it_works(frozen: Any, change: Callable[[Any], Any]) -> None:
    with pytest.raises(TypeError, match="deepcopy"):
        change(frozen)
    assert frozen == VALUE


@pytest.mark.parametrize("duplicate", [copy.deepcopy, thaw, through_pickle])
def test_a_deep_copy_can_be_changed_all_the_way_down(frozen: Any, duplicate: Callable[[Any], Any]) -> None:
    mine = duplicate(frozen)
    mine["zones"][1]["b"] = 1
    mine["zones"].append("c")
    assert frozen == VALUE


def test_a_shallow_copy_can_be_changed(frozen: Any) -> None:
    mine = copy.copy(frozen)
    mine["rps"] = 1
    assert frozen == VALUE


def test_scalars_stay_what_they_are() -> None:
    assert [freeze(value) for value in (1, 1.5, True, None, "x")] == [1, 1.5, True, None, "x"]
