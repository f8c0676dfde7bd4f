"""What a fleet looks like: who runs what, problems first, and the counts of it. Pure."""

from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from setpoint_tui.answers import Instance
from setpoint_tui.formatting import format_revision
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
    ordered = sorted(instances, key=lambda instance: (instance.service, instance.client_id))
    if sort != "service" or descending:
        ordered.sort(key=_KEYS[sort], reverse=descending)
    if not grouped:
        return list(dict.fromkeys(instance.client_id for instance in ordered))
    groups: dict[str, list[str]] = {}
    worst: dict[str, int] = {}
    for instance in ordered:
        groups.setdefault(instance.service, []).append(instance.client_id)
        worst[instance.service] = min(worst.get(instance.service, 9), _rank(instance.state))
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
            found = any(wanted in text.casefold() for text in _texts(instance))
    return found is not word.negated


def _texts(instance: Instance) -> Iterable[str]:
    yield from (instance.client_id, instance.service, instance.state, instance.source, instance.error or "")
    yield format_revision(instance.revision)
    yield from _labels(instance)


def _labels(instance: Instance) -> list[str]:
    return [f"{name}={value}".casefold() for name, value in instance.labels.items()]


def _rank(state: str) -> int:
    return _RANKS.get(state, _STRANGE)


def _behind_first(instance: Instance) -> int:
    behind = behind_by(instance)
    # What cannot be compared may be behind by anything.
    return -1_000_000_000 if behind is None else -behind


_KEYS: dict[FleetSort, Callable[[Instance], tuple[float, str]]] = {
    "state": lambda instance: (_rank(instance.state), ""),
    "service": lambda instance: (0, instance.service),
    "instance": lambda instance: (0, instance.client_id),
    "runs": lambda instance: (instance.revision, ""),
    "behind": lambda instance: (_behind_first(instance), ""),
    "seen": lambda instance: (-instance.last_seen_seconds, ""),
}
