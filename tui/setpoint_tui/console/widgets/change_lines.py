"""What a change set did, key by key, as lines."""

from collections.abc import Iterator

from textual.content import Content

from setpoint_tui.answers import Change
from setpoint_tui.console.widgets.diff_view import diff_content
from setpoint_tui.formatting import counted
from setpoint_tui.model.diffing import ABSENT, diff_values
from setpoint_tui.model.keys import KeyId, key_path
from setpoint_tui.text_safety import safe_text

__all__ = ["change_lines"]

_MOST_KEYS = 200
_LINES_OF_EACH = 20


def change_lines(changes: tuple[Change, ...], selected: KeyId | None = None) -> Iterator[Content]:
    """Yield each key with what changed of it; `selected` stands out."""
    for change in changes[:_MOST_KEYS]:
        key = (change.namespace, change.key)
        yield Content.styled(safe_text(key_path(key)), "bold reverse" if key == selected else "bold")
        yield from _difference(change)
    if len(changes) > _MOST_KEYS:
        yield Content.styled(f"… and {counted(len(changes) - _MOST_KEYS, 'more key')}", "$text-muted")


def _difference(change: Change) -> Iterator[Content]:
    old = ABSENT if change.previous_version is None else change.old
    new = ABSENT if change.version is None else change.new
    lines = diff_values(change.type, old, new)
    if not lines:
        yield Content.styled("  the same value, as another version", "$text-muted")
    yield from diff_content(lines[:_LINES_OF_EACH])
    if len(lines) > _LINES_OF_EACH:
        yield Content.styled(f"  … {counted(len(lines) - _LINES_OF_EACH, 'more line')}", "$text-muted")
