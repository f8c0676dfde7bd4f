"""What reads see: one environment at one revision, its values parsed once."""

from collections.abc import Mapping
from dataclasses import dataclass

from setpoint.frozen import freeze
from setpoint.protocol.messages import Entry
from setpoint.protocol.values import Json
from setpoint.replica import Held

__all__ = ["Content", "parse"]

NO_ENTRIES: Mapping[str, Entry] = {}


@dataclass(frozen=True, slots=True)
class Content:
    """A held revision and its values in the form that readers get; never changed once made.

    `values` has exactly the namespaces and keys of `held`. They are plain dicts because reads are measured in
    nanoseconds; nothing writes to them.
    """

    held: Held
    values: Mapping[str, Mapping[str, Json]]

    @property
    def has_data(self) -> bool:
        """Whether this came from a source, rather than being the nothing that a client starts with."""
        return self.held.epoch is not None or bool(self.held.namespaces)

    def entry(self, namespace: str, key: str) -> Entry | None:
        """Return the key's entry, with its declared type."""
        return self.held.namespaces.get(namespace, NO_ENTRIES).get(key)


def parse(held: Held, before: Content | None = None) -> Content:
    """Prepare what is held for reading, taking over from `before` all that has not changed."""
    if before is None:
        return Content(held, {name: _parse(entries, NO_ENTRIES, {}) for name, entries in held.namespaces.items()})
    values: dict[str, Mapping[str, Json]] = {}
    for name, entries in held.namespaces.items():
        known, parsed = before.held.namespaces.get(name, NO_ENTRIES), before.values.get(name, {})
        values[name] = parsed if known is entries else _parse(entries, known, parsed)
    return Content(held, values)


def _parse(entries: Mapping[str, Entry], known: Mapping[str, Entry], parsed: Mapping[str, Json]) -> dict[str, Json]:
    return {key: parsed[key] if known.get(key) is entry else freeze(entry.value) for key, entry in entries.items()}
