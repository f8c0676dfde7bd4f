"""Edits that were begun and not written: kept by key and environment, and in a form that outlives the program."""

from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any, cast

from setpoint.protocol.values import is_value_type
from setpoint_tui.model.editing import EditedText, ReadValue, read_text
from setpoint_tui.model.json_diff import same_json
from setpoint_tui.model.keys import Held, KeyId

__all__ = ["Draft", "Drafts", "holds_what_is_written"]


@dataclass(frozen=True, slots=True)
class Draft:
    """The text of an editor, and the version that its author saw; None: there was no value."""

    env: str
    namespace: str
    key: str
    type: str
    text: str
    base_version: str | None
    saved_at: str
    """ISO 8601, in UTC."""
    note: str = ""
    escaped: bool = False
    """Whether the text is a string written as JSON, since it holds what cannot be shown."""

    @property
    def id(self) -> KeyId:
        """The key's name."""
        return (self.namespace, self.key)


def holds_what_is_written(draft: Draft, held: Held | None) -> bool:
    """Whether a draft says just what its key holds, so that it is of no use any more."""
    if held is None or not is_value_type(draft.type):
        return False
    read = read_text(draft.type, EditedText(draft.text, draft.escaped))
    return isinstance(read, ReadValue) and same_json(read.value, held.value)


class Drafts:
    """At most one draft per key and environment."""

    def __init__(self) -> None:
        self._drafts: dict[tuple[str, KeyId], Draft] = {}

    def __len__(self) -> int:
        return len(self._drafts)

    def __iter__(self) -> Iterator[Draft]:
        return iter(list(self._drafts.values()))

    def get(self, env: str, key: KeyId) -> Draft | None:
        """Return the draft of a key, or None."""
        return self._drafts.get((env, key))

    def put(self, draft: Draft) -> None:
        """Keep a draft in place of an earlier one."""
        self._drafts[draft.env, draft.id] = draft

    def drop(self, env: str, key: KeyId) -> None:
        """Forget a draft; harmless when there is none."""
        self._drafts.pop((env, key), None)

    def dump(self) -> list[dict[str, Any]]:
        """Return them as JSON, for `load`."""
        return [asdict(draft) for draft in self]

    def load(self, found: object) -> int:
        """Take what `dump` gave; return how many entries could not be read, which are left out."""
        lost = 0
        for entry in cast("list[Any]", found) if isinstance(found, list) else []:
            try:
                self.put(_read(entry))
            except (TypeError, ValueError):
                lost += 1
        return lost


def _read(entry: Any) -> Draft:
    draft = Draft(**entry)
    members: dict[str, object] = asdict(draft)
    base, escaped = members.pop("base_version"), members.pop("escaped")
    texts = all(isinstance(text, str) for text in members.values())
    if not (texts and isinstance(escaped, bool) and (base is None or isinstance(base, str))):
        raise ValueError
    return draft
