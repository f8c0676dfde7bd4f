"""Typed reads: types mean what they say, and a mismatch gives the default."""

from collections.abc import Callable
from typing import Any

import pytest

from client.wire import entry, full
from setpoint.content import Content, parse
from setpoint.errors import KeyNotFound, WrongType
from setpoint.mismatches import Mismatches
from setpoint.reads import Reads, Snapshot
from setpoint.replica import Held, apply

VALUES = {
    "int": entry(5),
    "zero": entry(0),
    "float": entry(0.5),
    "true": entry(True),
    "text": entry("5"),
    "empty": entry(""),
    "object": entry({"rps": 50}),
    "null": entry(None, "json"),
    "json_int": entry(7, "json"),
}


def content(revision: int = 1) -> Content:
    return parse(apply(Held("production"), full(revision, {"payments": VALUES})))


class Reported:
    def __init__(self) -> None:
        self.mismatches: list[Any] = []
        self.recorder = Mismatches(self.mismatches.append)


@pytest.fixture
def reported() -> Reported:
    return Reported()


@pytest.fixture
def reads(reported: Reported) -> Reads:
    return Reads(content(), reported.recorder)


def test_each_getter_gives_the_value_of_its_type(reads: Reads, reported: Reported) -> None:
    assert reads.get_int("payments", "int") == 5
    assert reads.get_int("payments", "zero", 9) == 0
    assert reads.get_float("payments", "float") == 0.5
    assert reads.get_bool("payments", "true") is True
    assert reads.get_str("payments", "text") == "5"
    assert reads.get_str("payments", "empty", "default") == ""
    assert reads.get_json("payments", "object") == {"rps": 50}
    assert reads.get_json("payments", "null", "default") is None
    assert reads.get_json("payments", "json_int") == 7
    assert reported.recorder.count == 0


def test_a_float_takes_an_int_and_gives_a_float(reads: Reads, reported: Reported) -> None:
    assert type(reads.get_float("payments", "int")) is float
    assert type(reads.require_float("payments", "int")) is float
    assert reported.recorder.count == 0


def test_get_gives_whatever_there_is(reads: Reads) -> None:
    assert reads.get("payments", "true") is True
    assert reads.get("payments", "null", "default") is None
    assert reads.get("payments", "absent") is None
    assert reads.get("payments", "absent", 3) == 3
    assert reads.get("elsewhere", "int", 3) == 3


MISMATCHES: list[tuple[str, str, Any]] = [
    ("get_int", "true", 9),
    ("get_int", "text", 9),
    ("get_int", "float", 9),
    ("get_int", "null", 9),
    ("get_bool", "int", True),
    ("get_bool", "zero", True),
    ("get_float", "true", 9.0),
    ("get_float", "text", 9.0),
    ("get_str", "int", "default"),
    ("get_str", "null", "default"),
    ("get_json", "text", "default"),
    ("get_json", "int", "default"),
]


@pytest.mark.parametrize(("getter", "key", "default"), MISMATCHES)
def test_a_value_of_another_type_gives_the_default_and_is_counted(
    reads: Reads, reported: Reported, getter: str, key: str, default: Any
) -> None:
    assert getattr(reads, getter)("payments", key, default) == default
    assert reported.recorder.count == 1
    assert reported.mismatches[0].key == key
    with pytest.raises(WrongType):
        getattr(reads, getter.replace("get_", "require_"))("payments", key)


@pytest.mark.parametrize("getter", ["get_int", "get_bool", "get_float", "get_str", "get_json"])
def test_a_key_without_a_value_gives_the_default_and_is_no_mismatch(
    reads: Reads, reported: Reported, getter: str
) -> None:
    default = object()
    assert getattr(reads, getter)("payments", "absent", default) is default
    assert getattr(reads, getter)("elsewhere", "int", default) is default
    assert reported.recorder.count == 0
    with pytest.raises(KeyNotFound, match="payments/absent"):
        getattr(reads, getter.replace("get_", "require_"))("payments", "absent")


def test_a_mismatch_is_reported_once_per_key_type_and_revision(reported: Reported) -> None:
    for revision in (1, 2):
        reads = Reads(content(revision), reported.recorder)
        for _ in range(3):
            reads.get_int("payments", "text")
    reads.get_bool("payments", "text")
    assert reported.recorder.count == 7
    assert [mismatch.expected for mismatch in reported.mismatches] == ["int", "int", "bool"]


def test_the_error_of_a_required_key_says_both_types(reads: Reads) -> None:
    with pytest.raises(WrongType, match="payments/text is of type string, not int"):
        reads.require_int("payments", "text")


def test_required_keys_give_their_values(reads: Reads) -> None:
    assert reads.require_int("payments", "int") == 5
    assert reads.require_bool("payments", "true") is True
    assert reads.require_float("payments", "float") == 0.5
    assert reads.require_str("payments", "text") == "5"
    assert reads.require_json("payments", "null") is None


def test_a_namespace_is_a_mapping_with_the_same_getters(reads: Reads) -> None:
    payments = reads.namespace("payments")
    assert set(payments) == set(VALUES)
    assert len(payments) == len(VALUES)
    assert payments["int"] == 5
    assert "absent" not in payments
    assert payments.get("absent", 3) == 3
    assert dict(payments)["text"] == "5"
    assert payments.get_int("int") == payments.require_int("int") == 5
    assert payments.get_bool("true") is payments.require_bool("true") is True
    assert payments.get_float("float") == payments.require_float("float") == 0.5
    assert payments.get_str("text") == payments.require_str("text") == "5"
    assert payments.get_json("object") == payments.require_json("object")
    with pytest.raises(KeyError):
        payments["absent"]
    assert dict(reads.namespace("elsewhere")) == {}


def test_a_view_tells_nothing_of_the_values_when_printed(reads: Reads) -> None:
    assert repr(reads.namespace("payments")) == "<namespace payments: 9 keys>"
    assert repr(Snapshot(content(), reads._mismatches)) == "<Snapshot of production at revision 1>"


@pytest.mark.parametrize(
    "read", [lambda reads: reads.get_json("payments", "object"), lambda reads: reads.get("payments", "object")]
)
def test_what_readers_share_cannot_be_changed(reads: Reads, read: Callable[[Reads], Any]) -> None:
    with pytest.raises(TypeError):
        read(reads)["rps"] = 0


def test_what_did_not_change_is_not_parsed_again() -> None:
    first = content()
    held = apply(first.held, full(2, {"payments": {**VALUES, "int": entry(6)}, "new": {}}))
    second = parse(held, first)
    assert second.values["payments"]["object"] is first.values["payments"]["object"]
    assert second.values["payments"]["int"] == 6
