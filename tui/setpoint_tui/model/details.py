"""What was fetched about single keys: their values everywhere, their last changes, who runs them."""

from collections import OrderedDict
from dataclasses import dataclass, replace

from setpoint_tui.answers import ActiveValue, HistoryChange, Receipt
from setpoint_tui.model.keys import KeyId

__all__ = ["Detail", "Details"]

_KEPT = 200


@dataclass(frozen=True, slots=True)
class Detail:
    """One key, seen from one environment. `stale`: something has changed since it was fetched."""

    values: dict[str, ActiveValue]
    changes: tuple[HistoryChange, ...]
    receipt: Receipt | None
    stale: bool = False


class Details:
    """The keys that were looked at last."""

    def __init__(self) -> None:
        self._kept: OrderedDict[tuple[str, KeyId], Detail] = OrderedDict()

    def get(self, env: str, key: KeyId) -> Detail | None:
        """Return what is known; it may be stale."""
        return self._kept.get((env, key))

    def put(self, env: str, key: KeyId, detail: Detail) -> None:
        """Keep what was fetched, and forget the key that was looked at longest ago."""
        self._kept[env, key] = detail
        self._kept.move_to_end((env, key))
        while len(self._kept) > _KEPT:
            self._kept.popitem(last=False)

    def expire(self, key: KeyId) -> bool:
        """Mark what is known of a key as stale, in every environment; return whether there was any."""
        found = [place for place in self._kept if place[1] == key]
        for place in found:
            self._kept[place] = replace(self._kept[place], stale=True)
        return bool(found)

    def expire_all(self) -> None:
        """Mark everything as stale: we were away."""
        for place, detail in self._kept.items():
            self._kept[place] = replace(detail, stale=True)

    def clear(self) -> None:
        """Forget everything."""
        self._kept.clear()
