"""Values, durations, revisions and receipts as people read them. What is returned is safe to print."""

import json
from datetime import datetime
from typing import Any, cast

from setpoint.protocol.strict_json import dumps
from setpoint_tui.answers import BehindInstance, Change, HistoryChange, Receipt
from setpoint_tui.text_safety import LONGEST_CELL, safe_text

__all__ = [
    "NO_VALUE",
    "behind_sentence",
    "copied_value",
    "counted",
    "format_age",
    "format_change",
    "format_countdown",
    "format_duration",
    "format_milliseconds",
    "format_revision",
    "format_secret",
    "format_span",
    "format_value",
    "receipt_sentence",
]

NO_VALUE = "(none)"

_LONGEST_SIDE = 200
"""Characters of each side of a change: who needs more looks at the value."""


def format_value(value_type: str, value: Any, *, limit: int = LONGEST_CELL) -> str:
    """Return a value on one line: a string as it stands unless that misleads, others as canonical JSON."""
    if value_type == "string" and isinstance(value, str):
        misleading = value != value.strip() or value in ("", NO_VALUE)
        return safe_text(dumps(value) if misleading else value, limit=limit)
    if value_type != "json" and isinstance(value, dict):
        # No value of these types is an object: it is the mark of a secret.
        return format_secret(value)
    return safe_text(dumps(value), limit=limit)


def copied_value(value_type: str, value: Any) -> str:
    """Return a value as it is copied and edited: a string as it is, JSON by lines. It is NOT safe to show."""
    if value_type == "string" and isinstance(value, str):
        return value
    return json.dumps(value, indent=2, ensure_ascii=False) if value_type == "json" else dumps(value)


def format_secret(mark: Any) -> str:
    """Return what stands for a secret's value: equal fingerprints of one key are equal values."""
    fingerprint = cast("dict[str, Any]", mark).get("fingerprint") if isinstance(mark, dict) else None
    return f"secret {safe_text(str(fingerprint))}" if fingerprint else "secret"


def format_change(change: Change | HistoryChange, value_type: str, *, secret: bool = False) -> tuple[str, str]:
    """Return what a key held before a change and after it."""
    if isinstance(change, Change):
        old, new, secret = change.old, change.new, change.secret
    else:
        old, new = change.previous_value, change.value

    def side(value: Any) -> str:
        return format_secret(value) if secret else format_value(value_type, value, limit=_LONGEST_SIDE)

    return (
        NO_VALUE if change.previous_version is None else side(old),
        NO_VALUE if change.version is None else side(new),
    )


def format_revision(revision: int) -> str:
    """Return a revision as it is written everywhere: r43."""
    return f"r{revision}"


def format_milliseconds(milliseconds: float) -> str:
    """Return a short time, exact enough to compare: 0.8 ms, 14 ms, 1.4 s."""
    if milliseconds < 0.95:
        return f"{milliseconds:.1f} ms"
    if milliseconds < 999.5:
        return f"{milliseconds:.0f} ms"
    return f"{milliseconds / 1000:.1f} s"


def format_duration(seconds: float) -> str:
    """Return a time span in its largest unit: 4s, 2m, 3h, 9d."""
    whole = max(0, int(seconds))
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60)):
        if whole >= length:
            return f"{whole // length}{unit}"
    return f"{whole}s"


def format_countdown(seconds: float) -> str:
    """Return a time that one can watch pass: 09:59 below an hour, above it two units such as 3h 12m."""
    whole = max(0, int(seconds))
    if whole < 3_600:
        return f"{whole // 60:02d}:{whole % 60:02d}"
    if whole < 86_400:
        return f"{whole // 3_600}h {whole % 3_600 // 60:02d}m"
    return f"{whole // 86_400}d {whole % 86_400 // 3_600}h"


def format_span(seconds: float) -> str:
    """Return a time span as somebody gave it, to the second: 30m, 1m 30s, 1h 30m."""
    left, parts = max(0, round(seconds)), list[str]()
    for unit, length in (("d", 86_400), ("h", 3_600), ("m", 60), ("s", 1)):
        number, left = divmod(left, length)
        parts += [f"{number}{unit}"] if number else []
    return " ".join(parts) or "0s"


def format_age(at: datetime, now: datetime) -> str:
    """Return how long ago `at` was; a clock that runs ahead of ours counts as now."""
    return format_duration((now - at).total_seconds())


def counted(number: int, noun: str) -> str:
    """Return the number and the noun, in the plural where it is due."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def receipt_sentence(receipt: Receipt) -> str:
    """Say how many instances run a change set, and how soon they did."""
    if receipt.instances == 0:
        return "no live instance watches it"
    said = f"{receipt.current} of {counted(receipt.instances, 'instance')} {_run(receipt)} it"
    applied = receipt.applied_ms
    if receipt.current == 0 or applied is None or applied.p50 is None or applied.max is None:
        return said
    if receipt.instances == 1:
        return f"{said}, after {format_milliseconds(applied.max)}"
    median, slowest = format_milliseconds(applied.p50), format_milliseconds(applied.max)
    return f"{said}, {median} median, {slowest} slowest"


def behind_sentence(instance: BehindInstance) -> str:
    """Say of one instance what it runs instead, and why if it told."""
    name = f"{safe_text(instance.client_id)} ({safe_text(instance.service)})"
    at = format_revision(instance.revision)
    match instance.state:
        case "refused":
            reason = f": {safe_text(instance.error)}" if instance.error else ""
            return f"{name} refused it and stays at {at}{reason}"
        case "silent":
            return f"{name} has gone silent, last at {at}"
        case _:
            return f"{name} is still at {at}"


def _run(receipt: Receipt) -> str:
    return "runs" if receipt.instances == 1 else "run"
