"""What the activity's table lists: the log of all environments, filtered, and what is still to be fetched of it."""

from collections.abc import Mapping
from datetime import datetime

from setpoint_tui.model.activity_filter import ActivityFilter, parse_activity_filter
from setpoint_tui.model.activity_log import ActivityLog, Gap
from setpoint_tui.model.activity_view import ActivityRow, activity_rows, oldest_gap

__all__ = ["AT_ONCE", "ActivityList"]

AT_ONCE = 50
"""Change sets of an environment that are fetched together: at first, and each time the end of the list is reached."""


class ActivityList:
    """The rows as they were arranged last."""

    def __init__(self) -> None:
        self.rows: list[ActivityRow] = []
        self.filter_text = ""
        self.filter = ActivityFilter()
        self.only_mine = False
        self.only_here = False

    @property
    def is_narrowed(self) -> bool:
        """Whether not everything is shown."""
        return bool(self.filter_text) or self.only_mine or self.only_here

    def set_filter(self, text: str) -> None:
        """Filter by a text. Raises InvalidFilter and keeps the filter that there was."""
        self.filter = parse_activity_filter(text)
        self.filter_text = text

    def arrange(
        self,
        log: ActivityLog,
        heads: Mapping[str, int],
        now: datetime,
        *,
        me: int | None,
        here: tuple[str | None, str | None],
    ) -> None:
        """Bring the rows up to date. `here`: the selected environment and namespace."""
        env, namespace = here
        wanted = self.filter
        if self.only_here and env is not None:
            heads = {name: head for name, head in heads.items() if name == env}
            wanted = wanted.within(env, namespace)
        self.rows = activity_rows(log, heads, wanted, now, mine=(-1 if me is None else me) if self.only_mine else None)

    def newest_missing(self, log: ActivityLog, heads: Mapping[str, int]) -> dict[str, list[int]]:
        """Return the revisions that are missing of the newest AT_ONCE of each environment that is shown."""
        found = {
            env: [one for one in log.missing(env, head + 1, AT_ONCE) if one > head - AT_ONCE]
            for env, head in heads.items()
            if self.filter.admits_env(env)
        }
        return {env: missing for env, missing in found.items() if missing}

    def missing_of(self, log: ActivityLog, gap: Gap) -> list[int]:
        """Return the newest revisions of a gap, as many as are fetched together."""
        return [] if log.is_full else [one for one in log.missing(gap.env, gap.last + 1, AT_ONCE) if one >= gap.first]

    def older(self) -> Gap | None:
        """Return the gap that is to be fetched from when the end of the list is reached."""
        return oldest_gap(self.rows)
