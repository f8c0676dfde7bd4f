"""Comparing two environments through a hub, and choosing what to promote of what differs."""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from setpoint_tui.answers import LeftOut
from setpoint_tui.comparison_answers import ComparedKey, Comparison
from setpoint_tui.link import HubLink

__all__ = ["Choice", "choose", "compare", "promotion_params"]


@dataclass(frozen=True, slots=True)
class Choice:
    """What of a comparison is promoted, and what is not and why."""

    chosen: tuple[ComparedKey, ...]
    left_out: tuple[LeftOut, ...]


async def compare(link: HubLink, params: dict[str, Any]) -> dict[str, Any]:
    """Return the whole answer to `compare`, however many pages it takes, all at the revisions of the first."""
    found: dict[str, Any] = dict(await link.request("compare", params, timeout=60))
    after = found["next"]
    at = {"source_revision": found["source"]["revision"], "target_revision": found["target"]["revision"]}
    rows: list[Any] = list(found["rows"])
    while after is not None:
        page = await link.request("compare", {**params, **at, "after": after}, timeout=60)
        rows += page["rows"]
        after = page["next"]
    return {**found, "rows": rows, "next": None}


def choose(found: Comparison, *, deletions: bool) -> Choice:
    """Choose what differs and is valid; what only the target has when deletions are wanted."""
    reasons = [(row, _reason_against(found, row, deletions=deletions)) for row in found.rows]
    chosen = tuple(row for row, reason in reasons if reason is None)
    left_out = tuple(
        LeftOut(namespace=row.namespace, key=row.key, reason=reason) for row, reason in reasons if reason is not None
    )
    return Choice(chosen, left_out)


def promotion_params(found: Comparison, chosen: Sequence[ComparedKey], *, note: str) -> dict[str, Any]:
    """Return the params of `promote` for just these keys, based on the revisions that were looked at."""
    return {
        "source": found.source.env,
        "target": found.target.env,
        "source_revision": found.source.revision,
        "target_revision": found.target.revision,
        "keys": [{"namespace": row.namespace, "key": row.key} for row in chosen],
        "deletions": any(row.state == "only_target" for row in chosen),
        "note": note,
    }


def _reason_against(found: Comparison, row: ComparedKey, *, deletions: bool) -> str | None:
    match row.state:
        case "same":
            return "it is the same in both"
        case "only_target":
            return None if deletions else f"it has a value in {found.target.env} only: --deletions takes it away"
        case _:
            return None if row.valid else f"its value in {found.source.env} is not valid: {row.problem}"
