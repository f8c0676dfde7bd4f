"""Values as text to edit, numbers stepped, reach and risk told, conflicts compared: all of it pure."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from textual.document._document import Document

from setpoint.protocol.values import ValueType
from setpoint_tui.answers import Environment, Instance, PastChangeSet, Person, WhoAmI
from setpoint_tui.model.conflicts import Base, base_of, first_text, meanwhile, overlap_sentence, who_sentence
from setpoint_tui.model.diff_lines import ABSENT
from setpoint_tui.model.drafts import Draft, Drafts, holds_what_is_written
from setpoint_tui.model.editing import EditedText, Mistake, ReadValue, read_text, stepped, text_of
from setpoint_tui.model.intent import Intent
from setpoint_tui.model.keys import Held
from setpoint_tui.model.model import Model
from setpoint_tui.model.place import Place
from setpoint_tui.model.proposals import Proposal, ProposedChange
from setpoint_tui.model.reach import expected_reach, reach_sentence
from setpoint_tui.model.risk import Rung, policy_sentence, role_refuses_because, rung_of, title_of_button
from setpoint_tui.text_safety import safe_text

STORED = st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\x00"), max_size=200)
JSON = st.recursive(
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | STORED,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(STORED, inner, max_size=4),
    max_leaves=12,
)
KEY = ("payments", "limits")
AT = datetime(2026, 5, 4, tzinfo=UTC)


def is_harmless(text: str) -> bool:
    return safe_text(text, limit=None, keep="\n\t") == text


@given(STORED)
def test_any_string_comes_back_from_the_editor_as_it_was(value: str) -> None:
    edited = text_of("string", value)
    assert is_harmless(edited.text)
    # As the widget holds it: in lines.
    assert Document(edited.text).text == edited.text
    assert read_text("string", edited) == ReadValue(value)


@given(JSON)
def test_any_json_comes_back_from_the_editor_as_it_was(value: Any) -> None:
    edited = text_of("json", value)
    assert is_harmless(edited.text)
    assert Document(edited.text).text == edited.text
    read = read_text("json", edited)
    assert isinstance(read, ReadValue)
    assert json.dumps(read.value) == json.dumps(value)


@given(st.text(max_size=60), st.sampled_from(["string", "int", "float", "bool", "json"]), st.booleans())
def test_any_text_is_read_or_explained(text: str, value_type: ValueType, escaped: bool) -> None:
    read = read_text(value_type, EditedText(text, escaped and value_type == "string"))
    assert isinstance(read, ReadValue) or is_harmless(read.reason)


@pytest.mark.parametrize(
    ("text", "line", "column"),
    [("", 1, 1), ("{\n  1}", 2, 3), ('{"a": 1,, "b": 2}', 1, 9), ("[1, 2\n]]", 2, 2)],
)
def test_a_mistake_in_json_has_its_place(text: str, line: int, column: int) -> None:
    read = read_text("json", EditedText(text))
    assert isinstance(read, Mistake)
    assert (read.line, read.column) == (line, column)


@pytest.mark.parametrize(
    ("value_type", "text", "said"),
    [
        ("json", '{"a": 1, "a": 2}', "stands twice"),
        ("json", "NaN", "not finite"),
        ("int", "1.5", "a float was given"),
        ("int", "9223372036854775808", "64 bits"),
        ("bool", "yes", "type true or false"),
        ("string", "x" * 70_000, "70,002 bytes"),
    ],
)
def test_what_does_not_fit_is_told_in_a_sentence(value_type: ValueType, text: str, said: str) -> None:
    read = read_text(value_type, EditedText(text))
    assert isinstance(read, Mistake)
    assert said in read.reason


@pytest.mark.parametrize(
    ("value_type", "text", "by", "then"),
    [
        ("int", "3", 1, "4"),
        ("int", "-1", 1, "0"),
        ("int", " 7 ", -1, "6"),
        ("float", "0.25", 1, "0.26"),
        ("float", "0.10", -1, "0.09"),
        ("float", "5", 1, "6"),
        ("int", "1.5", 1, "1.5"),
        ("int", "", 1, ""),
        ("float", "1e9", 1, "1e9"),
        ("int", "x", 1, "x"),
    ],
)
def test_a_number_is_stepped_by_its_last_place(value_type: ValueType, text: str, by: int, then: str) -> None:
    assert stepped(value_type, text, by) == then


def test_what_an_editor_begins_with_where_there_is_no_value() -> None:
    assert {kind: first_text(kind, Base(None, ABSENT)).text for kind in ("bool", "json", "int", "string")} == {
        "bool": "false",
        "json": "{}",
        "int": "",
        "string": "",
    }


# -- reach and risk


def instance(name: str, service: str, *namespaces: str, state: str = "current") -> Instance:
    return Instance(
        client_id=name,
        service=service,
        env="staging",
        namespaces=namespaces,
        revision=1,
        target=1,
        state=state,
        source="push",
        connected=True,
        last_seen_seconds=0,
    )


def test_reach_counts_who_watches_what_is_touched() -> None:
    fleet = [
        *(instance(f"c{number}", "checkout", "payments", "global") for number in range(3)),
        instance("b1", "billing", "payments", state="behind"),
        instance("b2", "billing", "payments", state="silent"),
        instance("s1", "search", "search"),
    ]
    reach = expected_reach(fleet, {"payments"})
    assert reach.instances == 5
    assert reach_sentence(reach) == ("reaches 3 instances of checkout, 2 of billing; 1 is behind already; 1 is silent")
    assert reach_sentence(expected_reach(fleet, {"nothing"})) == "no live instance watches what it touches"


def test_many_services_are_summed_up() -> None:
    fleet = [instance(f"i{number}", f"service-{number}", "payments") for number in range(9)]
    assert reach_sentence(expected_reach(fleet, ["payments"])).endswith("and 3 of 3 other services")


def proposal(*changes: tuple[object, object], method: str = "set") -> Proposal:
    proposed = tuple(
        ProposedChange(("payments", f"key-{number}"), "int", old, new) for number, (old, new) in enumerate(changes)
    )
    return Proposal(Intent(method, {}, "production", "a change"), "a change", proposed)


def environment(*, protected: bool, approvals: int = 0) -> Environment:
    return Environment(env="production", revision=1, protected=protected, required_approvals=approvals, position=0)


def test_the_ladder() -> None:
    assert rung_of(proposal((1, 2)), protected=False) is Rung.ONE_KEY
    assert rung_of(proposal((1, ABSENT)), protected=False) is Rung.COUNTED
    assert rung_of(proposal((1, 2), (3, 4)), protected=False) is Rung.COUNTED
    assert rung_of(proposal((1, 2)), protected=True) is Rung.PROTECTED


def test_policy_and_button_say_what_becomes_of_it() -> None:
    assert policy_sentence(environment(protected=False)) is None
    assert policy_sentence(environment(protected=True, approvals=2)) == (
        "2 approvals: will be sent for review, not applied"
    )
    assert title_of_button(proposal((1, 2)), environment(protected=True, approvals=1)) == "Send for review"
    assert title_of_button(proposal((1, ABSENT), (2, ABSENT)), None) == "Delete 2 values"
    assert title_of_button(proposal((1, 2), (2, ABSENT)), None) == "Write 2 changes"


# -- conflicts


def model_with(value: object, version: str, revision: int) -> Model:
    model = Model()
    model.places["staging"] = Place("staging")
    if value is not ABSENT:
        model.places["staging"].held[KEY] = Held("json", value, version, revision, AT)
    return model


def told(model: Model, value: object, revision: int) -> None:
    change = {
        "namespace": "payments",
        "key": "limits",
        "type": "json",
        "new": value,
        "version": f"v{revision}",
        "previous_version": "v1",
    }
    model.apply(
        PastChangeSet.model_validate(
            {
                "env": "staging",
                "revision": revision,
                "change_set": "c",
                "how": "set",
                "by": Person(id=1, name="bob"),
                "note": "more",
                "at": AT,
                "changes": [change],
            }
        )
    )


def test_nobody_changed_it_then_there_is_no_conflict() -> None:
    model = model_with({"a": 1}, "v1", 1)
    assert meanwhile(model, "staging", KEY, base_of(model.held("staging", KEY)), {"a": 2}, "json") is None


def test_both_changes_of_an_object_are_merged_and_who_did_it_is_told() -> None:
    model = model_with({"a": 1}, "v1", 1)
    base = base_of(model.held("staging", KEY))
    told(model, {"a": 1, "b": 2}, 2)
    found = meanwhile(model, "staging", KEY, base, {"a": 5}, "json")
    assert found is not None
    assert found.together is not None
    assert found.together.merged == {"a": 5, "b": 2}
    assert who_sentence(found, AT + timedelta(seconds=4)) == "bob changed it 4s ago (r2): more"
    assert overlap_sentence(found.together) == "you changed other parts of it: both can stand together"


def test_changes_of_the_same_part_overlap() -> None:
    model = model_with({"a": 1}, "v1", 1)
    base = base_of(model.held("staging", KEY))
    told(model, {"a": 2}, 2)
    found = meanwhile(model, "staging", KEY, base, {"a": 3}, "json")
    assert found is not None
    assert overlap_sentence(found.together) == "you both changed a"


def test_a_base_that_is_not_known_any_more_cannot_be_compared() -> None:
    model = model_with(3, "v9", 9)
    found = meanwhile(model, "staging", KEY, Base("v1", ABSENT, is_known=False), 4, "int")
    assert found is not None
    assert found.together is None
    assert who_sentence(found, AT) == "somebody changed it meanwhile (r9)"


# -- drafts


def draft(text: str, *, escaped: bool = False) -> Draft:
    return Draft("staging", "payments", "limits", "string", text, "v1", AT.isoformat(), escaped=escaped)


def test_drafts_come_back_from_what_is_kept_and_broken_ones_are_counted() -> None:
    drafts = Drafts()
    drafts.put(draft('"\\u001b"', escaped=True))
    again = Drafts()
    kept = json.loads(json.dumps(drafts.dump()))
    assert again.load([*kept, {**kept[0], "escaped": "yes"}, {"env": 1}, "x"]) == 3
    assert list(again) == list(drafts)


def test_a_draft_that_says_what_holds_is_of_no_use() -> None:
    held = Held("string", "\x1b", "v2", 2, AT)
    assert holds_what_is_written(draft('"\\u001b"', escaped=True), held)
    assert not holds_what_is_written(draft("other"), held)
    assert not holds_what_is_written(draft("other"), None)


# -- roles


def whoami(role: str, **may: dict[str, bool]) -> Model:
    model = Model()
    model.whoami = WhoAmI.model_validate(
        {"user": {"id": 1, "name": "rita"}, "role": role, "may": may, "hub": "h", "version": "0"}
    )
    return model


def test_a_role_refuses_beforehand_what_the_hub_would() -> None:
    writes = {"read": True, "write": True, "propose": True}
    proposes = {"read": True, "write": False, "propose": True}
    reads = {"read": True, "write": False, "propose": False}
    editor = whoami("editor", staging=writes, production=proposes)
    assert role_refuses_because(editor, "staging") is None
    assert role_refuses_because(editor, "production") is None
    assert role_refuses_because(editor, "other") == "your token does not reach other"
    assert role_refuses_because(editor, None) is None
    assert "takes the role editor" in str(role_refuses_because(whoami("reader", staging=reads), "staging"))
    assert "takes the role editor" in str(role_refuses_because(whoami("reader"), None))
    assert role_refuses_because(whoami("admin"), "staging") is None
    assert role_refuses_because(Model(), "staging") is None
