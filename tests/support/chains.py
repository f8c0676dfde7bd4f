"""Chains made up for tests of pure code."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from uuid import UUID

from setpoint.protocol.chain import ChainedChange, ChainedChangeSet, ChainedEvent, Link, Origin, Record, digest, link
from setpoint.protocol.verification import START, Broken, ChainCheck, Head

__all__ = ["CHANGE", "CHANGE_SET", "EVENT", "chain_of", "change_sets", "events", "verified"]

START_OF_TIME = datetime(2030, 1, 1, 12, tzinfo=UTC)

CHANGE = ChainedChange(
    namespace="payments",
    key="a",
    type="int",
    previous_version=UUID(int=5),
    version=UUID(int=4),
    content=digest("5"),
    is_new=True,
)

CHANGE_SET = ChainedChangeSet(
    form=2,
    id=UUID(int=1),
    env="staging",
    revision=1,
    how="set",
    by_id=1,
    token_id=UUID(int=2),
    note="why",
    at=START_OF_TIME,
    origin=Origin("192.0.2.7", "curl/8"),
    request_id=UUID(int=3),
    request_hash=b"\x07" * 32,
    changes=(CHANGE, replace(CHANGE, key="b", previous_version=None)),
)

EVENT = ChainedEvent(
    sequence=1,
    kind="token.create",
    at=START_OF_TIME,
    user_id=1,
    token_id=UUID(int=2),
    origin=Origin("192.0.2.7", "curl/8"),
    env="staging",
    namespace="payments",
    key="a",
    about='{"role":"reader"}',
)


def chain_of(records: Iterable[Record]) -> list[Link]:
    """Link records one to the other."""
    links: list[Link] = []
    previous = b""
    for record in records:
        links.append(Link(record, previous, link(previous, record)))
        previous = links[-1].hash
    return links


def change_sets(number: int) -> list[Link]:
    """Return a chain of so many change sets."""
    return chain_of(
        replace(CHANGE_SET, id=UUID(int=n), revision=n, at=START_OF_TIME + timedelta(minutes=n), note=f"change {n}")
        for n in range(1, number + 1)
    )


def events(number: int) -> list[Link]:
    """Return a chain of so many events."""
    return chain_of(replace(EVENT, sequence=n) for n in range(1, number + 1))


def verified(links: Sequence[Link], *, head: Head | None = None, known: Head | None = None) -> Broken | None:
    """Verify a chain, whose head is its last link unless another is given; return what is broken first."""
    check = ChainCheck(known=known)
    for found in links:
        broken = check.take(found)
        if broken is not None:
            return broken
    last = Head(links[-1].record.number, links[-1].hash) if links else START
    return check.finish(head or last)
