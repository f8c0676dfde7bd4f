"""What a hub answers, read into frozen objects; members that are not known are ignored."""

from datetime import datetime
from typing import Any, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from setpoint.errors import ProtocolError
from setpoint.protocol.validation import explain

__all__ = [
    "ActiveValue",
    "ActivityGap",
    "Answer",
    "AppliedWithin",
    "BehindInstance",
    "Change",
    "ChangeSet",
    "Environment",
    "EnvironmentList",
    "Fleet",
    "History",
    "HistoryChange",
    "HubStatus",
    "Instance",
    "Key",
    "KeyPage",
    "LeftOut",
    "NamespaceList",
    "PastChangeSet",
    "Person",
    "Positions",
    "Powers",
    "Receipt",
    "RequestFate",
    "SnapshotAnswer",
    "Warned",
    "WhoAmI",
    "read_answer",
]


class Answer(BaseModel):
    """A part of an answer. Values are whatever JSON they are."""

    model_config = ConfigDict(extra="ignore", frozen=True, hide_input_in_errors=True)


A = TypeVar("A", bound=Answer)


def read_answer(kind: type[A], found: object) -> A:
    """Read an answer. Raises ProtocolError when the hub says something else than the contract allows."""
    try:
        return kind.model_validate(found)
    except ValidationError as error:
        raise ProtocolError(f"the hub's answer is not understood: {explain(error)}") from error


class Person(Answer):
    """Who did something."""

    id: int
    name: str


class Powers(Answer):
    """What a token may do in one environment; `write` is to change it at once, `propose` by a review."""

    read: bool = False
    write: bool = False
    propose: bool = False
    approve: bool = False
    administer: bool = False


class WhoAmI(Answer):
    """Whose token this is, what it reaches, and what it may do in each environment."""

    user: Person
    token: str = ""
    role: str
    environments: tuple[str, ...] = ()
    namespaces: tuple[str, ...] = ()
    expires_at: datetime | None = None
    may: dict[str, Powers] = Field(default_factory=dict[str, Powers])
    hub: str
    version: str


class Change(Answer):
    """What a change set did to one key; without a version there was, or is, no value."""

    namespace: str
    key: str
    type: str
    old: Any = None
    new: Any = None
    version: str | None
    previous_version: str | None
    secret: bool = False


class AppliedWithin(Answer):
    """Milliseconds from the commit to the moment the change was visible, over the instances that told."""

    p50: float | None = None
    p95: float | None = None
    max: float | None = None


class BehindInstance(Answer):
    """An instance that is not current, and why."""

    client_id: str
    service: str
    state: str
    revision: int
    error: str | None = None


class Receipt(Answer):
    """Which live instances run a change set."""

    env: str
    revision: int
    complete: bool
    instances: int
    current: int
    behind: int
    refused: int
    silent: int
    polling: int
    applied_ms: AppliedWithin | None = None
    behind_instances: tuple[BehindInstance, ...] = ()


class LeftOut(Answer):
    """A key that a promotion did not take over, and why."""

    namespace: str
    key: str
    reason: str


class Warned(Answer):
    """A constraint that a value breaks and that did not stop the change."""

    message: str
    namespace: str = ""
    key: str = ""
    env: str | None = None
    """Of `key.update`; None there for an environment that the token does not reach."""


class ChangeSet(Answer):
    """What a write did; only a promotion leaves something out."""

    env: str
    revision: int
    change_set: str
    repeated: bool = False
    changes: tuple[Change, ...]
    expires_at: datetime | None = None
    confirm_by: datetime | None = None
    receipt: Receipt | None = None
    left_out: tuple[LeftOut, ...] = ()
    warnings: tuple[Warned, ...] = ()


