"""The chains of hashes: any edit of what is on record shows, at its place."""

import hashlib
from collections.abc import Callable
from dataclasses import fields, replace
from datetime import timedelta, timezone
from typing import Any
from uuid import UUID

import pytest
from hypothesis import given
from hypothesis import strategies as st

from setpoint.protocol.audit_lines import HeadLine, InvalidLine, head_line, line_of, read_line
from setpoint.protocol.chain import ChainedChange, ChainedChangeSet, ChainedEvent, Link, Origin, Record, link
from setpoint.protocol.strict_json import dumps, loads
from setpoint.protocol.verification import Head
from setpoint_hub.chain import request_fingerprint
from support.chains import CHANGE, CHANGE_SET, EVENT, chain_of, change_sets, events, verified

PREVIOUS = b"\x01" * 32

edits_of_all: dict[str, Any] = {
    "id": UUID(int=9),
    "env": "production",
    "revision": 8,
    "sequence": 8,
    "kind": "token.revoke",
    "how": "rollback",
    "by_id": 2,
    "user_id": None,
    "token_id": UUID(int=9),
    "note": "why not",
    "at": CHANGE_SET.at + timedelta(microseconds=1),
    "origin": Origin("192.0.2.8", "curl/8"),
    "request_id": UUID(int=9),
    "request_hash": b"\x08" * 32,
    "changes": (CHANGE,),
    "namespace": "search",
    "key": "c",
    "type": "float",
    "previous_version": None,
    "version": UUID(int=9),
    "content": "6",
    "is_new": False,
    "about": '{"role":"admin"}',
    "form": 1,
}

FORM_1 = replace(CHANGE_SET, form=1, changes=(replace(CHANGE, content="5"),))
COVERED_SINCE_FORM_2 = {"origin", "request_hash", "is_new"}


def names_of(kind: type) -> list[str]:
    return [field.name for field in fields(kind)]


@pytest.mark.parametrize("name", names_of(ChainedChangeSet))
def test_every_member_of_a_change_set_is_under_its_hash(name: str) -> None:
    edited = replace(CHANGE_SET, **{name: edits_of_all[name]})
    assert link(PREVIOUS, edited) != link(PREVIOUS, CHANGE_SET)


@pytest.mark.parametrize("name", names_of(ChainedEvent))
def test_every_member_of_an_event_is_under_its_hash(name: str) -> None:
    assert link(PREVIOUS, replace(EVENT, **{name: edits_of_all[name]})) != link(PREVIOUS, EVENT)


@pytest.mark.parametrize("name", names_of(ChainedChange))
def test_every_member_of_a_change_is_under_the_hash(name: str) -> None:
    edited = replace(CHANGE_SET, changes=(replace(CHANGE, **{name: edits_of_all[name]}), CHANGE_SET.changes[1]))
    assert link(PREVIOUS, edited) != link(PREVIOUS, CHANGE_SET)


@pytest.mark.parametrize("name", sorted({*names_of(ChainedChangeSet)} - COVERED_SINCE_FORM_2 - {"form"}))
def test_form_1_covers_what_it_always_did(name: str) -> None:
    assert link(PREVIOUS, replace(FORM_1, **{name: edits_of_all[name]})) != link(PREVIOUS, FORM_1)


def test_form_1_is_what_version_1_wrote() -> None:
    content = (
        '{"change_set":"00000000-0000-0000-0000-000000000001","env":"staging","revision":1,"how":"set","by":1,'
        '"token":"00000000-0000-0000-0000-000000000002","note":"why","at":"2030-01-01T12:00:00.000000+00:00",'
        '"request":"00000000-0000-0000-0000-000000000003","changes":[["payments","a","int",'
        '"00000000-0000-0000-0000-000000000005","00000000-0000-0000-0000-000000000004","5"]]}'
    )
    assert link(PREVIOUS, FORM_1) == hashlib.sha256(PREVIOUS + content.encode()).digest()


