"""What a fleet looks like: who runs what, problems first, and the counts of it. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from operator import attrgetter, itemgetter
from typing import Literal, TypeAlias

from setpoint_tui.answers import Instance
from setpoint_tui.model.filter_words import FilterWord, check_prefix, read_words

__all__ = [
    "SORTS",
    "FleetRow",
    "FleetSort",
    "RevisionCount",
    "ServiceCount",
    "ServiceHeader",
    "Summary",
    "arrange",
    "behind_by",
    "matching",
    "parse_fleet_filter",
    "summarise",
]

FleetSort: TypeAlias = Literal["state", "service", "instance", "runs", "behind", "seen"]
SORTS: tuple[FleetSort, ...] = ("state", "service", "instance", "runs", "behind", "seen")

_RANKS = {"refused": 0, "silent": 1, "behind": 2, "unknown": 3, "current": 9}
"""Problems first; a state that this console does not know is one."""
_STRANGE = 4


@dataclass(frozen=True, slots=True)
class ServiceHeader:
    """Stands above the instances of a service."""

    service: str


FleetRow: TypeAlias = str | ServiceHeader
"""An instance by its client id, or a header."""


@dataclass(frozen=True, slots=True)
class ServiceCount:
    """How many instances of a service run what they should."""

    service: str
    current: int
    instances: int


@dataclass(frozen=True, slots=True)
class RevisionCount:
    """How many instances run a revision, and how many of them should run another one."""

    revision: int
    instances: int
    not_current: int


@dataclass(frozen=True, slots=True)
class Summary:
    """A fleet in numbers. Services with problems come first, revisions newest first."""

    instances: int
    current: int
    states: tuple[tuple[str, int], ...]
    services: tuple[ServiceCount, ...]
    revisions: tuple[RevisionCount, ...]


def behind_by(instance: Instance) -> int | None:
    """Return how many revisions lie between what it runs and what it should; None: they cannot be compared."""
    if instance.state == "unknown":
        return None
    return max(0, instance.target - instance.revision)


def summarise(instances: Sequence[Instance]) -> Summary:
    """Count a fleet."""
    states = Counter(instance.state for instance in instances)
    services = Counter(instance.service for instance in instances)
    fine = Counter(instance.service for instance in instances if instance.state == "current")
    revisions = Counter(instance.revision for instance in instances)
    wrong = Counter(instance.revision for instance in instances if instance.state != "current")
    return Summary(
        len(instances),
        states["current"],
        tuple(sorted(states.items(), key=lambda counted: (_rank(counted[0]), counted[0]))),
        tuple(
            ServiceCount(service, fine[service], number)
            for service, number in sorted(
                services.items(), key=lambda counted: (fine[counted[0]] == counted[1], counted[0])
            )
        ),
        tuple(RevisionCount(revision, revisions[revision], wrong[revision]) for revision in sorted(revisions)[::-1]),
    )


def arrange(
    instances: Iterable[Instance], *, sort: FleetSort = "state", descending: bool = False, grouped: bool = False
) -> list[FleetRow]:
    """Return the rows in order, each instance once. Grouped by service, those with problems come first."""
    key = _KEYS[sort]
    keyed = [(key(instance), instance.service, instance.client_id, instance.state) for instance in instances]
    # By name within equals, whichever way the column runs.
    keyed.sort(key=itemgetter(1, 2))
    keyed.sort(key=itemgetter(0), reverse=descending)
    if not grouped:
        return list(dict.fromkeys(client_id for _, _, client_id, _ in keyed))
    groups: dict[str, list[str]] = {}
    worst: dict[str, int] = {}
    for _, service, client_id, state in keyed:
        groups.setdefault(service, []).append(client_id)
        worst[service] = min(worst.get(service, _RANKS["current"]), _rank(state))
    rows: list[FleetRow] = []
    for service in sorted(groups, key=lambda name: (worst[name], name)):
        rows += [ServiceHeader(service), *dict.fromkeys(groups[service])]
    return rows


def parse_fleet_filter(text: str) -> tuple[FilterWord, ...]:
    """Return the terms of a filter. Raises InvalidFilter with what to write instead."""
    words = tuple(read_words(text))
    for word in words:
        check_prefix(word, _EXAMPLES)
    return words


def matching(instances: Iterable[Instance], words: Sequence[FilterWord]) -> list[Instance]:
    """Return the instances of which every term holds."""
    return [instance for instance in instances if all(_holds(word, instance) for word in words)]


_EXAMPLES = {
    "service": "service:checkout",
    "state": "state:behind",
    "source": "source:poll",
    "label": "label:zone=a",
    "runs": "runs:r1847",
}


def _holds(word: FilterWord, instance: Instance) -> bool:
    wanted = word.text.casefold()
    match word.prefix:
        case "service":
            found = wanted in instance.service.casefold()
        case "state":
            found = instance.state.startswith(wanted)
        case "source":
            found = instance.source.startswith(wanted)
        case "label":
            found = any(wanted in label for label in _labels(instance))
        case "runs":
            found = wanted.removeprefix("r") == str(instance.revision)
        case _:
            found = wanted in _haystack(instance)
    return found is not word.negated


def _haystack(instance: Instance) -> str:
    texts = [instance.client_id, instance.service, instance.state, instance.source, f"r{instance.revision}"]
    # Nobody types a line break: words are found within one text alone.
    return "\n".join([*texts, instance.error or "", *_labels(instance)]).casefold()


def _labels(instance: Instance) -> list[str]:
    return [f"{name}={value}".casefold() for name, value in instance.labels.items()]


def _rank(state: str) -> int:
    return _RANKS.get(state, _STRANGE)


def _behind_first(instance: Instance) -> int:
    behind = behind_by(instance)
    # What cannot be compared may be behind by anything.
    return -1_000_000_000 if behind is None else -behind


_KEYS: dict[FleetSort, Callable[[Instance], float | str]] = {
    "state": lambda instance: _rank(instance.state),
    "service": attrgetter("service"),
    "instance": attrgetter("client_id"),
    "runs": attrgetter("revision"),
    "behind": _behind_first,
    "seen": lambda instance: -instance.last_seen_seconds,
}
"""What is the least, or first by its name, comes first."""
