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
    receipt_sentence,
)
from setpoint_tui.text_safety import safe_text

__all__ = ["Scene", "Seen", "draw"]

_STYLES = {"current": "green", "behind": "yellow", "unknown": "yellow", "refused": "red", "silent": "red"}
_FRAME_LINES = 9
"""Lines that are neither instances nor changes."""
_FEWEST_CHANGES = 3


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


def draw(scene: Scene, height: int) -> RenderableType:
    """Return the screen for a terminal of so many lines."""
    room = max(height - _FRAME_LINES, 2)
    changes = max(_FEWEST_CHANGES, room - len(scene.instances))
    return Group(
        _header(scene),
        Text(),
        _fleet(scene, max(1, room - changes)),
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


def _fleet(scene: Scene, most: int) -> Table:
    table = Table(box=None, pad_edge=False, header_style="dim", expand=False)
    for title, justify in (("INSTANCE", "left"), ("FOLLOWS", "left"), ("RUNS", "right"), ("STATE", "left")):
        table.add_column(title, justify="right" if justify == "right" else "left", no_wrap=True)
    table.add_column("APPLIED AFTER", justify="right", no_wrap=True)
    ranked = sorted(scene.instances, key=lambda one: (one.state == "current", one.service, one.client_id))
    for instance in ranked[:most]:
        table.add_row(*_instance(instance))
    left_out = len(ranked) - most
    if left_out > 0:
        table.add_row(Text(f"and {left_out} more, see `setpoint fleet`", style="dim"))
    return table


def _instance(instance: Instance) -> list[Text]:
    applied = "" if instance.applied_ms is None else format_milliseconds(instance.applied_ms)
    return [
        Text(safe_text(instance.client_id)),
        Text(safe_text(", ".join(instance.namespaces)), style="dim"),
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
    outcome = "" if seen.receipt is None else receipt_sentence(seen.receipt)
    lines: list[Text] = []
    for place, change in enumerate(done.changes):
        old, new = format_change(change, change.type)
        head = (
            f"{when} {format_revision(done.revision)}"
            if place == 0
            else " " * (9 + len(format_revision(done.revision)))
        )
        parts: list[str | tuple[str, str]] = [
            (f"{head} ", "dim"),
            safe_text(f"{change.namespace}/{change.key}"),
            "  ",
            (old, "dim"),
            " → ",
            (new, "bold"),
        ]
        if place == 0:
            parts += [(f"  {outcome}", "green" if seen.receipt and seen.receipt.complete else "yellow")]
        lines.append(_line(*parts))
    return lines


def _footer(scene: Scene) -> Group:
    hint = f"in another terminal: setpoint set payments max_retries 7 --env {scene.env}"
    keys = (("c", "bold"), " make a change   ", ("u", "bold"), " take it back   ", ("q", "bold"), " quit")
    return Group(_line(*keys), _line((hint, "dim")))


def _line(*parts: str | tuple[str, str]) -> Text:
    return Text.assemble(*parts, no_wrap=True, overflow="ellipsis")