class PastChangeSet(Answer):
    """A change set of the log: as `change_set.get` gives it, and as `activity` announces it."""

    env: str
    revision: int
    change_set: str
    how: str
    by: Person
    note: str
    at: datetime
    changes: tuple[Change, ...]
    hash: str = ""
    """Of itself and of the one before it; `activity` leaves it out."""
    epoch: str | None = None
    hidden: int = 0
    """How many changes the token does not reach."""


class Environment(Answer):
    """An environment and where its log stands."""

    env: str
    revision: int
    protected: bool
    required_approvals: int
    position: int
    keys: int = 0


class EnvironmentList(Answer):
    """All environments, in the order of promotion."""

    environments: tuple[Environment, ...]


class NamespaceCount(Answer):
    """A namespace, how many keys it has and how many have a value."""

    namespace: str
    keys: int
    values: int = 0


class NamespaceList(Answer):
    """All namespaces."""

    namespaces: tuple[NamespaceCount, ...]


class ActiveValue(Answer):
    """The value that a key has in one environment."""

    value: Any
    version: str
    revision: int
    by: Person | None = None
    at: datetime
    note: str = ""


class Key(Answer):
    """A key; with `version` and what belongs to it when it has a value in the one environment asked for."""

    namespace: str
    key: str
    type: str
    description: str = ""
    owner: str = ""
    tags: tuple[str, ...] = ()
    constraints: Any = None
    secret: bool = False
    created_at: datetime | None = None
    environments: dict[str, ActiveValue] = Field(default_factory=dict[str, ActiveValue])
    value: Any = None
    version: str | None = None
    revision: int | None = None
    at: datetime | None = None


class KeyPage(Answer):
    """Some of the keys; `next` asks for those after them."""

    keys: tuple[Key, ...]
    next: tuple[str, str] | None = None


class HistoryChange(Answer):
    """One change of one key: set, deleted (`version` is None) or rolled back."""

    revision: int
    how: str
    by: Person
    note: str
    at: datetime
    version: str | None
    previous_version: str | None
    value: Any = None
    previous_value: Any = None


class History(Answer):
    """A key's changes in one environment, newest first."""

    env: str
    namespace: str
    key: str
    type: str
    secret: bool = False
    changes: tuple[HistoryChange, ...]
    next: int | None = None


class SnapshotEntry(Answer):
    """A value of a snapshot; of a secret, the mark that stands for it."""

    type: str
    value: Any
    secret: bool = False


class SnapshotAnswer(Answer):
    """An environment's values at a revision."""

    env: str
    revision: int
    namespaces: dict[str, dict[str, SnapshotEntry]]


class Instance(Answer):
    """An instance of a service and what it runs, by its own word."""

    client_id: str
    service: str
    env: str
    namespaces: tuple[str, ...] = ()
    revision: int
    target: int
    state: str
    source: str
    connected: bool
    last_seen_seconds: float
    applied_ms: float | None = None
    error: str | None = None
    sdk: str = ""
    labels: dict[str, str] = Field(default_factory=dict[str, str])
    hub: str = ""


class Fleet(Answer):
    """All instances that were asked for."""

    instances: tuple[Instance, ...]


class EnvironmentWatchers(Answer):
    """How many watch an environment at one hub."""

    env: str
    revision: int
    watchers: int


class HubStatus(Answer):
    """How one hub fares."""

    hub: str
    version: str
    epoch: str
    ready: bool
    reason: str | None = None
    redis: str
    connections: int
    watchers: int
    environments: tuple[EnvironmentWatchers, ...] = ()
    uptime_seconds: float


class Positions(Answer):
    """What `activity.watch` answers: the revision from which on each environment is told of."""

    environments: dict[str, int]


class ActivityGap(Answer):
    """Change sets up to `revision` were not told: this reader was too slow."""

    env: str
    revision: int


class RequestFate(Answer):
    """What became of a write whose answer was lost: a change when it is found, or a review that waits."""

    found: bool
    review: int | None = None
    env: str | None = None
    revision: int | None = None
    change_set: str | None = None
