"""One environment, whatever comes in whatever order: pages of listings and the log end in what the log says."""

from dataclasses import dataclass, field
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from setpoint_tui.answers import Change, Key, PastChangeSet, Person
from setpoint_tui.model.keys import KeyId
from setpoint_tui.model.model import Model
from setpoint_tui.model.place import Loading, Place

AT = datetime(2026, 2, 3, tzinfo=UTC)
NAMES = ("a", "b", "c", "d", "e", "f")


def change_set(revision: int, values: dict[str, int | None]) -> PastChangeSet:
    changes = tuple(
        Change(
            namespace="n",
            key=key,
            type="int",
            new=value,
            version=None if value is None else f"{key}{revision}",
            previous_version=None,
        )
        for key, value in values.items()
    )
    return PastChangeSet(
        env="staging",
        revision=revision,
        change_set=f"c{revision}",
        how="set",
        by=Person(id=1, name="alice"),
        note="",
        at=AT,
        changes=changes,
    )


@dataclass
class Log:
    """A hub's truth: the log, and what it makes of each moment."""

    sets: list[PastChangeSet] = field(default_factory=list)

    def commit(self, values: dict[str, int | None]) -> None:
        self.sets.append(change_set(len(self.sets) + 1, values))

    @property
    def head(self) -> int:
        return len(self.sets)

    def state(self) -> dict[KeyId, tuple[object, str, int]]:
        held: dict[KeyId, tuple[object, str, int]] = {}
        for one in self.sets:
            for change in one.changes:
                held.pop((change.namespace, change.key), None)
                if change.version is not None:
                    held[change.namespace, change.key] = (change.new, change.version, one.revision)
        return held

    def page(self, names: tuple[str, ...]) -> list[Key]:
        """Read some keys as they are now."""
        state = self.state()
        keys: list[Key] = []
        for name in names:
            value, version, revision = state.get(("n", name), (None, None, None))
            keys.append(
                Key(namespace="n", key=name, type="int", value=value, version=version, revision=revision, at=AT)
            )
        return keys


def state_of(place: Place) -> dict[KeyId, tuple[object, str, int]]:
    return {key: (held.value, held.version, held.revision) for key, held in place.held.items()}


class Reader:
    """Reads the hub as the loader does: a head, then pages, while the log goes on and is told late."""

    def __init__(self, model: Model, log: Log) -> None:
        self.model = model
        self.log = log
        self.place = model.places.setdefault("staging", Place("staging"))
        self.left: list[tuple[str, ...]] = []
        self.listed: set[KeyId] = set()
        self.told = 0

    def begin(self) -> None:
        """Start a listing, over again if one is under way."""
        self.place.begin_loading()
        self.place.begin_pages(self.log.head)
        self.left = [NAMES[:2], NAMES[2:4], NAMES[4:]]
        self.listed = set()

    def read(self) -> None:
        """Read the next page; after the last one the listing is complete."""
        if not self.left:
            return
        keys = self.log.page(self.left.pop(0))
        self.model.put_listed("staging", keys)
        self.listed |= {(key.namespace, key.key) for key in keys if key.version is not None}
        if not self.left:
            self.model.finish_listing("staging", self.listed)

    def hear(self) -> None:
        """Hear the next change set of the log, if there is one that was not told."""
        if self.told < self.log.head:
            self.model.apply(self.log.sets[self.told])
            self.told += 1

    def hear_again(self) -> None:
        """Hear one that was told before."""
        if self.told:
            self.model.apply(self.log.sets[self.told - 1])

    def stray_page(self) -> None:
        """A page that was not asked for as a part of a listing: a look for new keys."""
        self.model.put_listed("staging", self.log.page(NAMES))


VALUES = st.dictionaries(st.sampled_from(NAMES), st.none() | st.integers(0, 9), min_size=1, max_size=3)
STEPS = st.one_of(
    VALUES,
    st.sampled_from(["begin", "read", "read", "hear", "hear", "hear", "hear_again", "stray_page"]),
)


@settings(max_examples=400)
@given(st.lists(STEPS, max_size=60))
def test_any_interleaving_of_pages_and_the_log_ends_in_what_the_log_says(steps: list[object]) -> None:
    log = Log()
    reader = Reader(Model(), log)
    for step in steps:
        if isinstance(step, dict):
            log.commit(step)
        else:
            getattr(reader, str(step))()
        if reader.place.loading is Loading.COMPLETE and reader.place.revision == log.head:
            assert state_of(reader.place) == log.state()
    while reader.told < log.head:
        reader.hear()
    if reader.place.loading is Loading.NOT_ASKED:
        reader.begin()
    while reader.left:
        reader.read()
    assert state_of(reader.place) == log.state()
    assert reader.place.revision == log.head
    assert reader.place.counts["n"] == len(log.state())


@given(st.lists(STEPS, max_size=40), st.sampled_from(NAMES))
def test_whatever_happens_the_selected_key_stays_selected(steps: list[object], selected: str) -> None:
    log = Log()
    model = Model()
    reader = Reader(model, log)
    model.select(env="staging", key=("n", selected))
    for step in steps:
        if isinstance(step, dict):
            log.commit(step)
        else:
            getattr(reader, str(step))()
        assert (model.selection.env, model.selection.key) == ("staging", ("n", selected))


def test_what_is_held_of_another_history_is_forgotten() -> None:
    log, model = Log(), Model()
    reader = Reader(model, log)
    log.commit({"a": 1})
    reader.begin()
    while reader.left:
        reader.read()
    reader.hear()
    model.begin_new_history()
    assert (reader.place.held, reader.place.revision, reader.place.loading) == ({}, 0, Loading.NOT_ASKED)
    assert not +reader.place.counts
    assert not model.facts
    assert len(model.activity) == 0


def test_a_change_set_that_comes_twice_is_news_once() -> None:
    model = Model()
    model.apply(change_set(1, {"a": 1}))
    assert model.take_dirty().values == {("staging", ("n", "a"))}
    model.apply(change_set(1, {"a": 1}))
    assert model.take_dirty().values == set()
    assert len(model.activity) == 1
    assert len(model.notices.lines) == 1
