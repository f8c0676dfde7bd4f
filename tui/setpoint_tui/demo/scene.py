"""What the live view shows, drawn from a state that others keep: the fleet above, the last changes below. Pure."""

from collections import deque
from dataclasses import dataclass, field

from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from setpoint_tui.answers import Instance, PastChangeSet, Receipt
from setpoint_tui.formatting import (
    counted,
    format_change,
    format_milliseconds,
    format_revision,
)
from setpoint_tui.settings import DEFAULT_URL
from setpoint_tui.text_safety import safe_text

__all__ = ["Scene", "Seen", "draw"]

_STYLES = {"current": "green", "behind": "yellow", "unknown": "yellow", "refused": "red", "silent": "red"}
_FRAME_LINES = 9
"""Lines that are neither instances nor changes."""
_FEWEST_CHANGES = 3
_OUTCOME_CELLS = 18
_WIDE = 72
"""Cells from which on there is room for what each instance follows."""


@dataclass(slots=True)
class Seen:
    """A change set that went by, and its receipt once there is one."""

    change_set: PastChangeSet
    receipt: Receipt | None = None


@dataclass(slots=True)
class Scene:
    """All that is shown."""

    env: str
    url: str
    revision: int = 0
    instances: tuple[Instance, ...] = ()
    changes: deque[Seen] = field(default_factory=lambda: deque[Seen](maxlen=50))
    remark: str = ""
    """What went wrong, or what a key did."""


def draw(scene: Scene, width: int, height: int) -> RenderableType:
    """Return the screen for a terminal of so many cells and lines."""
    room = max(height - _FRAME_LINES, 2)
    changes = max(min(_FEWEST_CHANGES, room // 2), room - len(scene.instances))
    return Group(
        _header(scene),
        Text(),
        _fleet(scene, max(1, room - changes), with_namespaces=width >= _WIDE),
        Text(),
        Text("LAST CHANGES", style="dim"),
        *_changes(scene, changes),
        Text(),
        _line((safe_text(scene.remark), "yellow")),
        _footer(scene),
    )


def _header(scene: Scene) -> Text:
    current = sum(1 for instance in scene.instances if instance.state == "current")
    everyone = bool(scene.instances) and current == len(scene.instances)
    return _line(
        (" Setpoint ", "bold reverse"),
        "  ",
        (scene.env, "bold"),
        f" at {format_revision(scene.revision)}  ",
        (f"{current} of {counted(len(scene.instances), 'instance')} current", "green" if everyone else "yellow"),
        (f"   {scene.url}", "dim"),
    )


def _fleet(scene: Scene, most: int, *, with_namespaces: bool) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
    for title in ("INSTANCE", *(("FOLLOWS",) if with_namespaces else ()), "RUNS", "STATE", "APPLIED AFTER"):
        table.add_column(title, justify="right" if title in ("RUNS", "APPLIED AFTER") else "left", no_wrap=True)
    ranked = sorted(scene.instances, key=lambda one: (one.state == "current", one.service, one.client_id))
    shown = ranked if len(ranked) <= most else ranked[: most - 1]
    for instance in shown:
        table.add_row(*_instance(instance, with_namespaces=with_namespaces))
    if len(shown) < len(ranked):
        table.add_row(Text(f"and {len(ranked) - len(shown)} more", style="dim"))
    return table


def _instance(instance: Instance, *, with_namespaces: bool) -> list[Text]:
    applied = "" if instance.applied_ms is None else format_milliseconds(instance.applied_ms)
    namespaces = [Text(safe_text(", ".join(instance.namespaces)), style="dim")] if with_namespaces else []
    return [
        Text(safe_text(instance.client_id)),
        *namespaces,
        Text(format_revision(instance.revision), style="bold"),
        Text(f"● {safe_text(instance.state)}", style=_STYLES.get(instance.state, "")),
        Text(applied),
    ]


def _changes(scene: Scene, most: int) -> list[Text]:
    lines: list[Text] = []
    for seen in scene.changes:
        lines.extend(_change_set(seen))
    if not lines:
        lines = [_line(("none yet: press c to make one", "dim"))]
    return lines[:most]


def _change_set(seen: Seen) -> list[Text]:
    done = seen.change_set
    when = done.at.astimezone().strftime("%H:%M:%S")
    head = f"{when} {format_revision(done.revision)} "
    complete = seen.receipt is not None and seen.receipt.complete
    # Before the values, which may be long: who runs a change is what must not be cut.
    outcome = f"{_outcome(seen.receipt):<{_OUTCOME_CELLS}}"
    lines: list[Text] = []
    for change in done.changes:
        old, new = format_change(change, change.type)
        first = not lines
        lines.append(
            _line(
                (head if first else " " * len(head), "dim"),
                (outcome if first else " " * len(outcome), "green" if complete else "yellow"),
                (safe_text(f"{change.namespace}/{change.key}"), "bold"),
                "  ",
                (old, "dim"),
                " → ",
                new,
            )
        )
    return lines


def _outcome(receipt: Receipt | None) -> str:
    if receipt is None:
        return ""
    applied = receipt.applied_ms
    counts = f"{receipt.current} of {receipt.instances}"
    return counts if applied is None or applied.max is None else f"{counts} in {format_milliseconds(applied.max)}"


def _footer(scene: Scene) -> Group:
    where = "" if scene.url == DEFAULT_URL else f"SETPOINT_URL={scene.url} "
    hint = f"in another terminal: {where}setpoint set payments max_retries 7 --env {scene.env}"
    keys = (("c", "bold"), " make a change  ", ("u", "bold"), " take it back  ", ("q", "bold"), " quit")
    return Group(_line(*keys), _line((hint, "dim")))


def _line(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")
