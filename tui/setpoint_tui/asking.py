"""Asks the hub for what a screen of its own shows: a key's story, one change set, two environments side by side."""

from typing import Any

from setpoint_tui.answers import History, PastChangeSet, read_answer
from setpoint_tui.comparison_answers import Comparison
from setpoint_tui.feed import Feed
from setpoint_tui.model.keys import KeyId

__all__ = ["MOST_COMPARED", "fetch_change_set", "fetch_comparison", "fetch_story"]

_STORY_PAGE = 100
_PAGE = 2_000

MOST_COMPARED = 10_000
"""Rows of one comparison that are fetched: who has more that differ looks at a namespace."""


async def fetch_story(feed: Feed, env: str, key: KeyId, *, before: int | None = None) -> History:
    """Return a page of a key's changes in an environment, newest first. Raises SetpointError."""
    params: dict[str, Any] = {"env": env, "namespace": key[0], "key": key[1], "limit": _STORY_PAGE}
    if before is not None:
        params["before"] = before
    return read_answer(History, await feed.request("history", params))


async def fetch_change_set(feed: Feed, env: str, revision: int) -> PastChangeSet:
    """Return a change set of the log. Raises SetpointError."""
    return read_answer(PastChangeSet, await feed.request("change_set.get", {"env": env, "revision": revision}))


async def fetch_comparison(feed: Feed, source: str, target: str, namespace: str | None) -> Comparison:
    """Return what differs, all of it as of the same two revisions, at most MOST_COMPARED rows. Raises SetpointError."""
    params: dict[str, Any] = {"source": source, "target": target, "limit": _PAGE}
    if namespace is not None:
        params["namespaces"] = [namespace]
    found = await _compare(feed, params)
    params |= {"source_revision": found.source.revision, "target_revision": found.target.revision}
    rows, after = found.rows, found.next
    while after is not None and len(rows) < MOST_COMPARED:
        page = await _compare(feed, {**params, "after": list(after)})
        rows, after = rows + page.rows, page.next
    return found.model_copy(update={"rows": rows, "next": after})


async def _compare(feed: Feed, params: dict[str, Any]) -> Comparison:
    return read_answer(Comparison, await feed.request("compare", params, timeout=60))
