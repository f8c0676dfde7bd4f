"""Everything that the console knows: one hub, its environments and keys, what happens there, and our own writes.

Whoever hears from the hub applies it here at once; what changed is marked in `dirty`, and the screens look at that
a few times a second.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from setpoint_tui.answers import Environment, HubStatus, Instance, Key, PastChangeSet, WhoAmI
from setpoint_tui.formatting import format_change, format_revision
from setpoint_tui.model.activity_log import ActivityLog
from setpoint_tui.model.arming import Arming
from setpoint_tui.model.details import Detail, Details
from setpoint_tui.model.dirty import Dirty, Topic
from setpoint_tui.model.drafts import Draft, Drafts
from setpoint_tui.model.glass import BrokenGlass, breaks_glass
from setpoint_tui.model.keys import Facts, Held, KeyId, held_of
from setpoint_tui.model.link_state import Connecting, LinkState, Live
from setpoint_tui.model.notices import Notice, Notices, Severity
from setpoint_tui.model.own_writes import OwnWrite, OwnWrites
from setpoint_tui.model.place import Place
from setpoint_tui.model.revealed import Revealed
from setpoint_tui.model.reviews import Reviews
from setpoint_tui.model.selection import Selection
from setpoint_tui.model.temporary import Temporary
from setpoint_tui.protected_answers import TemporaryChange
from setpoint_tui.review_answers import Review
from setpoint_tui.text_safety import safe_text

__all__ = ["FleetSeen", "Model"]


@dataclass(frozen=True, slots=True)
class FleetSeen:
    """The instances of one environment as they were at a moment of the wall clock."""

    instances: tuple[Instance, ...]
    at: datetime

    @property
    def not_current(self) -> int:
        """How many do not run what they should."""
        return sum(1 for instance in self.instances if instance.state != "current")


class Model:
    """The state behind every screen."""

    def __init__(self) -> None:
        self.link: LinkState = Connecting()
        self.data_as_of: datetime | None = None
        """When the hub was last heard of, by our wall clock."""
        self.whoami: WhoAmI | None = None
        self.status: HubStatus | None = None
        self.environments: dict[str, Environment] = {}
        """In the order of promotion."""
        self.places: dict[str, Place] = {}
        self.facts: dict[KeyId, Facts] = {}
        """In the order in which they were heard of; none is removed but with all of them."""
        self.history = 0
        """Rises whenever everything held is forgotten."""
        self._keys_in: Counter[str] = Counter()
        self.facts_complete = False
        self.activity = ActivityLog()
        self.fleet: dict[str, FleetSeen] = {}
        self.fleet_trouble: dict[str, str] = {}
        """Why the fleet of an environment could not be asked for."""
        self.details = Details()
        self.reviews = Reviews()
        self.glass = BrokenGlass()
        self.temporary = Temporary()
        self.revealed = Revealed()
        self.arming = Arming()
        self.own = OwnWrites()
        self.drafts = Drafts()
        self.notices = Notices()
        self.selection = Selection()
        self.dirty = Dirty()

    # -- what screens ask

    def held(self, env: str, key: KeyId) -> Held | None:
        """Return what a key holds, or None: it has no value there, or the environment is not loaded."""
        place = self.places.get(env)
        return None if place is None else place.held.get(key)

    def revision(self, env: str) -> int:
        """Return the revision of an environment as far as we have heard."""
        place = self.places.get(env)
        return 0 if place is None else place.revision

    def namespaces(self) -> dict[str, int]:
        """Return every namespace with the number of its keys, in order of name."""
        return dict(sorted(self._keys_in.items()))

    def is_protected(self, env: str) -> bool:
        """Whether the server calls an environment protected."""
        found = self.environments.get(env)
        return found is not None and found.protected

    def take_dirty(self) -> Dirty:
        """Return what changed since the last call."""
        taken, self.dirty = self.dirty, Dirty()
        return taken

    # -- what is heard from the hub

    def set_link(self, state: LinkState) -> None:
        """Take a new state of the connection."""
        self.link = state
        self.dirty.mark(Topic.LINK)

    def set_environments(self, environments: Iterable[Environment]) -> None:
        """Take the list of environments; one that is gone is forgotten."""
        self.environments = {environment.env: environment for environment in environments}
        for env in set(self.places) - set(self.environments):
            del self.places[env]
        for env, environment in self.environments.items():
            place = self.places.setdefault(env, Place(env))
            if place.is_idle:
                place.revision = max(place.revision, environment.revision)
        if self.selection.env not in self.environments:
            self.selection.env = next(iter(self.environments), None)
        self.dirty.mark(Topic.ENVIRONMENTS)

    def put_listed(self, env: str, keys: Sequence[Key]) -> None:
        """Take a page of a listing with the values of `env`."""
        place = self.places.get(env)
        for key in keys:
            self.put_facts(key)
            if place is not None and place.put_listed((key.namespace, key.key), held_of(key)):
                self.dirty.mark_value(env, (key.namespace, key.key))

    def put_facts(self, key: Key) -> None:
        """Take what holds of one key everywhere."""
        facts = Facts.of(key)
        present = self.facts.get(facts.id)
        if present != facts:
            self._keys_in[facts.namespace] += present is None
            self.facts[facts.id] = facts
            self.dirty.mark(Topic.KEYS)

    def finish_listing(self, env: str, listed: Iterable[KeyId]) -> None:
        """A listing of `env` has come to its end."""
        for key in self.places[env].finish_loading(listed):
            self.dirty.mark_value(env, key)
        self.facts_complete = True
        self.dirty.mark(Topic.KEYS, Topic.ENVIRONMENTS)

    def apply(self, change_set: PastChangeSet) -> set[KeyId]:
        """Take a change set of the log; return the keys in it that were not known at all."""
        place = self.places.setdefault(change_set.env, Place(change_set.env))
        for key in place.apply(change_set):
            self.dirty.mark_value(change_set.env, key)
        names = {(change.namespace, change.key) for change in change_set.changes}
        if self.remember(change_set):
            self.notices.add(_as_notice(change_set))
            self.glass.note(change_set)
            self.temporary.is_behind = True
            if {name for name in names if self.details.expire(name)}:
                self.dirty.mark(Topic.DETAIL)
        if self.reviews.concerns(change_set):
            self.expire_reviews()
        self.dirty.mark(Topic.ENVIRONMENTS)
        return {name for name in names if name not in self.facts}

    def remember(self, change_set: PastChangeSet) -> bool:
        """Add a change set to the activity alone; return whether it was not there."""
        self.dirty.mark(Topic.ACTIVITY)
        return self.activity.add(change_set)

    def remember_unfetched(self, env: str, revision: int, reason: str) -> None:
        """Record that a change set could not be fetched."""
        self.activity.add_unfetched(env, revision, reason)
        self.dirty.mark(Topic.ACTIVITY)

    def put_detail(self, env: str, key: KeyId, detail: Detail) -> None:
        """Take what was fetched about a key."""
        self.details.put(env, key, detail)
        self.dirty.mark(Topic.DETAIL)

    def put_fleet(self, env: str, instances: tuple[Instance, ...], at: datetime) -> None:
        """Take the instances of an environment."""
        self.fleet[env] = FleetSeen(instances, at)
        self.fleet_trouble.pop(env, None)
        self.dirty.mark(Topic.FLEET)

    def put_fleet_trouble(self, env: str, reason: str) -> None:
        """Take that the hub refuses to say what runs in an environment."""
        if self.fleet_trouble.get(env) != reason:
            self.fleet_trouble[env] = reason
            self.dirty.mark(Topic.FLEET)

    def expire_reviews(self) -> None:
        """Something happened to a review: what is known of them is read anew."""
        self.reviews.expire()
        self.dirty.mark(Topic.REVIEWS)

    def put_reviews(self, reviews: Iterable[Review]) -> None:
        """Take a list of reviews."""
        self.reviews.take(reviews)
        self.dirty.mark(Topic.REVIEWS)

    def put_review(self, review: Review) -> None:
        """Take one review whole."""
        self.reviews.put(review)
        self.dirty.mark(Topic.REVIEWS)

    def put_reviews_trouble(self, reason: str) -> None:
        """Take that the hub refuses to list reviews."""
        self.reviews.trouble, self.reviews.is_behind = reason, True
        self.dirty.mark(Topic.REVIEWS)

    def put_temporary(self, changes: Iterable[TemporaryChange], now: float) -> None:
        """Take the list of changes that take themselves back; `now` is of the monotonic clock."""
        for env, key in self.temporary.take(changes, now):
            self.dirty.mark_value(env, key)

    def begin_new_history(self) -> None:
        """Forget what was held: the hub, or its database, is another one."""
        self.history += 1
        for place in self.places.values():
            place.forget()
        self.facts.clear()
        self._keys_in.clear()
        self.facts_complete = False
        self.activity.clear()
        self.fleet.clear()
        self.fleet_trouble.clear()
        self.details.clear()
        self.reviews.clear()
        self.arming.clear()
        self.glass.acknowledge()
        self.temporary.clear()
        self.revealed.mask(0.0, at_once=True)
        self.dirty = Dirty.everything()

    # -- what the person does

    def select(self, *, env: str | None = None, namespace: str | None = None, key: KeyId | None = None) -> None:
        """Move to an environment, and to a namespace and key in it."""
        self.selection = Selection(env or self.selection.env, namespace, key)
        self.dirty.mark(Topic.SELECTION)

    def put_write(self, write: OwnWrite) -> None:
        """Record a write of ours, or what became of it."""
        if self.own.get(write.request_id) is None:
            self.own.add(write)
        else:
            self.own.put(write)
        self.dirty.mark(Topic.WRITES)

    def put_draft(self, draft: Draft) -> None:
        """Keep an edit that was begun."""
        self.drafts.put(draft)
        self.dirty.mark(Topic.WRITES)
        self.dirty.mark_value(draft.env, draft.id)

    def drop_draft(self, env: str, key: KeyId) -> None:
        """Forget an edit that was begun."""
        self.drafts.drop(env, key)
        self.dirty.mark(Topic.WRITES)
        self.dirty.mark_value(env, key)

    def say(self, at: datetime, text: str, severity: Severity = Severity.INFORMATION) -> None:
        """Add a line to what happened."""
        self.notices.add(Notice(at.strftime("%H:%M:%S"), text, severity))
        self.dirty.mark(Topic.ACTIVITY)

    @property
    def is_live(self) -> bool:
        """Whether what is shown is what holds."""
        return isinstance(self.link, Live)


def _as_notice(change_set: PastChangeSet) -> Notice:
    """Say who changed what, as one line: `bob changed checkout/retry linear → exponential in production (r1847)`."""
    first, more = change_set.changes[0] if change_set.changes else None, len(change_set.changes) - 1
    what = "nothing"
    if first is not None:
        old, new = format_change(first, first.type)
        what = safe_text(f"{first.namespace}/{first.key}") + (f" {old} → {new}" if not more else f" and {more} more")
    where = f"in {safe_text(change_set.env)} ({format_revision(change_set.revision)})"
    how = "changed" if change_set.how == "set" else f"({safe_text(change_set.how)}) changed"
    severity = Severity.WARNING if breaks_glass(change_set) else Severity.INFORMATION
    at = change_set.at.astimezone().strftime("%H:%M:%S")
    return Notice(at, f"{safe_text(change_set.by.name)} {how} {what} {where}", severity)
