"""Change sets and replicas made up for tests of pure code."""

from collections.abc import Iterable
from datetime import UTC, datetime
from uuid import UUID

from setpoint.protocol.names import Epoch, Revision
from setpoint_hub.replica import ChangeSet, KeyChange, Replica

__all__ = ["EPOCH", "change_set", "key_change", "replica", "version"]

EPOCH = Epoch("0e0e0e0e-0000-4000-8000-000000000000")


def version(number: int) -> UUID:
    """Return the id of the version made up as the number-th."""
    return UUID(int=number)


def key_change(name: str, number: int | None, *, text: str | None = None) -> KeyChange:
    """Change `namespace/key` to its number-th version (whose value is the number, too), or to none."""
    namespace, _, key = name.partition("/")
    if number is None:
        return KeyChange(namespace, key, "int", None, None)
    return KeyChange(namespace, key, "int", version(number), text or str(number))


def change_set(revision: int, *changes: KeyChange, env: str = "staging") -> ChangeSet:
    """Return a change set of Alice's."""
    return ChangeSet(
        env=env,
        revision=Revision(revision),
        id=version(revision),
        how="set",
        by_id=1,
        by_name="alice",
        note="",
        at=datetime(2030, 1, 1, tzinfo=UTC),
        hash=bytes(32),
        changes=changes,
    )


def replica(*change_sets: Iterable[KeyChange]) -> Replica:
    """Return staging after these change sets, from its beginning."""
    built = Replica("staging", EPOCH, Revision(0))
    for revision, changes in enumerate(change_sets, start=1):
        built.apply(change_set(revision, *changes))
    return built
