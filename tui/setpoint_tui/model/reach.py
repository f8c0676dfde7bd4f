"""Whom a change would reach: the instances that watch what it touches, before it is made."""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from setpoint_tui.answers import Instance
from setpoint_tui.formatting import counted
from setpoint_tui.text_safety import safe_text

__all__ = ["ExpectedReach", "expected_reach", "reach_sentence"]

_NAMED = 6


@dataclass(frozen=True, slots=True)
class ExpectedReach:
    """Instances by service, the service with the most first, and those of them that are not well already."""

    services: tuple[tuple[str, int], ...]
    not_current: int
    silent: int

    @property
    def instances(self) -> int:
        """How many there are."""
        return sum(number for _, number in self.services)


def expected_reach(instances: Iterable[Instance], namespaces: Iterable[str]) -> ExpectedReach:
    """Count the instances that watch any of these namespaces."""
    touched = set(namespaces)
    watching = [one for one in instances if not touched.isdisjoint(one.namespaces)]
    services = Counter(one.service for one in watching)
    ordered = sorted(services.items(), key=lambda found: (-found[1], found[0]))
    silent = sum(1 for one in watching if one.state == "silent")
    not_current = sum(1 for one in watching if one.state not in ("current", "silent"))
    return ExpectedReach(tuple(ordered), not_current, silent)


def reach_sentence(reach: ExpectedReach) -> str:
    """Say whom a change reaches, safe to show: `reaches 12 instances of checkout, 6 of billing; 3 are silent`."""
    if not reach.services:
        return "no live instance watches what it touches"
    (first, number), *others = reach.services[:_NAMED]
    said = f"reaches {counted(number, 'instance')} of {safe_text(first, limit=60)}"
    said += "".join(f", {count:,} of {safe_text(name, limit=60)}" for name, count in others)
    left = reach.services[_NAMED:]
    if left:
        said += f" and {sum(count for _, count in left):,} of {counted(len(left), 'other service')}"
    troubles = [_are(reach.not_current, "behind already"), _are(reach.silent, "silent")]
    return "; ".join([said, *(trouble for trouble in troubles if trouble)])


def _are(number: int, what: str) -> str:
    return "" if number == 0 else f"{number:,} {'is' if number == 1 else 'are'} {what}"
