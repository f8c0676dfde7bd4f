"""Whatever order the world brings updates in, a store ends where the hub is and never goes back within an epoch."""

from typing import Any, Literal

from hypothesis import HealthCheck, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, precondition, rule

from client.wire import entry
from setpoint.content import Content
from setpoint.errors import ProtocolError
from setpoint.listeners import Dispatcher
from setpoint.mismatches import Mismatches
from setpoint.protocol.messages import Changed, Current, Delta, Entry, Full, Update
from setpoint.protocol.names import Epoch, Revision
from setpoint.replica import Gap, Held
from setpoint.snapshot_file import decode, encode
from setpoint.store import Store
from setpoint.wakeups import Signal

Kept = dict[str, dict[str, Entry]]

keys = st.dictionaries(st.sampled_from("klm"), st.none() | st.integers(0, 9), min_size=1, max_size=3)
change_sets = st.dictionaries(st.sampled_from("ab"), keys, min_size=1, max_size=2)


class Hub:
    """The truth: what each revision of each epoch holds, by the plainest means."""

    def __init__(self) -> None:
        self.epoch = Epoch("e0")
        self.history: dict[Epoch, list[Kept]] = {self.epoch: [{"a": {}, "b": {}}]}
        self.sent: list[Update] = []
        """Everything that was ever on its way, to be lost, repeated or late."""

    @property
    def revision(self) -> Revision:
        return Revision(len(self.history[self.epoch]) - 1)

    def change(self, change_set: dict[str, dict[str, int | None]]) -> None:
        kept = {name: dict(found) for name, found in self.history[self.epoch][-1].items()}
        changed: Changed = {}
        for name, values in change_set.items():
            new = {key: None if value is None else entry(value) for key, value in values.items()}
            changed[name] = new
            for key, found in new.items():
                kept[name].pop(key, None)
                if found is not None:
                    kept[name][key] = found
        before = self.revision
        self.history[self.epoch].append(kept)
        self.sent.append(Delta("production", self.epoch, before, self.revision, changed))

    def restore(self) -> None:
        """Begin another history, as a restored database does."""
        kept = self.history[self.epoch][len(self.history[self.epoch]) // 2]
        self.epoch = Epoch(f"e{len(self.history)}")
        self.history[self.epoch] = [kept]

    def full(self) -> Full:
        return Full("production", self.epoch, self.revision, self.history[self.epoch][-1])

    def watch(self, held: Held) -> Update:
        """Answer a watch from what is held, in the cheapest of the three ways."""
        if held.epoch != self.epoch:
            return self.full()
        if held.revision == self.revision:
            return Current("production", self.epoch, self.revision)
        then, now = self.history[self.epoch][held.revision], self.history[self.epoch][-1]
        changed: dict[str, Any] = {}
        for name in now:
            names = {**then[name], **now[name]}
            changed[name] = {key: now[name].get(key) for key in names if then[name].get(key) is not now[name].get(key)}
        return Delta("production", self.epoch, held.revision, self.revision, changed)


class Interleavings(RuleBasedStateMachine):
    """Push, poll, disk and resume in any order; duplicates, losses, reorderings and epochs between them."""

    @initialize()
    def begin(self) -> None:
        self.hub = Hub()
        self.visible: list[Content] = []
        self.disk: str | None = None
        self.boot()

    def boot(self) -> None:
        dispatcher = Dispatcher()
        self.visible = []
        self.store = Store(
            "production",
            swap=self.see,
            signal=Signal(),
            mismatches=Mismatches(dispatcher.note),
            dispatcher=dispatcher,
            keep=self.keep,
        )

    def see(self, content: Content) -> None:
        held = content.held
        if self.visible and self.visible[-1].held.epoch == held.epoch:
            assert held.revision >= self.visible[-1].held.revision
        assert held.epoch is not None
        assert held.namespaces == self.hub.history[held.epoch][held.revision]
        self.visible.append(content)

    def keep(self, held: Held) -> None:
        self.disk = encode(held, lambda: None).line

    @rule(change_set=change_sets)
    def write(self, change_set: dict[str, dict[str, int | None]]) -> None:
        self.hub.change(change_set)

    @rule()
    def restore(self) -> None:
        self.hub.restore()

    @precondition(lambda self: self.hub.sent)
    @rule(data=st.data(), source=st.sampled_from(["push", "poll"]))
    def deliver_anything_ever_sent(self, data: st.DataObject, source: Literal["push", "poll"]) -> None:
        update = data.draw(st.sampled_from(self.hub.sent))
        # Snapshots of a history that is over come from no hub: a client that polls drops what it asked for before.
        if isinstance(update, Full) and update.epoch != self.hub.epoch:
            return
        before = self.store.content
        try:
            self.store.apply(update, source)
        except Gap:
            assert self.store.content is before

    @rule()
    def poll(self) -> None:
        self.hub.sent.append(self.hub.full())
        self.store.apply(self.hub.full(), "poll")

    @rule()
    def resume(self) -> None:
        self.store.apply(self.hub.watch(self.store.resume()), "push")

    @rule()
    def restart_from_disk(self) -> None:
        self.boot()
        if self.disk is not None:
            assert self.store.begin(decode(self.disk), "disk")

    @rule()
    def hear_of_another_environment(self) -> None:
        before = self.store.content
        try:
            self.store.apply(Full("staging", self.hub.epoch, Revision(10**6), {}), "poll")
        except ProtocolError:
            assert self.store.content is before

    @invariant()
    def what_is_visible_is_what_the_store_holds(self) -> None:
        if self.visible:
            assert self.visible[-1] is self.store.content

    def teardown(self) -> None:
        """However it went: one watch more, and the store is where the hub is."""
        self.resume()
        assert self.store.content.held == Held(
            "production", self.hub.epoch, self.hub.revision, self.hub.history[self.hub.epoch][-1]
        )
        if self.disk is not None:
            assert decode(self.disk) == self.store.content.held


Interleavings.TestCase.settings = settings(
    max_examples=150, stateful_step_count=25, deadline=None, suppress_health_check=[HealthCheck.too_slow]
)
TestInterleavings = Interleavings.TestCase