def test_the_order_of_changes_and_the_time_zone_do_not_matter() -> None:
    elsewhere = replace(
        CHANGE_SET,
        at=CHANGE_SET.at.astimezone(timezone(timedelta(hours=5))),
        changes=CHANGE_SET.changes[::-1],
    )
    assert link(PREVIOUS, elsewhere) == link(PREVIOUS, CHANGE_SET)


def test_fields_that_run_together_are_told_apart() -> None:
    assert request_fingerprint("set", "ab", "c") != request_fingerprint("set", "a", "bc")


@pytest.mark.parametrize("make", [change_sets, events])
def test_an_untouched_chain_verifies(make: Callable[[int], list[Link]]) -> None:
    for number in (0, 1, 5):
        assert verified(make(number)) is None


def test_the_first_broken_link_is_named() -> None:
    links = change_sets(5)
    edited = [*links]
    for place in (3, 1):
        edited[place] = replace(edited[place], record=replace(CHANGE_SET, revision=place + 1, note="another"))
    broken = verified(edited)
    assert broken is not None
    assert (broken.number, "edited" in broken.reason) == (2, True)


def test_a_record_that_was_written_anew_with_its_hash_shows_at_the_next() -> None:
    links = change_sets(5)
    rewritten = replace(CHANGE_SET, revision=2, note="another")
    links[1] = Link(rewritten, links[1].previous, link(links[1].previous, rewritten))
    broken = verified(links)
    assert broken is not None
    assert (broken.number, "does not follow" in broken.reason) == (3, True)


def test_what_is_missing_stands_twice_or_changed_places_is_named() -> None:
    links = change_sets(5)
    cases = {
        "revision 2 is missing": [links[0], *links[2:]],
        "revisions 1 to 3 are missing": links[3:],
        "revision 2 stands again behind 2": [links[0], links[1], links[1]],
        "revision 2 is missing ": [links[0], links[2], links[1], *links[3:]],
    }
    for said, case in cases.items():
        broken = verified(case)
        assert broken is not None
        assert said.strip() in broken.reason


def test_a_cut_tail_is_noticed_by_the_stored_head_or_by_an_exported_one() -> None:
    links = change_sets(5)
    head = Head(5, links[4].hash)
    by_head = verified(links[:3], head=head)
    assert by_head is not None
    assert (by_head.number, by_head.reason) == (4, "revisions 4 to 5 are missing at the end")
    # Who cuts the tail and sets the head back has made a chain that holds by itself.
    assert verified(links[:3]) is None
    by_export = verified(links[:3], known=head)
    assert by_export is not None
    assert (by_export.number, "exported" in by_export.reason) == (4, True)


def test_a_history_that_was_written_anew_as_a_whole_is_noticed_by_an_exported_head() -> None:
    links = change_sets(5)
    rewritten = chain_of(
        replace(one.record, note="another") for one in links if isinstance(one.record, ChainedChangeSet)
    )
    assert verified(rewritten) is None
    broken = verified(rewritten, known=Head(3, links[2].hash))
    assert broken is not None
    assert (broken.number, "written anew" in broken.reason) == (3, True)
    assert verified(links, known=Head(3, links[2].hash)) is None


def test_a_head_of_another_hash_or_below_the_end_is_noticed() -> None:
    links = events(3)
    for head in (Head(3, b"\x01" * 32), Head(2, links[1].hash)):
        broken = verified(links, head=head)
        assert broken is not None
        assert (broken.number, "head" in broken.reason) == (3, True)


