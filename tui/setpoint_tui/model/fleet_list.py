"""Which instances the fleet's table lists, and in which order."""

from setpoint_tui.answers import Instance
from setpoint_tui.model.filter_words import FilterWord
from setpoint_tui.model.fleet_view import (
    SORTS,
    FleetRow,
    FleetSort,
    arrange,
    matching,
    parse_fleet_filter,
    summarise,
)
from setpoint_tui.model.model import FleetSeen

__all__ = ["FleetList"]


class FleetList:
    """The fleet of one environment as it was seen last, filtered and arranged."""

    def __init__(self) -> None:
        self.order: list[FleetRow] = []
        self.by_id: dict[str, Instance] = {}
        self.summary = summarise(())
        """Of what the filter lets through."""
        self.total = 0
        self.shown = 0
        self.sort: FleetSort = "state"
        self.descending = False
        self.grouped = False
        self.filter_text = ""
        self._words: tuple[FilterWord, ...] = ()
        self._seen: tuple[str, FleetSeen | None] = ("", None)

    def take(self, env: str, seen: FleetSeen | None) -> bool:
        """Take what was seen last of an environment; return whether it is anything new."""
        if self._seen[0] == env and self._seen[1] is seen:
            return False
        self._seen = (env, seen)
        self._rebuild()
        return True

    def set_filter(self, text: str) -> None:
        """Filter by a text. Raises InvalidFilter and keeps the filter that there was."""
        self._words = parse_fleet_filter(text)
        self.filter_text = text
        self._rebuild()

    def arrange(self, *, sort: FleetSort | None = None, grouped: bool | None = None) -> None:
        """Sort by a column, or put the instances of a service together."""
        self.sort = self.sort if sort is None else sort
        self.grouped = self.grouped if grouped is None else grouped
        self._rebuild()

    def restore(self, sort: object, grouped: object) -> None:
        """Take an arrangement that was kept."""
        if sort in SORTS:
            self.arrange(sort=sort, grouped=bool(grouped))

    def _rebuild(self) -> None:
        instances = () if self._seen[1] is None else self._seen[1].instances
        found = matching(instances, self._words) if self._words else list(instances)
        self.total, self.shown = len(instances), len(found)
        self.by_id = {instance.client_id: instance for instance in found}
        self.summary = summarise(found)
        self.order = arrange(found, sort=self.sort, descending=self.descending, grouped=self.grouped)