texts = st.text(st.characters(exclude_categories=["Cs"]), max_size=20)
ids = st.uuids()
changes = st.builds(
    ChainedChange,
    namespace=texts,
    key=texts,
    type=st.sampled_from(["int", "string"]),
    previous_version=st.none() | ids,
    version=st.none() | ids,
    content=st.none() | texts,
    is_new=st.booleans(),
)
origins = st.builds(Origin, texts, texts)
some_change_sets = st.builds(
    ChainedChangeSet,
    form=st.just(2),
    id=ids,
    env=texts,
    revision=st.just(1),
    how=texts,
    by_id=st.integers(1, 2**40),
    token_id=ids,
    note=texts,
    at=st.datetimes(timezones=st.just(CHANGE_SET.at.tzinfo)),
    origin=origins,
    request_id=ids,
    request_hash=st.binary(min_size=32, max_size=32),
    changes=st.lists(changes, max_size=3).map(tuple),
)
some_events = st.builds(
    ChainedEvent,
    sequence=st.just(1),
    kind=texts,
    at=st.datetimes(timezones=st.just(CHANGE_SET.at.tzinfo)),
    user_id=st.none() | st.integers(1, 2**40),
    token_id=st.none() | ids,
    origin=origins,
    env=st.none() | texts,
    namespace=st.none() | texts,
    key=st.none() | texts,
    about=texts,
)


def numbered(records: list[Record]) -> list[Record]:
    return [
        replace(one, revision=place) if isinstance(one, ChainedChangeSet) else replace(one, sequence=place)
        for place, one in enumerate(records, 1)
    ]


@given(st.lists(some_change_sets, max_size=4) | st.lists(some_events, max_size=4))
def test_any_history_verifies_and_comes_through_its_lines_unchanged(records: list[Record]) -> None:
    links = chain_of(numbered(records))
    assert verified(links) is None
    lines = [dumps(line_of(one)) for one in links]
    assert [read_line(line) for line in lines] == links


@given(some_change_sets | some_events, st.data())
def test_an_edit_of_any_one_byte_of_a_line_is_found(record: Record, data: st.DataObject) -> None:
    (found,) = chain_of([record])
    line = bytearray(dumps(line_of(found)).encode())
    place = data.draw(st.integers(0, len(line) - 1))
    line[place] = data.draw(st.integers(0, 255).filter(lambda byte: byte != line[place]))
    try:
        edited = read_line(line.decode())
    except (InvalidLine, UnicodeDecodeError):
        return
    # What JSON reads as the very same is the same: an escape in another case, for one.
    assert edited == found or (isinstance(edited, Link) and verified([edited], known=Head(1, found.hash)) is not None)


@pytest.mark.parametrize(
    ("name", "found"),
    [
        ("revision", "1"),
        ("revision", 0),
        ("revision", 1.0),
        ("form", 3),
        ("hash", "AB" * 32),
        ("hash", "a b"),
        ("at", "2030-01-01T12:00:00Z"),
        ("at", "yesterday"),
        ("token", "{00000000-0000-0000-0000-000000000002}"),
        ("note", "\ud800"),
        ("kind", "other"),
        ("more", 1),
        ("changes", None),
    ],
)
def test_a_line_that_is_none_says_what_is_wrong(name: str, found: object) -> None:
    (one,) = change_sets(1)
    with pytest.raises(InvalidLine):
        read_line(dumps({**line_of(one), name: found}))


@pytest.mark.parametrize("text", ["", "[]", "null", "{", '{"kind":"head","kind":"head","heads":[]}', "[" * 100_000])
def test_what_is_no_line_at_all_is_refused(text: str) -> None:
    with pytest.raises(InvalidLine):
        read_line(text)


def test_form_1_takes_nothing_that_its_hash_does_not_cover() -> None:
    (one,) = chain_of([replace(FORM_1, origin=Origin("", ""), request_hash=b"", changes=())])
    line = loads(dumps(line_of(one)))
    assert read_line(dumps(line)) == one
    with pytest.raises(InvalidLine, match="form 1"):
        read_line(dumps({**line, "request_hash": "00"}))


def test_the_heads_come_through_their_line() -> None:
    read = read_line(dumps(head_line({"staging": Head(3, PREVIOUS), None: Head(0, b"")})))
    assert isinstance(read, HeadLine)
    assert {one.env: one.head for one in read.heads} == {"staging": Head(3, PREVIOUS), None: Head(0, b"")}
